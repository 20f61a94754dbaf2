"""One output item of a stream on its way: the deltas of its texts, until it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ....data.json import as_dict, as_list
from ....data.messages import Part, Reasoning, Refusal, Text

__all__ = ["ItemProgress"]

_SHOWN: tuple[tuple[type[Text] | type[Refusal] | type[Reasoning], tuple[str, ...]], ...] = (
    (Reasoning, ("summary", "content")),
    (Text, ("text",)),
    (Refusal, ("refusal",)),
)


class ItemProgress:
    """The state of one item.

    Its texts are kept by channel ("text", "refusal" of messages; "summary", "content" of reasoning; "arguments", "input" of calls)
    and index. `parts` is `None` until the item is done. `is_whole`: a call's arguments have come whole.
    """

    __slots__ = ("_texts", "citations", "is_whole", "kind", "logprobs", "parts", "raw")

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.kind = raw.get("type")
        self.parts: list[Part] | None = None
        self.citations: list[dict[str, Any]] = []
        self.logprobs: list[Any] = []
        self.is_whole = False
        self._texts: dict[tuple[str, int], list[str]] = {}

    def add(self, channel: str, index: object, delta: str) -> None:
        """Append to one text."""
        key = (channel, index if type(index) is int else 0)
        pieces = self._texts.get(key)
        if pieces is None:
            pieces = self._texts[key] = []
        pieces.append(delta)

    def complete(self, channel: str, index: object, whole: str) -> str:
        """Take note of one text as a whole, and return what it adds to the deltas; nothing when it contradicts them."""
        self.is_whole = True
        streamed = "".join(self._texts.get((channel, index if type(index) is int else 0), ()))
        if len(whole) == len(streamed) or not whole.startswith(streamed):
            return ""
        rest = whole[len(streamed) :]
        self.add(channel, index, rest)
        return rest

    def text(self, *channels: str) -> str:
        """All that has come for these channels, in the order in which it came."""
        return "".join("".join(pieces) for (channel, _), pieces in self._texts.items() if channel in channels)

    def merge(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The item as it is said to be, with what only its beginning or its deltas told."""
        merged = {**self.raw, **{name: value for name, value in raw.items() if value is not None}}
        for channel in ("arguments", "input"):
            if merged.get(channel) in (None, "") and (streamed := self.text(channel)):
                merged[channel] = streamed
        return merged

    def streamed(self) -> dict[str, Any]:
        """The item as far as its deltas tell, in the form of a whole one."""
        item = dict(self.raw)
        contents = {"text": "content", "refusal": "content", "content": "content", "summary": "summary"}
        lists: dict[str, list[dict[str, Any]]] = {}
        for (channel, _), pieces in self._texts.items():
            text = "".join(pieces)
            if field := contents.get(channel):
                name = "refusal" if channel == "refusal" else "text"
                lists.setdefault(field, []).append({name: text, "annotations": self.citations})
            else:
                item[channel] = text
        return {**item, **lists}

    def finish(self, raw: dict[str, Any], parts: list[Part]) -> Iterator[tuple[str, str]]:
        """Be done, with these parts: yields, as channel and text, what the deltas did not show yet.

        Where the parts contradict what was shown already, what was shown stays.
        """
        for kind, channels in _SHOWN:
            shown = self.text(*channels)
            told = "".join(part.text for part in parts if type(part) is kind)
            if not told.startswith(shown):
                parts = _retell(parts, kind, shown)
            elif len(told) > len(shown):
                yield channels[0], told[len(shown) :]
        self.parts, self.raw = parts, raw
        told_logprobs = [entry for piece in as_list(raw.get("content")) for entry in as_list(as_dict(piece).get("logprobs"))]
        self.logprobs = told_logprobs or self.logprobs


def _retell(parts: list[Part], kind: type[Text] | type[Refusal] | type[Reasoning], text: str) -> list[Part]:
    """The parts with all text of one kind replaced, in the place of the first."""
    place = next((index for index, part in enumerate(parts) if type(part) is kind), 0)
    first = parts[place] if place < len(parts) and type(parts[place]) is kind else kind("")
    others = [part for part in parts if type(part) is not kind]
    return [*others[:place], msgspec.structs.replace(first, text=text), *others[place:]]
