"""One output item of a stream on its way: the deltas of its texts, until it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from ...data.json import as_dict, as_list, as_str
from ...data.messages import Part, Reasoning, Refusal, Text

__all__ = ["REASONING", "THOUGHT_BREAK", "ItemProgress", "pair_items"]

REASONING = ("summary", "content")
"""The channels of reasoning items."""

_BLANK = ("", "{}", "null")

THOUGHT_BREAK = "\n\n"
"""Stands between the thoughts of a reasoning item, and between items; the API sends them without any space around."""

_SHOWN: tuple[tuple[type[Text] | type[Refusal] | type[Reasoning], tuple[str, ...]], ...] = (
    (Reasoning, REASONING),
    (Text, ("text",)),
    (Refusal, ("refusal",)),
)


class ItemProgress:
    """The state of one item.

    Its texts are kept as runs, in the order in which they came: a channel ("text", "refusal" of messages; "summary",
    "content" of reasoning; "arguments", "input" of calls), an index, and the pieces. `parts` is `None` until the item
    is done. `position` is its place among the items. `is_whole`: a call's arguments have come whole. `lead` stands
    between its reasoning and that of earlier items.
    """

    __slots__ = (
        "_lengths",
        "_runs",
        "_texts",
        "citations",
        "is_whole",
        "kind",
        "lead",
        "logprobs",
        "parts",
        "position",
        "raw",
    )

    def __init__(self, raw: dict[str, Any], position: int) -> None:
        self.raw = raw
        self.position = position
        self.kind = raw.get("type")
        self.parts: list[Part] | None = None
        self.citations: list[dict[str, Any]] = []
        self.logprobs: list[Any] = []
        self.is_whole = False
        self.lead = ""
        self._runs: list[tuple[str, int, list[str]]] = []
        self._texts: dict[tuple[str, int], list[str]] = {}
        self._lengths: dict[tuple[str, int], int] = {}

    def add(self, channel: str, index: object, delta: str) -> str:
        """Append to one text, and return what that adds to all that is shown."""
        number = index if type(index) is int else 0
        runs, key = self._runs, (channel, number)
        self._texts.setdefault(key, []).append(delta)
        self._lengths[key] = self._lengths.get(key, 0) + len(delta)
        if runs and runs[-1][0] == channel and runs[-1][1] == number:
            runs[-1][2].append(delta)
            return delta
        before = (THOUGHT_BREAK if runs else self.lead) if channel in REASONING else ""
        runs.append((channel, number, [delta]))
        return before + delta

    def complete(self, channel: str, index: object, whole: str) -> str:
        """Note one text as a whole, and return what it adds to what is shown; nothing when it contradicts that."""
        self.is_whole = True
        number = index if type(index) is int else 0
        length = self._lengths.get((channel, number), 0)
        if len(whole) <= length:
            return ""
        streamed = "".join(self._texts.get((channel, number), ()))
        if not whole.startswith(streamed):
            return ""
        return self.add(channel, index, whole[len(streamed) :])

    def is_repeated_by(self, raw: dict[str, Any]) -> bool:
        """Whether an item is this one once more: it has the same id, or without one says nothing else."""
        if isinstance(raw.get("id"), str):
            return bool(raw["id"] == self.raw.get("id"))
        return all(self.raw.get(name) == value for name, value in raw.items() if value is not None)

    def text(self, *channels: str) -> str:
        """All that has come for these channels, in the order in which it came."""
        between = THOUGHT_BREAK if channels[0] in REASONING else ""
        return between.join(["".join(pieces) for channel, _, pieces in self._runs if channel in channels])

    def merge(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The item as it is said to be, with what only its beginning or its deltas told."""
        merged = {**self.raw, **{name: value for name, value in raw.items() if value is not None}}
        for channel in ("arguments", "input"):
            said = merged.get(channel)
            blank = said.strip() in _BLANK if isinstance(said, str) else not said
            if blank and (streamed := self.text(channel)):
                merged[channel] = streamed  # some services end with an item that has lost them
        return merged

    def streamed(self) -> dict[str, Any]:
        """The item as far as its deltas tell, in the form of a whole one."""
        item = dict(self.raw)
        contents = {"text": "content", "refusal": "content", "content": "content", "summary": "summary"}
        lists: dict[str, list[dict[str, Any]]] = {}
        for channel, _, pieces in self._runs:
            if field := contents.get(channel):
                name = "refusal" if channel == "refusal" else "text"
                lists.setdefault(field, []).append({name: "".join(pieces)})
            elif channel not in item or item[channel] is self.raw.get(channel):
                item[channel] = self.text(channel)
        texts = [piece for piece in lists.get("content", ()) if "text" in piece]
        if self.citations and texts:
            texts[-1]["annotations"] = self.citations
        return {**item, **lists}

    def finish(self, raw: dict[str, Any], parts: list[Part]) -> Iterator[tuple[str, str]]:
        """Be done, with these parts: yields, as channel and text, what the deltas did not show yet.

        Where the parts contradict what was shown already, what was shown stays.
        """
        for kind, channels in _SHOWN:
            shown = self.text(*channels)
            if shown and kind is Reasoning:
                shown = self.lead + shown
            told = "".join(part.text for part in parts if type(part) is kind)
            if not told.startswith(shown):
                parts = _replace_texts(parts, kind, shown)
            elif len(told) > len(shown):
                yield channels[0], told[len(shown) :]
        self.parts, self.raw = parts, raw
        contents = [as_dict(piece) for piece in as_list(raw.get("content"))]
        self.logprobs = [entry for piece in contents for entry in as_list(piece.get("logprobs"))] or self.logprobs


def _replace_texts(parts: list[Part], kind: type[Text] | type[Refusal] | type[Reasoning], text: str) -> list[Part]:
    """The parts with all text of one kind replaced, in the place of the first."""
    place = next((index for index, part in enumerate(parts) if type(part) is kind), 0)
    first = parts[place] if place < len(parts) and type(parts[place]) is kind else kind("")
    others = [part for part in parts if type(part) is not kind]
    return [*others[:place], msgspec.structs.replace(first, text=text), *others[place:]]


def pair_items(
    items: list[ItemProgress], output: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], ItemProgress | None]]:
    """Each item of a whole response with what the stream had of it.

    They are matched by id, and where there is none, or ids changed on the way, by kind and order.
    """
    known = {found: item for item in items if (found := as_str(item.raw.get("id")))}
    pairs = [(raw, known.get(as_str(raw.get("id")) or "")) for raw in output]
    taken = {id(item) for _, item in pairs}
    left: dict[Any, deque[ItemProgress]] = {}
    for item in items:
        if id(item) not in taken and isinstance(item.kind, str):
            left.setdefault(item.kind, deque()).append(item)
    for position, (raw, known_item) in enumerate(pairs):
        if known_item is None and (same := left.get(as_str(raw.get("type")))):
            pairs[position] = (raw, same.popleft())
    return pairs
