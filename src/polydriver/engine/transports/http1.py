"""HTTP/1.1 replies without I/O: a reader that is fed the bytes as they arrive (RFC 9112).

Both default clients frame their messages here, so that blocking and async callers meet the same limits and
the same errors; the clients themselves resolve names, connect, tunnel and verify certificates.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ...errors import InvalidResponseError
from .base import broken, too_large, unreadable
from .decompress import Decoder, decoder_for
from .refused import with_head

__all__ = ["ResponseReader"]

_FIELDS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[^\r\n\0]*+\r?(?:\n|\Z))*+")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n\0]*)?")
_FOLD = re.compile(r"\r?\n[ \t]+")
_CR = ord("\r")
_CHUNK_LINE_LIMIT = 4096
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]{0,%d})?\r\n" % _CHUNK_LINE_LIMIT)
_CHUNK_LINE_START = re.compile(rb"[0-9a-fA-F]{0,15}(?:[0-9a-fA-F][ \t]*(?:;[^\r\n]*)?\r?)?")


class ResponseReader:
    """Reads one reply: feed it what arrives, and it returns what of that is body.

    `status` is 0 until the head is in; `finished` says that the reply is whole; `surplus` that bytes came
    after its end, so that the connection must not be used again. `reusable`: whether another request may be sent on the
    same connection. `is_refused`: whether the status is no success, `is_encoded` whether the content has an encoding.
    `pieces` are those of the content that were kept. `redialed` is noted here by who sends.
    """

    __slots__ = (
        "_body", "_buffer", "_decoder", "_head_left", "_headers_left", "_host", "_keep_alive", "_kept", "_left",
        "_method", "_scanned", "finished", "headers", "is_encoded", "is_refused", "pieces", "redialed", "reusable",
        "status", "surplus",
    )  # fmt: skip

    def __init__(self, method: str, host: str, max_header_bytes: int, max_headers: int) -> None:
        self._method = method
        self._host = host
        self._head_left = max_header_bytes
        self._headers_left = max_headers
        self._buffer = b""
        self._scanned = 0
        self._left = 0
        self._keep_alive = True
        # A function and not a method of this object, which would keep itself alive until the next garbage collection.
        self._body: Callable[[ResponseReader, bytes], bytes] = ResponseReader._read_head
        self.status = 0
        self.headers: dict[str, str] = {}
        self.finished = False
        self.surplus = False
        self.reusable = False
        self.is_refused = self.is_encoded = False
        self.pieces: list[bytes] = []
        self._kept = 0
        self._decoder: Decoder | None = None
        self.redialed = False

    def feed(self, data: bytes) -> bytes:
        """Take what arrived. Raises `InvalidResponseError` for anything that is not a valid reply."""
        return self._body(self, data)

    def take(self, data: bytes) -> bytes:
        """What of the next bytes is body; `b""` says that the server has closed the connection: see `end`."""
        if data:
            return self._body(self, data)
        self.end()
        return b""

    def keep(self, piece: bytes, max_bytes: int) -> None:
        """Keep a piece of the body in `pieces`, without its content encoding; `max_bytes` is for all of them.

        Raises `InvalidResponseError` for an encoding that is not known, and for content that is corrupt or larger.
        """
        if not self.is_encoded:
            self._kept += len(piece)
            if self._kept > max_bytes:
                raise too_large()
            self.pieces.append(piece)
            return
        decoder = self._decoder = self._decoder or decoder_for(self.status, self.headers, max_bytes)
        while piece or decoder.pending:
            if decoded := decoder.feed(piece):
                self.pieces.append(decoded)
            piece = b""
        if self.finished:
            decoder.finish()

    def end(self) -> None:
        """The connection was closed by the server. Raises `APIConnectionError` unless that is how the body ends."""
        if self.finished:
            return
        if not self.status:
            reason = "closed in the middle of the headers" if self._buffer else "closed without an answer"
            raise broken("headers", self._host, reason)
        if self._body is not ResponseReader._until_close:
            raise broken("read", self._host, "closed before the end of the body")
        self.finished = True

    def _finish(self, rest: bytes = b"") -> None:
        self.finished = True
        self._buffer = b""
        self._body = ResponseReader._after_end
        self.surplus = bool(rest)
        self.reusable = self._keep_alive and not rest

    def _read_head(self, data: bytes) -> bytes:
        self._buffer += data
        while not self.status:
            end = _find_head_end(self._buffer, self._scanned)
            size = end[1] if end else len(self._buffer)
            if size > self._head_left:
                raise unreadable("its headers are larger than the limit")
            if end is None:
                self._scanned = max(0, size - 3)
                if self._buffer[:5] != b"HTTP/"[:size]:
                    raise unreadable("it does not start with a status line of HTTP/1.1")
                return b""
            self._head_left -= size
            self._scanned = 0
            head, self._buffer = self._buffer[: end[0]], self._buffer[size:]
            self._parse_head(head.decode("latin-1"))
        rest, self._buffer = self._buffer, b""
        try:
            return self._body(self, rest) if rest or self.finished else b""
        except InvalidResponseError as error:
            return self._without_body(error)

    def _parse_head(self, text: str) -> None:
        first, _, fields = text.partition("\n")
        if "\n " in fields or "\n\t" in fields:
            fields = _FOLD.sub(" ", fields)
        lines = fields.split("\n") if fields else []
        match = _STATUS_LINE.fullmatch(first.removesuffix("\r"))
        if match is None:
            raise unreadable("it does not start with a status line of HTTP/1.1")
        status = int(match[2])
        if len(lines) > self._headers_left:
            raise unreadable("it has more headers than the limit")
        self._headers_left -= len(lines)
        if not _FIELDS.fullmatch(fields):
            raise unreadable("one of its headers is not valid")
        headers = _parse_fields(lines)
        if status == 101:
            raise unreadable("it switches to a protocol that was not asked for")
        if status >= 200:
            self.status, self.headers = status, headers
            self.is_refused, self.is_encoded = not 200 <= status < 300, "content-encoding" in headers
            try:
                self._choose_body(http10=match[1] == "0")
            except InvalidResponseError as error:
                self._without_body(error)

    def _choose_body(self, *, http10: bool) -> None:
        headers = self.headers
        connection = headers.get("connection", "").lower()
        self._keep_alive = "keep-alive" in connection if http10 else "close" not in connection
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if self._method == "HEAD" or self.status in (204, 304):
            self._finish()
        elif coding is not None:
            if coding.lower().strip() != "chunked":
                raise unreadable("its transfer encoding is not known")
            # Both framings at once are the mark of a smuggled reply (RFC 9112, section 6.3).
            self._keep_alive = self._keep_alive and length is None
            self._body = ResponseReader._chunked
        elif length is not None:
            self._left = _parse_length(length)
            self._body = ResponseReader._by_length
            if not self._left:
                self._finish()
        else:
            self._keep_alive = False
            self._body = ResponseReader._until_close

    def _without_body(self, error: InvalidResponseError) -> bytes:
        """Do without the body, which is not valid, where the status is the answer; raises the error where it is not."""
        if not self.is_refused:
            raise with_head(error, self)
        self._keep_alive = False
        self._finish()
        return b""

    def _after_end(self, data: bytes) -> bytes:
        if data:
            self.surplus, self.reusable = True, False
        return b""

    def _until_close(self, data: bytes) -> bytes:
        return data

    def _by_length(self, data: bytes) -> bytes:
        left = self._left - len(data)
        self._left = left
        if left > 0:
            return data
        if left == 0:
            self._finish()
            return data
        self._finish(data[left:])
        return data[:left]

    def _chunked(self, data: bytes) -> bytes:
        """Between chunks, or in one: `_left` counts the bytes of the open chunk, its line break included."""
        buffer = self._buffer + data if self._buffer else data
        self._buffer = b""
        position = 0
        pieces: list[bytes] = []
        if self._left:
            position = self._continue_chunk(buffer, pieces)
        end = len(buffer)
        match_line = _CHUNK_LINE.match
        while position < end and not self._left:
            line = match_line(buffer, position)
            if line is None:
                self._keep_partial_line(buffer, position)
                break
            size = int(line[1], 16)
            start = line.end()
            if not size:
                self._body = ResponseReader._trailers
                self._trailers(buffer[start:])
                break
            position = start + size + 2
            if position <= end:
                if buffer[position - 2 : position] != b"\r\n":
                    raise unreadable("its chunked encoding is broken")
                pieces.append(buffer[start : position - 2])
            else:
                self._left = size + 2
                self._continue_chunk(buffer[start:], pieces)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _continue_chunk(self, data: bytes, pieces: list[bytes]) -> int:
        """Take what belongs to the open chunk; returns how many bytes that were."""
        taken = min(self._left, len(data))
        content = self._left - 2
        if content > 0 and taken:
            pieces.append(data[:content] if taken > content else data[:taken])
        for position in range(max(content, 0), taken):
            if data[position] != b"\r\n"[position - content]:
                raise unreadable("its chunked encoding is broken")
        self._left -= taken
        return taken

    def _keep_partial_line(self, buffer: bytes, position: int) -> None:
        line = buffer[position:]
        if len(line) > _CHUNK_LINE_LIMIT or not _CHUNK_LINE_START.fullmatch(line):
            raise unreadable("its chunked encoding is broken")
        self._buffer = line

    def _trailers(self, data: bytes) -> bytes:
        """After the last chunk: fields that no one needs, up to an empty line."""
        buffer = self._buffer + data
        if buffer[:2] == b"\r\n":
            self._finish(buffer[2:])
            return b""
        end = buffer.find(b"\r\n\r\n")
        if (end if end >= 0 else len(buffer)) > self._head_left:
            raise unreadable("its trailers are larger than the limit")
        if end >= 0:
            self._finish(buffer[end + 4 :])
        else:
            self._buffer = buffer
        return b""


def _find_head_end(buffer: bytes, start: int) -> tuple[int, int] | None:
    """Where the head ends and where the body begins: at the first empty line, whose line ends may lack their CR."""
    plain = buffer.find(b"\n\n", start)
    usual = buffer.find(b"\n\r\n", start, plain + 2 if plain >= 0 else len(buffer))
    if usual < 0 and plain < 0:
        return None
    end, size = (usual, 3) if usual >= 0 else (plain, 2)
    return end - (end > 0 and buffer[end - 1] == _CR), end + size


def _parse_fields(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t\r")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _parse_length(text: str) -> int:
    values = {part.strip() for part in text.split(",")}
    value = values.pop()
    if values or not value.isascii() or not value.isdecimal() or len(value) > 18:
        raise unreadable("its content-length is not valid")
    return int(value)
