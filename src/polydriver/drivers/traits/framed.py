"""Errors that a server frames as a stream in place of a plain JSON body."""

from __future__ import annotations

from typing import Any

from ...data.json import decode_json

__all__ = ["unframe"]

_FRAMED_BYTES = 64 * 1024


def unframe(body: bytes) -> Any:
    """The error in a body framed as a stream: server-sent events, or lines of JSON. `None` if it is neither.

    Servers that had begun to think of a request as a stream frame its refusal, whatever the HTTP status.
    """
    text = None
    for line in body[:_FRAMED_BYTES].splitlines():
        name, colon, data = line.partition(b":")
        framed = bool(colon) and name in (b"data", b"error")
        if framed or line[:1] == b"{":
            piece = data.strip() if framed else line
            try:
                return decode_json(piece)
            except ValueError:
                if framed and text is None:
                    text = piece.decode("utf-8", "replace")
    return text
