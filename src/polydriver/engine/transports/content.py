"""The content of a reply without I/O: its framing and its content encoding taken off in one place."""

from __future__ import annotations

from typing import Protocol

from .decompress import decoder_for

__all__ = ["Content", "Framing"]


class Framing(Protocol):
    """What takes the framing off: `ResponseReader`, or nothing where a client has done it."""

    status: int
    headers: dict[str, str]
    finished: bool

    def take(self, data: bytes) -> bytes:
        """What of the next bytes is body; `b""` says that the connection was closed, or that the body is over."""
        ...


class Content:
    """What a reply carries: call `next`, and `receive` whenever that has nothing.

    `first` is what of the body came with the headers. Raises `InvalidResponseError` for an encoding that is
    not known, and later for content that is corrupt or has more than `max_bytes`.
    """

    __slots__ = ("_decoder", "_raw", "_reader")

    def __init__(self, reader: Framing, first: bytes, max_bytes: int) -> None:
        self._reader = reader
        self._raw = first
        self._decoder = decoder_for(reader.status, reader.headers, max_bytes)

    def receive(self, data: bytes) -> None:
        """Take what arrived; `b""` means that the server has closed. Raises `APIConnectionError` when that is early."""
        self._raw = self._reader.take(data)

    def next(self) -> bytes | None:
        """The next bytes of the content, `b""` at its clean end, `None` when more must be received first."""
        decoder = self._decoder
        while True:
            if self._raw:
                raw, self._raw = self._raw, b""
                piece = decoder.feed(raw)
            elif decoder.pending:
                piece = decoder.feed(b"")
            elif self._reader.finished:
                decoder.finish()
                return b""
            else:
                return None
            if piece:
                return piece
