"""One JSON array streamed element by element, as Gemini sends it without `alt=sse`.

Elements are found by their brackets and quotes alone; whether each is valid JSON shows when it is decoded.
"""

from __future__ import annotations

import enum
import re

from polydriver.framing.errors import MAX_EVENT_BYTES, FramingError, event_too_large

__all__ = ["JSONArrayDecoder"]

_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_STRUCTURE = re.compile(rb'["\[\]{}]')
_SCALAR_END = re.compile(rb"[,\] \t\r\n]")
_BACKSLASH = ord("\\")
_QUOTE = ord('"')


class _Phase(enum.Enum):
    BODY = "the start of an array or object"
    FIRST = "an element or ]"
    NEXT = "an element"
    COMMA = ", or ]"
    CONTAINER = "the rest of an object, array or string"
    SCALAR = "the rest of a number or word"
    END = "the end of the body"


class JSONArrayDecoder:
    """Cuts a body that is one JSON array into its elements, each as `bytes` once it is whole.

    A body that is one bare object counts as an array of that object. White space is free between elements.
    """

    __slots__ = ("_buffer", "_depth", "_failure", "_in_string", "_limit", "_phase", "_position", "_single")

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._buffer = bytearray()  # begins with the element under way, when there is one
        self._position = 0  # what comes before it in the buffer has been read
        self._phase = _Phase.BODY
        self._depth = 0
        self._in_string = False
        self._single = False  # the body is a bare object
        self._failure: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the bracket that closes the body was seen."""
        return self._phase is _Phase.END

    def feed(self, data: bytes) -> list[bytes]:
        """The elements that `data` completes.

        Raises `FramingError` for an element over `max_event_bytes` and for what no JSON array holds, such as
        bytes after its end. Elements that precede the fault are returned first, and the error is raised by
        the next call.
        """
        self._raise_failure()
        self._buffer += data
        elements: list[bytes] = []
        try:
            self._scan(elements)
        except FramingError as error:
            self._failure = str(error)
            self._buffer.clear()
            if not elements:
                raise
        return elements

    def finish(self) -> list[bytes]:
        """Always an empty list: an element that is not whole is not an element; `complete` tells a cut body.

        Raises `FramingError` when the body was malformed.
        """
        self._raise_failure()
        self._buffer.clear()
        self._position = 0
        return []

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise FramingError(self._failure)

    def _scan(self, elements: list[bytes]) -> None:
        """Read the buffer to its end, and drop what is not part of an element under way."""
        buffer = self._buffer
        start = 0
        while True:
            if self._phase is _Phase.CONTAINER or self._phase is _Phase.SCALAR:
                whole = self._read_container() if self._phase is _Phase.CONTAINER else self._read_scalar()
                if self._position - start > self._limit:
                    raise event_too_large(self._limit)
                if not whole:
                    break
                elements.append(bytes(buffer[start : self._position]))
                self._phase = _Phase.END if self._single else _Phase.COMMA
            else:
                match = _NOT_SPACE.search(buffer, self._position)
                if match is None:
                    start = self._position = len(buffer)
                    break
                start = match.start()
                self._read_between(bytes(buffer[start : start + 1]), start)
        del buffer[:start]
        self._position -= start

    def _read_between(self, byte: bytes, at: int) -> None:
        """Take one byte outside of the elements; the first byte of an element stays to be read with it."""
        phase = self._phase
        self._position = at + 1
        if phase is _Phase.BODY and byte == b"[":
            self._phase = _Phase.FIRST
        elif phase is _Phase.COMMA and byte == b",":
            self._phase = _Phase.NEXT
        elif (phase is _Phase.COMMA or phase is _Phase.FIRST) and byte == b"]":
            self._phase = _Phase.END
        elif phase is _Phase.FIRST or phase is _Phase.NEXT or (phase is _Phase.BODY and byte == b"{"):
            if byte in (b",", b"]", b"}", b":"):
                raise _unexpected(byte, phase)
            self._position = at
            self._single = phase is _Phase.BODY
            self._phase = _Phase.CONTAINER if byte in (b"{", b"[", b'"') else _Phase.SCALAR
        else:
            raise _unexpected(byte, phase)

    def _read_container(self) -> bool:
        """Move on to the end of an object, array or string; `False` when the buffer ends before it."""
        buffer = self._buffer
        position = self._position
        while True:
            if self._in_string:
                position = _after_closing_quote(buffer, position)
                if position < 0:
                    break
                self._in_string = False
            else:
                match = _STRUCTURE.search(buffer, position)
                if match is None:
                    break
                position = match.end()
                byte = buffer[position - 1]
                if byte == _QUOTE:
                    self._in_string = True
                    continue
                self._depth += 1 if byte in b"[{" else -1
            if self._depth == 0:
                self._position = position
                return True
        self._position = len(buffer)
        return False

    def _read_scalar(self) -> bool:
        """Move on to the end of a number or word; `False` when the buffer ends before it."""
        match = _SCALAR_END.search(self._buffer, self._position)
        self._position = len(self._buffer) if match is None else match.start()
        return match is not None


def _after_closing_quote(buffer: bytearray, position: int) -> int:
    """The position after the quote that closes the string around `position`, or -1.

    A quote closes its string unless an odd number of backslashes stands before it; they are counted
    backwards, so that nothing about them has to be remembered between two pieces.
    """
    while (position := buffer.find(b'"', position)) >= 0:
        before = position
        while buffer[before - 1] == _BACKSLASH:
            before -= 1
        position += 1
        if (position - before) % 2:
            return position
    return -1


def _unexpected(byte: bytes, phase: _Phase) -> FramingError:
    return FramingError(f"malformed JSON array: {byte!r} where {phase.value} was expected")
