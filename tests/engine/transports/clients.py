"""All transports behind one blocking face, so that each test runs over every one of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from polydriver.data.http import Reply, Request, Timeouts, TransportConfig
from polydriver.engine.transports import AsyncBody, BlockingBody, transport_for

NAMES = ("urllib3", "aiohttp", "httpx2", "httpx2-async")
T = TypeVar("T")


class Body(Protocol):
    """A body, read and closed without `await`."""

    status: int
    headers: Mapping[str, str]

    def read(self, within: float = 5.0) -> bytes: ...
    def close(self) -> None: ...


class Client(Protocol):
    """A transport, used without `await`."""

    name: str

    def send(self, request: Request, timeouts: Timeouts) -> Reply: ...
    def open(self, request: Request, timeouts: Timeouts) -> Body: ...
    def settle(self) -> None: ...
    def close_idle(self) -> None: ...
    def close(self) -> None: ...


def client_for(name: str, config: TransportConfig) -> Client:
    """The transport called `name`."""
    if name in ("urllib3", "httpx2"):
        return _Blocking(name, config)
    return _Async(name, config)


def within(seconds: float = 5.0, connect: float = 2.0, max_bytes: int = 64 * 1024 * 1024) -> Timeouts:
    """Limits that begin now."""
    return Timeouts(connect=connect, expires=time.monotonic() + seconds, max_bytes=max_bytes)


def patient(silence: float, deadline: float = 30.0) -> Timeouts:
    """Limits that begin now and are moved by signs of life."""
    now = time.monotonic()
    return Timeouts(connect=2.0, expires=now + silence, silence=silence, deadline=now + deadline)


def get(url: str, **headers: str) -> Request:
    """A plain GET."""
    return Request(method="GET", url=url, headers=headers)


def post(url: str, body: bytes = b"{}", **headers: str) -> Request:
    """A POST whose reply is read whole."""
    return Request(method="POST", url=url, headers=headers, body=body)


def stream(url: str) -> Request:
    """A POST whose reply is read as it comes."""
    return Request(method="POST", url=url, headers={"accept": "text/event-stream"}, body=b"{}", stream=True)


def read_all(body: Body) -> bytes:
    """Everything up to the clean end."""
    pieces = []
    while piece := body.read():
        pieces.append(piece)
    return b"".join(pieces)


class _Blocking:
    def __init__(self, name: str, config: TransportConfig) -> None:
        self.name = name
        self.transport = transport_for("blocking", config, name)

    def send(self, request: Request, timeouts: Timeouts) -> Reply:
        return self.transport.send(request, timeouts)

    def open(self, request: Request, timeouts: Timeouts) -> Body:
        return _BlockingBody(self.transport.open(request, timeouts))

    def settle(self) -> None:
        """Nothing happens behind the back of a blocking client."""

    def close_idle(self) -> None:
        self.transport.close()

    def close(self) -> None:
        self.transport.close()


class _BlockingBody:
    def __init__(self, body: BlockingBody) -> None:
        self._body = body
        self.status = body.status
        self.headers = body.headers

    def read(self, within: float = 5.0) -> bytes:
        self._body.expires = time.monotonic() + within
        return self._body.read()

    def close(self) -> None:
        self._body.close()


class _Async:
    def __init__(self, name: str, config: TransportConfig) -> None:
        self.name = name
        self.transport = transport_for("async", config, name.removesuffix("-async"))
        self.runner = asyncio.Runner()

    def run(self, start: Callable[[], Awaitable[T]]) -> T:
        async def main() -> T:
            return await start()

        return self.runner.run(main())

    def send(self, request: Request, timeouts: Timeouts) -> Reply:
        return self.run(lambda: self.transport.send(request, timeouts))

    def open(self, request: Request, timeouts: Timeouts) -> Body:
        return _AsyncBody(self, self.run(lambda: self.transport.open(request, timeouts)))

    def settle(self) -> None:
        """Let the loop do what it was asked to do."""
        for _ in range(5):
            self.run(lambda: asyncio.sleep(0.001))

    def close_idle(self) -> None:
        self.transport.close()
        self.settle()

    def close(self) -> None:
        self.run(self.transport.aclose)
        self.settle()
        self.runner.close()


class _AsyncBody:
    def __init__(self, client: _Async, body: AsyncBody) -> None:
        self._client = client
        self._body = body
        self.status = body.status
        self.headers = body.headers

    def read(self, within: float = 5.0) -> bytes:
        self._body.expires = time.monotonic() + within
        return self._client.run(self._body.read)

    def close(self) -> None:
        self._body.close()
        self._client.settle()
