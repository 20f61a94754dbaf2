"""Server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

Streams of providers are regular: every event of a burst is `data: ...`, or every one is `event: ...` and
`data: ...`. Such a burst is cut by a few calls on whole `bytes`; anything else goes line by line through the
standard's general rules. Both ways give the same events.
"""

from __future__ import annotations

from itertools import takewhile

from polydriver.framing.errors import MAX_EVENT_BYTES, event_too_large

__all__ = ["UNFRAMED_BYTES", "SSEDecoder", "SSEEvent"]

SSEEvent = tuple[bytes, bytes]
"""One event: its name (`b""` when it has none, which the standard reads as "message") and its data.

Plain bytes, so that a JSON decoder reads the data without a detour over `str`.
"""

UNFRAMED_BYTES = 64 * 1024
"""How much of a body without events `SSEDecoder.unframed` keeps, in bytes."""

_BOM = b"\xef\xbb\xbf"
_CR = ord("\r")
_PLAIN_LINES = 2
_NAMED_LINES = 3
_RETRY_DIGITS = 15


class SSEDecoder:
    """Cuts the bytes of a `text/event-stream` body into `SSEEvent` pairs.

    It differs from the standard in one point: an event at the very end of the body that lacks its blank line
    is returned by `finish`, where the standard drops it, because some providers end their streams so.
    """

    __slots__ = (
        "_after_cr",
        "_at_start",
        "_between",
        "_failed",
        "_held",
        "_last_event_id",
        "_limit",
        "_retry",
        "_seen_event",
        "_unframed",
    )

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._held = bytearray()  # what follows the last blank line, line ends normalised to LF
        self._after_cr = False  # the last piece ended in CR: an LF at the start of the next belongs to it
        self._at_start = True  # no block has been parsed yet: a byte order mark may come
        self._between = False  # events have come, and the next piece begins a new block: the usual state
        self._seen_event = False
        self._failed = False
        self._unframed = bytearray()
        self._last_event_id = b""
        self._retry: int | None = None

    @property
    def last_event_id(self) -> bytes:
        """The last `id` field received, `b""` before the first."""
        return self._last_event_id

    @property
    def retry(self) -> int | None:
        """The reconnection time that the server asked for last, in milliseconds."""
        return self._retry

    @property
    def unframed(self) -> bytes:
        """The raw start of a body that held no event so far (at most `UNFRAMED_BYTES`), else `b""`.

        Shows what came instead of a stream: a JSON reply, an error object, a page of HTML.
        """
        return bytes(self._unframed)

    def feed(self, data: bytes) -> list[SSEEvent]:
        """The events that `data` completes; raises `FramingError` for an event over `max_event_bytes`.

        Events that precede the oversized one are returned first, and the error is raised by the next call.
        """
        if self._between and data.endswith(b"\n\n") and len(data) <= self._limit:
            events = _split_regular(data)
            if events is not None:
                return events
        if self._failed:
            raise event_too_large(self._limit)
        if not self._seen_event:
            self._note_unframed(data)
        events = self._split(self._normalise(data) if self._after_cr or _CR in data else data)
        self._between = self._seen_event and not (self._held or self._after_cr or self._failed)
        return events

    def finish(self) -> list[SSEEvent]:
        """The event that the body ended in, when it has data but lacks its blank line.

        It may be cut in the middle: only the wire's own end mark tells a complete stream from a broken one.
        Raises `FramingError` when an oversized event came before.
        """
        if self._failed:
            raise event_too_large(self._limit)
        block = bytes(self._held)
        self._held.clear()
        return self._parse_blocks([block])

    def _normalise(self, data: bytes) -> bytes:
        """`data` with every line end as a single LF, also where CR and LF come in different pieces."""
        if not data:
            return data
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _split(self, data: bytes) -> list[SSEEvent]:
        """The events that `data` completes, its line ends being LF."""
        text = self._take(data)
        if len(text) > self._limit or len(self._held) > self._limit:
            return self._split_bounded(text)
        if not text:
            return []
        events = _split_regular(text)
        if events is None:
            return self._parse_blocks(text.split(b"\n\n"))
        self._at_start = False
        self._mark_seen()
        return events

    def _take(self, data: bytes) -> bytes:
        """Everything up to and with the last blank line, which `data` may bring; the rest is held back."""
        held = self._held
        end = data.rfind(b"\n\n") + 2
        if end >= 2:
            text = bytes(held) + data[:end] if held else data[:end]
            held[:] = data[end:]
            return text
        if data.startswith(b"\n") and held.endswith(b"\n"):
            text = bytes(held) + b"\n"
            held[:] = data[1:]
            return text
        held += data
        return b""

    def _split_bounded(self, text: bytes) -> list[SSEEvent]:
        """The events before the first oversized one; without any, its error is raised at once."""
        blocks = text.split(b"\n\n")
        blocks[-1] = bytes(self._held)
        fitting = list(takewhile(self._fits, blocks))
        if len(fitting) == len(blocks):
            fitting.pop()
        else:
            self._failed = True
            self._held.clear()
        events = self._parse_blocks(fitting)
        if self._failed and not events:
            raise event_too_large(self._limit)
        return events

    def _fits(self, block: bytes) -> bool:
        # Where a run of blank lines was cut decides on which side its line ends stand: they don't count.
        return len(block) <= self._limit or len(block.strip(b"\n")) <= self._limit

    def _parse_blocks(self, blocks: list[bytes]) -> list[SSEEvent]:
        parse = self._parse_block
        events = [event for block in blocks if (event := parse(block)) is not None]
        if events:
            self._mark_seen()
        return events

    def _parse_block(self, block: bytes) -> SSEEvent | None:
        """Read the lines of one block by the standard's rules; `None` when no `data` field is among them."""
        if self._at_start:
            self._at_start = False
            block = block.removeprefix(_BOM)
        name = b""
        data: list[bytes] = []
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            if value.startswith(b" "):
                value = value[1:]
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
            elif field == b"id":
                if b"\0" not in value:
                    self._last_event_id = value
            elif field == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS:
                self._retry = int(value)
        return (name, b"\n".join(data)) if data else None

    def _note_unframed(self, data: bytes) -> None:
        room = UNFRAMED_BYTES - len(self._unframed)
        if room > 0:
            self._unframed += data[:room]

    def _mark_seen(self) -> None:
        self._seen_event = True
        self._unframed.clear()


def _split_regular(text: bytes) -> list[SSEEvent] | None:
    """The events of `text` if its blocks are all `data: x`, or all `event: x` and `data: y`; else `None`.

    `text` ends in a blank line. The count of line ends proves that no block has a line besides those.
    """
    if _CR in text:
        return None
    line_ends = text.count(b"\n")
    if text.startswith(b"data: "):
        if line_ends == _PLAIN_LINES:
            return [(b"", text[6:-2])]
        plain = text[6:-2].split(b"\n\ndata: ")
        if line_ends == _PLAIN_LINES * len(plain):
            return [(b"", data) for data in plain]
    elif text.startswith(b"event: "):
        named = [text[7:-2]] if line_ends == _NAMED_LINES else text[7:-2].split(b"\n\nevent: ")
        if line_ends == _NAMED_LINES * len(named):
            events = []
            for block in named:
                name, between, data = block.partition(b"\ndata: ")
                if not between:
                    return None
                events.append((name, data))
            return events
    return None
