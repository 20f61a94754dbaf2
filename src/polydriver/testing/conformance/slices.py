"""Where the events of a stream begin and end, whatever its framing is."""

from __future__ import annotations

from typing import Any

__all__ = ["events_of"]


def events_of(decoder: Any, stream: bytes) -> list[bytes]:
    """The bytes of each event of a stream, in order; together they are the stream.

    An event ends with the byte that makes a decoder's framing give it out. What comes after the last is joined to it.
    """
    if not hasattr(decoder, "framing"):
        return [stream]  # it cuts the bytes itself
    frames = decoder.framing(max_event_bytes=len(stream) + 1)
    events, start = [], 0
    for place in range(len(stream)):
        if frames.feed(stream[place : place + 1]):
            events.append(stream[start : place + 1])
            start = place + 1
    if start < len(stream):
        events[-1:] = [b"".join(events[-1:]) + stream[start:]]
    return events
