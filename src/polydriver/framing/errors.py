"""The one error of the framing decoders, and the limit that they share."""

from __future__ import annotations

__all__ = ["MAX_EVENT_BYTES", "FramingError", "event_too_large"]

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""The default limit for one event, in bytes (16 MiB)."""


class FramingError(ValueError):
    """The bytes of a body cannot be cut into events: malformed, corrupt, or one event larger than the limit.

    The decoder that raised it stays failed: the place where the next event begins is lost.
    """


def event_too_large(limit: int) -> FramingError:
    """The error for an event that is longer than `limit` bytes."""
    return FramingError(f"one event of the stream exceeds the limit of {limit} bytes (max_event_bytes)")
