"""JSON lines (NDJSON): one JSON value on each line. https://github.com/ndjson/ndjson-spec"""

from __future__ import annotations

from itertools import takewhile

from polydriver.framing.errors import MAX_EVENT_BYTES, event_too_large

__all__ = ["JSONLinesDecoder"]


class JSONLinesDecoder:
    """Cuts a body into its non-empty lines, each as `bytes` without surrounding white space.

    Lines end with LF or CRLF; the last one may lack its end. The lines are not checked to be JSON.
    """

    __slots__ = ("_failed", "_held", "_limit")

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._held = bytearray()  # the line that has not ended yet
        self._failed = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes; raises `FramingError` for a line over `max_event_bytes`.

        Lines that precede the oversized one are returned first, and the error is raised by the next call.
        """
        if self._failed:
            raise event_too_large(self._limit)
        held = self._held
        end = data.rfind(b"\n")
        if end < 0:
            held += data
            raw_lines = []
        else:
            raw_lines = (bytes(held) + data[:end] if held else data[:end]).split(b"\n")
            held[:] = data[end + 1 :]
        if len(held) > self._limit or any(len(raw) > self._limit for raw in raw_lines):
            return self._fail(raw_lines)
        return [line for raw in raw_lines if (line := raw.strip())]

    def finish(self) -> list[bytes]:
        """The last line when it came without a line end; it may have been cut short.

        Raises `FramingError` when an oversized line came before.
        """
        if self._failed:
            raise event_too_large(self._limit)
        line = bytes(self._held).strip()
        self._held.clear()
        return [line] if line else []

    def _fail(self, raw_lines: list[bytes]) -> list[bytes]:
        """The lines before the oversized one; without any, its error is raised at once."""
        self._failed = True
        self._held.clear()
        fitting = takewhile(lambda raw: len(raw) <= self._limit, raw_lines)
        lines = [line for raw in fitting if (line := raw.strip())]
        if not lines:
            raise event_too_large(self._limit)
        return lines
