"""The floor: one kept-alive socket a call, no HTTP library, and msgspec.

It understands exactly what the benchmark server sends, and would be wrong with any other.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from . import Answer
from .wire import HEADERS, TextReader, encode_request, read_answer

__all__ = ["RawAsyncio", "RawSocket"]

_READ_SIZE = 1 << 16


class _Target:
    """Host, port and the bytes that open every request."""

    def __init__(self, base_url: str) -> None:
        url = urlsplit(base_url)
        self.address = (url.hostname or "", url.port or 80)
        lines = [f"POST {url.path}/chat/completions HTTP/1.1", f"Host: {url.netloc}"]
        lines += [f"{name}: {value}" for name, value in HEADERS.items()]
        self._head = "\r\n".join(lines).encode() + b"\r\nContent-Length: "

    def request(self, *, stream: bool = False) -> bytes:
        body = encode_request(stream=stream)
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)


class _WholeReply:
    """Collects one reply of known length."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self._data = b""
        self._end = 0

    def feed(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        if not self._end:
            start = self._data.find(b"\r\n\r\n") + 4
            if start == 3:
                return
            at = self._data.find(b"content-length: ") + 16
            self._end = start + int(self._data[at : self._data.find(b"\r", at)])
            self._start = start
        if len(self._data) >= self._end:
            self.body = self._data[self._start : self._end]


class _StreamReply:
    """Takes the head off, undoes the chunked framing and feeds the events to a reader."""

    def __init__(self, reader: TextReader) -> None:
        self.done = False
        self._reader = reader
        self._data = b""
        self._in_body = False

    def feed(self, data: bytes) -> None:
        data = self._data + data
        at = 0
        if not self._in_body:
            at = data.find(b"\r\n\r\n") + 4
            if at == 3:
                self._data = data
                return
            self._in_body = True
        pieces = []
        while (end := data.find(b"\r\n", at)) >= 0:
            size = int(data[at:end], 16)
            following = end + 2 + size + 2
            if len(data) < following:
                break
            pieces.append(data[end + 2 : following - 2])
            at = following
            if not size:
                self.done = True
                break
        self._data = data[at:]
        self._reader.feed(b"".join(pieces))


class RawSocket:
    """A blocking socket."""

    def __init__(self, base_url: str) -> None:
        self._target = _Target(base_url)
        self._socket = socket.create_connection(self._target.address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self) -> Answer:
        self._socket.sendall(self._target.request())
        reply = _WholeReply()
        while reply.body is None:
            reply.feed(self._socket.recv(_READ_SIZE))
        return read_answer(reply.body)

    def stream(self, on_text: Callable[[str], object]) -> int:
        self._socket.sendall(self._target.request(stream=True))
        reader = TextReader(on_text)
        reply = _StreamReply(reader)
        while not reply.done:
            reply.feed(self._socket.recv(_READ_SIZE))
        return reader.total_tokens


class _Exchange(asyncio.Protocol):
    """A connection that wakes its one waiting task when bytes have come."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._data: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._data.append(data)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(self) -> bytes:
        if not self._data:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        data, self._data = b"".join(self._data), []
        return data


class RawAsyncio:
    """An asyncio protocol, with a list of idle connections."""

    def __init__(self, base_url: str) -> None:
        self._target = _Target(base_url)
        self._idle: list[_Exchange] = []

    async def _connect(self) -> _Exchange:
        if self._idle:
            return self._idle.pop()
        _, exchange = await asyncio.get_running_loop().create_connection(_Exchange, *self._target.address)
        return exchange

    async def call(self) -> Answer:
        exchange = await self._connect()
        exchange.transport.write(self._target.request())
        reply = _WholeReply()
        while reply.body is None:
            reply.feed(await exchange.read())
        self._idle.append(exchange)
        return read_answer(reply.body)

    async def stream(self, on_text: Callable[[str], object]) -> int:
        exchange = await self._connect()
        exchange.transport.write(self._target.request(stream=True))
        reader = TextReader(on_text)
        reply = _StreamReply(reader)
        while not reply.done:
            reply.feed(await exchange.read())
        self._idle.append(exchange)
        return reader.total_tokens
