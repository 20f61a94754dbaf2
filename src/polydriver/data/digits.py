"""Arguments of tool calls with more digits than a float holds: the text that they came as is kept beside them.

`ToolCall.arguments` holds floats, which people and other programs expect. A tool that takes a `Decimal` gets the number
as the model wrote it, by `ToolCall.exact_arguments`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from .json import decode_json, encode_json
from .messages import ToolCall

__all__ = ["has_more_digits", "keep_digits", "with_digits"]

_LONG = re.compile(r"[0-9][0-9.]{15,}")
_LONG_BYTES = re.compile(rb"[0-9][0-9.]{15,}")
_MAX_DEPTH = 100


def has_more_digits(text: str) -> bool:
    """Whether a JSON text has a number with a fraction that a float does not hold."""
    if not _LONG.search(text):
        return False
    try:
        return _is_finer(decode_json(text, exact=True))
    except ValueError:
        return False


def with_digits(calls: Sequence[ToolCall], body: bytes) -> list[ToolCall]:
    """The calls that were read from a body, with the text of their arguments where that has more digits; the same
    objects elsewhere. For wires whose arguments come as an object: of a text, its reader knows."""
    if not any(call.arguments and call.arguments_text is None for call in calls) or not _LONG_BYTES.search(body):
        return list(calls)
    try:
        finer = {_key(_floats(exact)): exact for exact in _finer_objects(decode_json(body, exact=True))}
    except ValueError:
        return list(calls)
    return [_with_text(call, finer) for call in calls]


def keep_digits(parts: list[Any], body: bytes) -> None:
    """Put the calls among some parts in place of themselves `with_digits`."""
    places = [place for place, part in enumerate(parts) if type(part) is ToolCall]
    if places:
        for place, call in zip(places, with_digits([parts[place] for place in places], body), strict=True):
            parts[place] = call


def _key(arguments: dict[str, Any]) -> bytes:
    return msgspec.json.encode(arguments, order="deterministic")


def _with_text(call: ToolCall, finer: dict[bytes, dict[str, Any]]) -> ToolCall:
    if not call.arguments or call.arguments_text is not None:
        return call
    found = finer.get(_key(call.arguments))
    return call if found is None else msgspec.structs.replace(call, arguments_text=encode_json(found).decode())


def _finer_objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The objects in a decoded value that have a number, however deep in them, which a float does not hold."""
    if depth > _MAX_DEPTH or not isinstance(value, dict | list):
        return
    if isinstance(value, dict) and _is_finer(value):
        yield value
    for item in value.values() if isinstance(value, dict) else value:
        yield from _finer_objects(item, depth + 1)


def _is_finer(value: Any, depth: int = 0) -> bool:
    if isinstance(value, Decimal):
        return Decimal(repr(float(value))) != value
    if depth > _MAX_DEPTH or not isinstance(value, dict | list):
        return False
    return any(_is_finer(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value))


def _floats(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _floats(item) for name, item in value.items()}
    return [_floats(item) for item in value] if isinstance(value, list) else value
