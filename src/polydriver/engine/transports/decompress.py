"""Bounded decoding of a reply's content encoding (RFC 9110, section 8.4; gzip is RFC 1952, deflate RFC 1950)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Protocol

from .base import too_large, unreadable
from .refused import is_refused

__all__ = ["Decoder", "decoder_for"]

_PIECE = 64 * 1024
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Decoder(Protocol):
    """Turns the bytes of a body into the content. `pending` says that `feed(b"")` has more to give."""

    pending: bool

    def feed(self, data: bytes) -> bytes:
        """The content in `data`, as far as it goes. Raises `InvalidResponseError` when corrupt or too large."""
        ...

    def finish(self) -> None:
        """Say that the body is over. Raises `InvalidResponseError` when the content is not."""
        ...


def decoder_for(status: int, headers: Mapping[str, str], max_bytes: int) -> Decoder:
    """The decoder for a reply with these headers; its content may have `max_bytes` at most.

    Raises `InvalidResponseError` for an encoding that was never asked for, unless the reply is an error
    anyway: its status says more than its body.
    """
    header = headers.get("content-encoding")
    if header is None:
        return _Identity(max_bytes)
    names = [name for part in header.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if not names:
        return _Identity(max_bytes)
    if names in (["gzip"], ["x-gzip"]):
        return _Inflater(max_bytes, _GZIP_WINDOW)
    if names == ["deflate"]:
        return _Inflater(max_bytes, 0)
    if is_refused(status):
        return _Identity(max_bytes)
    raise unreadable("its content encoding was not asked for")


class _Identity:
    """Content that is not encoded: only counted."""

    __slots__ = ("_left", "pending")

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self.pending = False

    def feed(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise too_large()
        return data

    def finish(self) -> None:
        return None


class _Inflater:
    """gzip (one or several members) or deflate (with or without the zlib header), at most 64 KiB a call."""

    __slots__ = ("_inflate", "_left", "_started", "_tail", "_window", "pending")

    def __init__(self, max_bytes: int, window: int) -> None:
        self._left = max_bytes
        self._window = window
        self._inflate = zlib.decompressobj(window) if window else None
        self._tail = b""
        self._started = False
        self.pending = False

    def feed(self, data: bytes) -> bytes:
        data = self._tail + data if self._tail else data
        self._tail = b""
        self.pending = False
        if not data and not self._started:
            return b""
        self._started = True
        try:
            piece = self._step(data)
        except zlib.error:
            raise unreadable("its compressed content is corrupt") from None
        self._left -= len(piece)
        if self._left < 0:
            raise unreadable("it is larger than the limit when decompressed")
        return piece

    def finish(self) -> None:
        if self._started and (self._inflate is None or not self._inflate.eof):
            raise unreadable("its compressed content is cut short")

    def _step(self, data: bytes) -> bytes:
        if self._inflate is not None and self._inflate.eof:
            data = data.lstrip(b"\0")  # gzip allows padding after a member
            if not data:
                return b""
            if self._window != _GZIP_WINDOW:
                raise unreadable("its compressed content has bytes after its end")
            self._inflate = zlib.decompressobj(self._window)
        if self._inflate is None:
            if len(data) < 2:
                self._tail = data
                return b""
            zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)
        piece = self._inflate.decompress(data, _PIECE)
        self._tail = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        self.pending = bool(self._tail) or (len(piece) == _PIECE and not self._inflate.eof)
        return piece
