"""Characters beyond the basic plane that a stream splits: half of a surrogate pair in one event, half in the next.

JSON writes such a character as two escapes (RFC 8259, section 7). A server that cuts texts between them sends events
that are not ordinary JSON, since half a pair is not a character.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from ..data.json import encode_json, whole_text

__all__ = ["Halves"]

_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_PLACES = ("type", "index", "output_index", "content_index", "summary_index", "item_id", "contentBlockIndex", "thought")
"""Fields that tell apart texts which grow side by side."""

_MAX_DEPTH = 100
_MAX_WAITING = 8
"""How many events may come between two halves: comments of a service, and pieces of other texts."""

Place = tuple[Any, ...]
Texts = dict[Place, tuple[Any, Any]]


class _Event(msgspec.Struct):
    """An event, its JSON, and the texts that end in half a character: each with what holds it, and the key there."""

    event: Any
    payload: Any
    open: Texts


class Halves:
    """Holds back an event that ends in half a character until the next piece of that text has come.

    The character is whole in the second event. A half without its other is U+FFFD.
    """

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: list[_Event] = []

    def put(self, event: Any, text: bytes) -> list[tuple[Any, bytes | None]]:
        """Take an event and its JSON. Returns the events that are ready, each with its mended JSON (`None`: as it
        is)."""
        if not self.waiting and not _HALF.search(text):
            return [(event, None)]
        texts: Texts = {}
        try:
            payload = json.loads(text)
            _find_texts(payload, (), texts, 0)
        except (ValueError, RecursionError):
            payload, texts = None, {}
        for earlier in self.waiting:
            for place in [place for place in earlier.open if place in texts]:
                if _join(earlier.open[place], texts[place]):
                    del earlier.open[place]
        ends = {place: at for place, at in texts.items() if "\ud800" <= at[0][at[1]][-1:] <= "\udbff"}
        self.waiting.append(_Event(event, payload, ends))
        ready = []
        while self.waiting and (not self.waiting[0].open or len(self.waiting) > _MAX_WAITING):
            ready.append(_mended(self.waiting.pop(0)))
        return ready

    def drain(self) -> list[tuple[Any, bytes | None]]:
        """The events that are left, when no more will come."""
        left, self.waiting = self.waiting, []
        return [_mended(event) for event in left]


def _find_texts(value: Any, place: Place, found: Texts, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, dict):
        place = (*place, *((name, value[name]) for name in _PLACES if isinstance(value.get(name), str | int)))
    elif not isinstance(value, list):
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, str):
            found[*place, key] = (value, key)
        else:
            _find_texts(item, (*place, key), found, depth + 1)


def _join(first: tuple[Any, Any], second: tuple[Any, Any]) -> bool:
    """Move half a character into the text that goes on from it, if it does. Returns whether the wait is over."""
    (holder, name), (next_holder, next_name) = first, second
    text, following = holder[name], next_holder[next_name]
    if following and "\udc00" <= following[0] <= "\udfff":
        holder[name] = text[:-1]
        next_holder[next_name] = text[-1] + following
    return bool(following)


def _mended(event: _Event) -> tuple[Any, bytes | None]:
    if event.payload is None:
        return event.event, None
    try:
        return event.event, encode_json(_whole(event.payload))
    except (ValueError, RecursionError):
        return event.event, None


def _whole(value: Any) -> Any:
    """The value with its pairs joined, and U+FFFD for what is left of others."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, dict):
        return {whole_text(name): _whole(item) for name, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
