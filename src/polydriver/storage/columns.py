"""Types of columns that hold the same on every database.

- `Text`: any Python string, with NULs and lone surrogates, which PostgreSQL and SQLite refuse.
- `Json`: plain data as JSON in ASCII, for the same reason. Times, decimals and bytes are for the caller to write. Two
  halves of surrogate pairs that meet in a text, which are two characters there and would be one in JSON, stay apart.
- `Time`: an aware `datetime`, in UTC, as microseconds since the epoch.
- `Money`: a `Decimal` amount as an integer of its millionth of a millionth (pico-dollars).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Dialect
from sqlalchemy import Text as PlainText
from sqlalchemy.types import TypeDecorator

from ..data.cost import EXACT

__all__ = [
    "Json",
    "Money",
    "PackedType",
    "Text",
    "Time",
    "from_micros",
    "from_pico",
    "join_halves",
    "pack_json",
    "pack_text",
    "part_halves",
    "to_micros",
    "to_pico",
    "unpack_json",
    "unpack_text",
]

T = TypeVar("T")

_MARK = "\x1a"
_AWKWARD = re.compile("[\x00\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PICO = Decimal("1e-12")
_MICROSECOND = timedelta(microseconds=1)
_encode = json.JSONEncoder(separators=(",", ":")).encode
_encode_as_it_is = json.JSONEncoder(ensure_ascii=False).encode

# Halves that meet are parted by a mark; where marks are between them already, one more is put there.
_MAY_MEET = re.compile(r"\\ud[89ab][0-9a-f]{2}(?:\\u001a)*\\ud[c-f]")
_MAY_BE_PARTED = re.compile(r"\\ud[89ab][0-9a-f]{2}(?:\\u001a)+\\ud[c-f]")
_MEETING = re.compile("([\ud800-\udbff]\x1a*)([\udc00-\udfff])")
_PARTED = re.compile("([\ud800-\udbff]\x1a*)\x1a([\udc00-\udfff])")


def pack_text(text: str) -> str:
    """The text as it is, or, where a database would refuse it, a mark and its JSON. Equal texts are packed equally."""
    is_plain = text.isascii() and "\x00" not in text  # most texts are, and this is told at once
    is_awkward = text.startswith(_MARK) or not (is_plain or _AWKWARD.search(text) is None)
    return _MARK + pack_json(text) if is_awkward else text


def unpack_text(text: str) -> str:
    """What `pack_text` was given."""
    return str(unpack_json(text[1:])) if text.startswith(_MARK) else text


def pack_json(value: Any) -> str:
    """JSON in ASCII, which holds every string. Raises `TypeError` and `ValueError` as `json.dumps` does."""
    text = _encode(value)
    if _MAY_MEET.search(text) is not None and _has_halves(value):
        text = _encode(part_halves(value))
    return text


def unpack_json(text: str) -> Any:
    """What `pack_json` was given."""
    value = json.loads(text)
    return value if _MAY_BE_PARTED.search(text) is None else join_halves(value)


def part_halves(value: Any) -> Any:
    """Plain data that JSON does not change: halves of surrogate pairs that meet have a mark between them."""
    return _with_texts(value, lambda text: _MEETING.sub("\\1\x1a\\2", text))


def join_halves(value: Any) -> Any:
    """What `part_halves` was given."""
    return _with_texts(value, lambda text: _PARTED.sub(r"\1\2", text))


def _has_halves(value: Any) -> bool:
    try:
        _encode_as_it_is(value).encode()
    except UnicodeEncodeError:
        return True
    return False


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_with_texts(name, change): _with_texts(item, change) for name, item in value.items()}
    return [_with_texts(item, change) for item in value] if isinstance(value, list | tuple) else value


def to_micros(moment: datetime) -> int:
    """Microseconds since the epoch. Raises `ValueError` for a moment without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone: give it one, such as datetime.UTC")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def to_pico(amount: Decimal) -> int:
    """The amount in millionths of millionths, rounded half to even beyond that."""
    return int(amount.quantize(_PICO, ROUND_HALF_EVEN, EXACT).scaleb(12, EXACT))


def from_pico(pico: int) -> Decimal:
    """The amount, exactly."""
    return Decimal(pico).scaleb(-12, EXACT)


def _from_pico(pico: Any) -> Decimal:
    return from_pico(int(pico))  # sums of PostgreSQL are decimals


class PackedType(TypeDecorator[T]):
    """What its `pack` makes for the database and its `unpack` reads again; `None` is NULL."""

    cache_ok = True
    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Pack."""
        return None if value is None else self.pack(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Unpack."""
        return None if value is None else self.unpack(value)


class Text(PackedType[str]):
    """Any string; see `pack_text`."""

    impl = PlainText
    cache_ok = True
    pack, unpack = staticmethod(pack_text), staticmethod(unpack_text)


class Json(PackedType[Any]):
    """Plain data as JSON; `None` is NULL."""

    impl = PlainText
    cache_ok = True
    pack, unpack = staticmethod(pack_json), staticmethod(unpack_json)


class Time(PackedType[datetime]):
    """A moment in UTC."""

    impl = BigInteger
    cache_ok = True
    pack, unpack = staticmethod(to_micros), staticmethod(from_micros)


class Money(PackedType[Decimal]):
    """An amount of money."""

    impl = BigInteger
    cache_ok = True
    pack, unpack = staticmethod(to_pico), staticmethod(_from_pico)
