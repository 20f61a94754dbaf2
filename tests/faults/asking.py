"""Asking a hostile server in the form of one wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .callers import KEY, Outcome, call_driver
from .scenarios import Wire
from .server import READ, Script, Server, Step, chunked, reply

__all__ = ["END", "ask", "cut", "head", "hello", "refuse", "stream"]

END = b"0\r\n\r\n"
"""The end of a chunked body."""


def head(wire: Wire, *more: str) -> bytes:
    """The head of a streamed reply."""
    lines = ("HTTP/1.1 200 OK", f"content-type: {wire.content_type}", "transfer-encoding: chunked", *more)
    return "\r\n".join([*lines, "\r\n"]).encode()


def stream(wire: Wire, *events: Any, last: bytes = END) -> Script:
    """A script that sends a stream of these events whole, then `last`."""
    return [READ, head(wire) + chunked(wire.frame(*events), end=False) + last]


def cut(wire: Wire, *events: Any, then: Sequence[Step]) -> Script:
    """A script that sends these events, each as a chunk of its own, and not even the end of their framing."""
    pieces = [frame for frame in wire.frames(*events) if frame]
    return [READ, head(wire, "connection: close") + chunked(*pieces, end=False), *then]


def ask(how: str, wire: Wire, server: Server, **options: Any) -> Outcome:
    """Make one call. Tests of silence say how long to wait; the others wait longer than a busy machine stands still."""
    options = {"retry_delay": 0.001, "timeout": 5.0, "idle_timeout": 5.0, **wire.options, **options}
    return call_driver(how, lambda settings: wire.driver(server.url, KEY, settings), wire.model, **options)


def refuse(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    """A whole reply after which the server closes. It says so: else the next attempt may well be on this connection."""
    return reply(body, status, {**(headers or {}), "connection": "close"})


def hello(wire: Wire) -> list[Any]:
    """The events of an answer that says "Hello" and is not ended."""
    return [*wire.begin(), *wire.text("Hel", "lo")]
