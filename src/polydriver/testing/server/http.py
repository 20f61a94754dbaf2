"""As much of HTTP/1.1 (RFC 9112) as a server for tests needs."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from ...data.http import Request

__all__ = ["BadRequestError", "chunk", "head", "read_request"]

_MAX_HEAD = 64 * 1024
_MAX_BODY = 64 * 1024 * 1024


class BadRequestError(Exception):
    """A request that cannot be read; `status` is what to answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request on a connection; `None` when the client has closed it. Raises `BadRequestError`."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadRequestError("the head of the request is too large", 431) from None
    if len(raw) > _MAX_HEAD:
        raise BadRequestError("the head of the request is too large", 431)
    first, *lines = raw.decode("latin-1").strip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError("this is not an HTTP/1 request")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if words[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    target = words[1] if "://" in words[1] else f"http://{headers.get('host', 'localhost')}{words[1]}"
    return Request(method=words[0], url=target, headers=headers, body=await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes | None:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunked(reader)
    length = headers.get("content-length")
    if length is None:
        return None
    if not length.isdigit():
        raise BadRequestError("content-length is not a number")
    if int(length) > _MAX_BODY:
        raise BadRequestError("the body is too large", 413)
    return await reader.readexactly(int(length))


async def _read_chunked(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        line = (await reader.readuntil(b"\r\n")).split(b";", 1)[0].strip()
        try:
            size = int(line, 16)
        except ValueError:
            raise BadRequestError("the size of a chunk is not a number") from None
        if size < 0 or len(body) + size > _MAX_BODY:
            raise BadRequestError("the body is too large", 413)
        if size == 0:
            while (await reader.readuntil(b"\r\n")) != b"\r\n":
                pass
            return bytes(body)
        body += await reader.readexactly(size)
        await reader.readexactly(2)


def head(status: int, headers: dict[str, str], *, keep: bool) -> bytes:
    """Status line and headers of a reply."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Mock"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"connection: {'keep-alive' if keep else 'close'}", "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace")


def chunk(data: bytes) -> bytes:
    """A piece of a chunked body; the empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)
