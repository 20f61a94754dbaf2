"""JSON from strangers: decoding that fails in one way only, and reading that never trusts a type."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

__all__ = [
    "as_dict",
    "as_int",
    "as_list",
    "as_plain",
    "as_str",
    "decode_json",
    "encode_json",
    "excerpt",
    "from_epoch",
    "merge",
    "whole_text",
]

_decoder = msgspec.json.Decoder()
_exact_decoder = msgspec.json.Decoder(float_hook=Decimal)


def as_plain(value: object) -> object:
    """Subclasses of plain types, such as marked-up text and NumPy's floats, as what they are derived from.

    Raises `TypeError` for anything else.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


def merge(body: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Put what a caller adds into a body, which is returned: into the objects that are there already, however deep, in
    place of anything else. Neither `extra` nor an object of the caller's within the body is changed.
    """
    for name, value in extra.items():
        known = body.get(name)
        both = isinstance(known, dict) and isinstance(value, Mapping)
        body[name] = merge(dict(known), value) if both else value  # type: ignore[arg-type]
    return body


_encode = msgspec.json.Encoder(decimal_format="number", enc_hook=as_plain).encode


def encode_json(value: Any) -> bytes:
    """Encode as JSON. Half of a surrogate pair, which is no text, becomes U+FFFD, as it does in `decode_json`.

    Raises `TypeError` for what JSON cannot hold.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_without_halves(msgspec.to_builtins(value, builtin_types=(Decimal,), enc_hook=as_plain)))


def _without_halves(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list | tuple):
        return [_without_halves(inner) for inner in value]
    if isinstance(value, dict):
        return {_without_halves(name): _without_halves(inner) for name, inner in value.items()}
    return value


_LONE_SURROGATE = re.compile(
    rb"(?<!\\)((?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def decode_json(data: bytes | str, *, exact: bool = False) -> Any:
    """Decode JSON. Raises `ValueError`, and nothing else, when it is malformed or nested too deeply.

    `exact`: numbers that are no integers become `Decimal` with all their digits.

    An escaped half of a surrogate pair, which models do emit, becomes U+FFFD.
    """
    decode = _exact_decoder.decode if exact else _decoder.decode
    try:
        return decode(data)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raw = whole_text(data).encode() if isinstance(data, str) else data
        mended = _LONE_SURROGATE.sub(rb"\1\\ufffd", raw) if b"\\u" in raw else raw
        if mended == raw and not isinstance(error, UnicodeEncodeError):
            raise ValueError(f"not JSON: {error}") from None
    try:
        return decode(mended)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None


def whole_text(text: str) -> str:
    """The text with the halves of its surrogate pairs joined, and U+FFFD for what is left of others."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_excerpts = reprlib.Repr()
_excerpts.maxlevel, _excerpts.maxstring, _excerpts.maxother = 8, 300, 100
_excerpts.maxdict = _excerpts.maxlist = 20


def excerpt(value: Any) -> bytes:
    """The start of a decoded value for an error's details, however deep or long it is: at most 500 bytes."""
    return _excerpts.repr(value).encode("utf-8", "replace")[:500]


def as_str(value: object) -> str | None:
    """The value if it is a string with something in it, else `None`."""
    return value if isinstance(value, str) and value else None


def as_int(value: object) -> int | None:
    """The value as a count: an integer that is not negative (integral floats too), else `None`."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, float) and value >= 0 and value.is_integer():
        return int(value)
    return None


def as_dict(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def from_epoch(value: object) -> datetime | None:
    """A moment from epoch seconds, if it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
