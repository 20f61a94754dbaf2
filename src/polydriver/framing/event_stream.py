"""The binary framing `application/vnd.amazon.eventstream`, in which Amazon Bedrock streams.

A message is: its total length and that of its headers (4 bytes each, big-endian), the CRC-32 of these 8
bytes, the headers, the payload, and the CRC-32 of all that precedes it.
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
from functools import lru_cache
from zlib import crc32

import msgspec

from polydriver.framing.errors import MAX_EVENT_BYTES, FramingError, event_too_large

__all__ = ["EventStreamDecoder", "EventStreamMessage", "HeaderValue"]

HeaderValue = bool | int | bytes | str
"""The value of a header. Timestamps are milliseconds since 1970 (`int`), UUIDs their 16 bytes."""

_PRELUDE = struct.Struct("!III")
_CRC = struct.Struct("!I")
_LENGTH = struct.Struct("!H")
_OVERHEAD = _PRELUDE.size + _CRC.size
_LENGTHS_SIZE = 8  # what the prelude's own checksum covers

_BYTES_TYPE, _STRING_TYPE, _UUID_TYPE = 6, 7, 9
_BOOLEANS = {0: True, 1: False}
_INTEGERS = {2: struct.Struct("!b"), 3: struct.Struct("!h"), 4: struct.Struct("!i"), 5: struct.Struct("!q")}
_INTEGERS[8] = _INTEGERS[5]  # a timestamp


class EventStreamMessage(msgspec.Struct, frozen=True):
    """One message: its headers (`:message-type`, `:event-type` or `:exception-type`, ...) and its payload."""

    headers: dict[str, HeaderValue]
    payload: bytes


class EventStreamDecoder:
    """Cuts a body into `EventStreamMessage` values, with both checksums of each verified."""

    __slots__ = ("_buffer", "_failure", "_limit", "_needed")

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._buffer = bytearray()
        self._needed = _PRELUDE.size  # below this length the buffer holds nothing new to read
        self._failure: str | None = None

    def feed(self, data: bytes) -> list[EventStreamMessage]:
        """The messages that `data` completes.

        Raises `FramingError` for a wrong checksum, lengths that contradict each other, malformed headers, and
        a message over `max_event_bytes`. Messages that precede the fault are returned first, and the error is
        raised by the next call.
        """
        self._raise_failure()
        self._buffer += data
        if len(self._buffer) < self._needed:
            return []
        messages: list[EventStreamMessage] = []
        try:
            self._read_messages(messages)
        except FramingError as error:
            self._failure = str(error)
            self._buffer.clear()
            if not messages:
                raise
        return messages

    def finish(self) -> list[EventStreamMessage]:
        """Always an empty list: a message that is not whole cannot be trusted.

        Raises `FramingError` when the body was malformed.
        """
        self._raise_failure()
        length = int.from_bytes(self._buffer[:4].ljust(4, b"\0"), "big")
        self._buffer.clear()
        self._needed = _PRELUDE.size
        if length > self._limit:
            raise FramingError("event stream: the body does not begin like a message")
        return []

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise FramingError(self._failure)

    def _read_messages(self, messages: list[EventStreamMessage]) -> None:
        data = bytes(self._buffer)
        start = 0
        self._needed = _PRELUDE.size
        while len(data) - start >= _PRELUDE.size:
            total, headers_length, checksum = _PRELUDE.unpack_from(data, start)
            rest = start + _LENGTHS_SIZE
            checked = crc32(data[start:rest])
            if checked != checksum:
                raise FramingError("event stream: the checksum of a message's prelude is wrong")
            if total > self._limit:
                raise event_too_large(self._limit)
            if headers_length > total - _OVERHEAD:
                raise FramingError(f"event stream: {headers_length} bytes of headers in a message of {total} bytes")
            end = start + total
            if end > len(data):
                self._needed = total
                break
            messages.append(_read_message(data[rest:end], headers_length, checked))
            start = end
        del self._buffer[:start]


def _read_message(rest: bytes, headers_length: int, checked: int) -> EventStreamMessage:
    """The message with this rest after its two lengths, whose checksum is `checked`."""
    body_end = len(rest) - _CRC.size
    if crc32(rest[:body_end], checked) != _CRC.unpack_from(rest, body_end)[0]:
        raise FramingError("event stream: the checksum of a message is wrong")
    headers_end = _CRC.size + headers_length
    try:
        block = rest[_CRC.size : headers_end]
        headers = _read_again(block) if len(block) <= _SHORT else _read_headers(block)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise FramingError(f"event stream: the headers of a message are malformed: {error}") from error
    return EventStreamMessage(headers, rest[headers_end:body_end])


def _read_headers(block: bytes) -> dict[str, HeaderValue]:
    """Read name length (1 byte), name, type (1 byte) and value, until the block ends."""
    headers: dict[str, HeaderValue] = {}
    position = 0
    while position < len(block):
        name_end = position + 1 + block[position]
        name = block[position + 1 : name_end].decode()
        kind = block[name_end]
        if name in headers:
            raise FramingError(f"event stream: the header {name!r} comes twice in a message")
        headers[name], position = _read_value(block, kind, name_end + 1)
    return headers


_SHORT = 256
_read_again = lru_cache(maxsize=64)(_read_headers)
"""The same, kept for short blocks: the events of a stream have few kinds, and the same headers within each."""


def _read_value(block: bytes, kind: int, start: int) -> tuple[HeaderValue, int]:
    """The value of type `kind` at `start`, and the position after it."""
    if kind in (_STRING_TYPE, _BYTES_TYPE):
        (length,) = _LENGTH.unpack_from(block, start)
        start += _LENGTH.size
        value = _slice(block, start, length)
        return (value.decode() if kind == _STRING_TYPE else value), start + length
    if kind in _BOOLEANS:
        return _BOOLEANS[kind], start
    if kind in _INTEGERS:
        integer: int
        (integer,) = _INTEGERS[kind].unpack_from(block, start)
        return integer, start + _INTEGERS[kind].size
    if kind == _UUID_TYPE:
        return _slice(block, start, 16), start + 16
    raise FramingError(f"event stream: a header has the unknown type {kind}")


def _slice(block: bytes, start: int, length: int) -> bytes:
    value = block[start : start + length]
    if len(value) < length:
        raise IndexError("a value reaches beyond the headers")
    return value
