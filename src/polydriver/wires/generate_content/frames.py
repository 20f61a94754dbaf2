"""The two framings of a stream: server-sent events with `alt=sse`, else one JSON array."""

from __future__ import annotations

from ...framing import MAX_EVENT_BYTES, JSONArrayDecoder, SSEDecoder

__all__ = ["Frames"]


class Frames:
    """Chooses the framing by the first byte of the body: a bracket begins JSON, anything else events."""

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._events: SSEDecoder | None = None
        self._array: JSONArrayDecoder | None = None

    @property
    def unframed(self) -> bytes:
        """What came instead of events."""
        return self._events.unframed if self._events is not None else b""

    @property
    def closed(self) -> bool:
        """Whether the bracket that ends the body was seen."""
        return self._array is not None and self._array.complete

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The events that `data` completes, each as name and data."""
        if self._events is not None:
            return self._events.feed(data)
        if self._array is None:
            data = data.lstrip(b" \t\r\n")
            if not data:
                return []
            if data[:1] not in (b"[", b"{"):
                self._events = SSEDecoder(max_event_bytes=self._limit)
                return self._events.feed(data)
            self._array = JSONArrayDecoder(max_event_bytes=self._limit)
        return [(b"", element) for element in self._array.feed(data)]

    def finish(self) -> list[tuple[bytes, bytes]]:
        """The event that the end of the body completes."""
        if self._array is not None:
            self._array.finish()
        return self._events.finish() if self._events is not None else []
