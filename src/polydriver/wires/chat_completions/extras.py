"""What answers of Chat Completions hold beside text and calls: sources, pictures, opaque reasoning, server tools."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.json import as_dict, as_list, as_str
from ...data.messages import Image, Part, ProviderPart, Reasoning, Text
from .options import ChatSettings

__all__ = ["Extras", "read_details_text", "read_images", "read_sources"]

_MERGED = ("text", "summary", "data", "signature")


class Extras:
    """Collects the extras of one choice, from a whole message or delta by delta, and puts them into its parts.

    `details`: OpenRouter's `reasoning_details`, which go back as they came; `citations`; `tools`: calls that the
    service ran itself, by index, each replaced by its later state.
    """

    __slots__ = ("_pieces", "citations", "details", "tools")

    def __init__(self) -> None:
        self.details: list[dict[str, Any]] = []
        self._pieces: dict[str, list[str]] = {}
        self.citations: list[dict[str, Any]] = []
        self.tools: dict[object, dict[str, Any]] = {}

    def add(self, details: Any = None, annotations: Any = None, tools: Any = None) -> None:
        """Add what a message or a delta holds; anything of the wrong type is passed over."""
        for detail in as_list(details):
            if isinstance(detail, dict):
                self._add_detail(detail)
        self.citations += [item for item in as_list(annotations) if isinstance(item, dict)]
        for position, tool in enumerate(as_list(tools)):
            if isinstance(tool, dict):
                index = tool.get("index")
                self.tools[index if type(index) is int else f"at {position}"] = tool

    def _add_detail(self, detail: dict[str, Any]) -> None:
        """A detail that goes on with the last one is merged with it: the same type, and the same index or none."""
        last = self.details[-1] if self.details else None
        continues = (
            last is not None
            and detail.get("type") == last.get("type") != "reasoning.encrypted"
            and detail.get("index") == last.get("index")
            and (detail.get("id") or last.get("id")) == (last.get("id") or detail.get("id"))
        )
        if last is None or not continues:
            self._join()
            self.details.append(dict(detail))
            return
        for name, value in detail.items():
            if name in _MERGED and isinstance(last.get(name), str) and isinstance(value, str):
                self._pieces.setdefault(name, [last[name]]).append(value)
            elif value is not None or name not in last:
                self._pieces.pop(name, None)
                last[name] = value

    def _join(self) -> None:
        """Put the texts of the last detail together, which came in pieces."""
        for name, pieces in self._pieces.items():
            self.details[-1][name] = "".join(pieces)
        self._pieces.clear()

    def server_parts(self, wire: ChatSettings) -> list[ProviderPart]:
        """The calls that the service ran itself."""
        kind = wire.server_tools_field or ""
        return [ProviderPart(provider=wire.origin, kind=kind, data=tool) for tool in self.tools.values()]

    def apply(self, wire: ChatSettings, parts: list[Part]) -> list[Part]:
        """The parts of the finished choice, with the extras in their places: reasoning is marked as the service's own,
        citations stand at the text, server tools before it."""
        parts = [_mark(wire, part) for part in parts]
        if self.details:
            self._join()
            self._place_details(wire, parts)
        texts = [position for position, part in enumerate(parts) if type(part) is Text]
        if self.citations and texts:
            text = parts[texts[-1]]
            assert isinstance(text, Text)
            parts[texts[-1]] = msgspec.structs.replace(text, citations=[*text.citations, *self.citations])
        if self.tools:
            place = texts[0] if texts else len(parts)
            parts[place:place] = self.server_parts(wire)
        return parts

    def _place_details(self, wire: ChatSettings, parts: list[Part]) -> None:
        own = {wire.origin: {"reasoning_details": self.details}}
        for position, part in enumerate(parts):
            if type(part) is Reasoning:
                parts[position] = Reasoning(part.text, provider_data=own)
                return
        parts.insert(0, Reasoning(provider_data=own))


def _mark(wire: ChatSettings, part: Part) -> Part:
    """Reasoning with the name of where it came from, without which it would not be sent back."""
    if type(part) is Reasoning and wire.origin not in part.provider_data:
        return Reasoning(part.text, provider_data={**part.provider_data, wire.origin: {}})
    return part


def read_details_text(details: Any) -> str:
    """The readable text of `reasoning_details`."""
    entries = [as_dict(detail) for detail in as_list(details)]
    return "".join(as_str(entry.get("text")) or as_str(entry.get("summary")) or "" for entry in entries)


def read_images(images: Any) -> list[Image]:
    """The pictures of a message, `{"image_url": {"url": ...}}` each; those that can't be read are left out."""
    found = []
    for item in as_list(images):
        target = as_dict(item).get("image_url")
        url = as_str(target) or as_str(as_dict(target).get("url"))
        if url:
            try:
                found.append(Image.from_url(url))
            except ValueError:
                continue
    return found


def read_sources(search_results: Any, citations: Any) -> list[dict[str, Any]]:
    """The sources that stand beside `choices`: records of search results, else bare addresses as `{"url": ...}`."""
    records = [item for item in as_list(search_results) if isinstance(item, dict)]
    if records:
        return records
    return [item if isinstance(item, dict) else {"url": item} for item in as_list(citations) if item]
