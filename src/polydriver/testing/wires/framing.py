"""Writing streams."""

from __future__ import annotations

__all__ = ["named_sse", "sse", "typed_sse"]


def sse(*events: str, end: str = "") -> bytes:
    """Server-sent events without names."""
    return "".join(f"data: {event}\n\n" for event in events).encode() + end.encode()


def named_sse(*events: tuple[str, str]) -> bytes:
    """Server-sent events with their names."""
    return "".join(f"event: {name}\ndata: {data}\n\n" for name, data in events).encode()


def typed_sse(*events: str) -> bytes:
    """Server-sent events that are named by the `type` with which their JSON begins."""
    return named_sse(*((event.split('"', 4)[3], event) for event in events))
