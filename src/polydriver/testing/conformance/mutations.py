"""What could go wrong with an answer: every value in it replaced by another kind, or missing; bytes lost or
changed."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from ...data.json import decode_json, encode_json

__all__ = [
    "HOSTILE_BODIES",
    "changed_json",
    "json_leaves",
    "mutated_bytes",
    "mutated_events",
    "mutated_json",
    "mutated_stream",
]

HOSTILE_BODIES: tuple[bytes, ...] = (
    b"",
    b" \r\n",
    b"null",
    b"true",
    b"0",
    b'"only a text"',
    b"[]",
    b"[1, null]",
    b"{}",
    b'{"error": null}',
    b'{"error": "a text"}',
    b'{"error": {"message": {"message": ["deep"]}, "code": [1]}}',
    b'{"detail": [{"msg": "field required", "loc": ["body"]}]}',
    b'{"message": 7}',
    b'{"error": [{"message": "in a list"}]}',
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad</h1></body></html>",
    b"upstream connect error",
    b"\xff\xfe\x00\x80",
    b'{"error": {"message": "half',
    b"[" * 3000,
    b'{"a":' * 3000,
)
_JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "x",
    [],
    {},
    [None],
    [[]],
    {"x": 1},
    ["x", 1],
    "\ud7ff\u0000",
)
_LINE = re.compile(rb"^((?:data: ?)?)(\{.*\})\r?$", re.MULTILINE)
_MISSING = object()


def mutated_json(value: Any, limit: int, seed: int = 0) -> list[Any]:
    """Copies of a JSON value, each with one place changed; at most `limit`, always the same ones."""
    places = [(path, junk) for path in _paths(value) for junk in (*_JUNK, _MISSING)]
    if len(places) > limit:
        places = Random(seed).sample(places, limit)
    return [_changed(value, path, junk) for path, junk in places]


def mutated_stream(stream: bytes, limit: int) -> Iterator[bytes]:
    """Copies of a stream, each with one place in the JSON of one of its events changed; at most about
    `limit`."""
    found = list(_LINE.finditer(stream))
    for number, match in enumerate(found):
        for changed in mutated_json(decode_json(match[2]), limit // len(found) + 1, number):
            yield stream[: match.start()] + match[1] + encode_json(changed) + stream[match.end() :]
        yield stream[: match.start()] + stream[match.end() :]


def mutated_events(events: list[bytes], limit: int) -> Iterator[bytes]:
    """Copies of a stream of any framing, given as its events: the JSON in one of them is replaced by other JSON of the
    same length, so that lengths before it hold. At most about `limit`."""
    for number, event in enumerate(events):
        start, end = event.find(b"{"), event.rfind(b"}") + 1
        try:
            payload = decode_json(event[max(start, 0) : end])
        except ValueError:
            continue
        for changed in (*_JUNK, *mutated_json(payload, limit // len(events) + 1, number)):
            text = encode_json(changed)
            if len(text) <= end - start:
                other = event[:start] + text.ljust(end - start) + event[end:]
                yield b"".join([*events[:number], other, *events[number + 1 :]])


def mutated_bytes(data: bytes, limit: int, seed: int = 0) -> Iterator[bytes]:
    """Copies with one byte changed, and with a stretch lost."""
    chance = Random(seed)
    for _ in range(limit // 2 if data else 0):
        place = chance.randrange(len(data))
        yield data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        yield data[:place] + data[place + chance.randrange(40) :]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


def _changed(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    changed = copy.deepcopy(value)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    if junk is _MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = junk
    return changed


def json_leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All values in a JSON value that are neither objects nor lists, with the keys that lead to them."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path, value
        return
    for key, item in items:
        yield from json_leaves(item, (*path, key))


def changed_json(value: Any, path: tuple[Any, ...], other: Any = _MISSING) -> Any:
    """A copy of a JSON value with something else at one place, or with nothing there."""
    return _changed(value, path, other)
