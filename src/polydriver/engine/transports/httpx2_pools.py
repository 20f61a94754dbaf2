"""The connections beneath httpx2: its transports over pools whose streams keep a deadline and notice surplus bytes."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2

from ...data.http import Timeouts, TransportConfig
from ...errors import InvalidResponseError
from .address import Origin, Proxy, proxy_for
from .base import remaining
from .http1 import ResponseReader
from .sockets import resolve, shut_down
from .tls import tls_context

__all__ = ["AsyncPools", "Patience", "Pools", "Try", "Waiting", "deadline", "patience"]


class Try:
    """One try of a request on a connection: whether that one was `reused`, and whether an answer began.

    With `fresh` no kept connection will do: the pool sees all of them as closed.
    """

    def __init__(self) -> None:
        self.reused = False
        self.answered = False
        self.fresh = False
        self.redialed = False

    @property
    def was_stale(self) -> bool:
        """Whether a failure may be due to a kept connection that the server had closed."""
        return self.reused and not self.answered

    def anew(self) -> None:
        """Begin again, on a new connection."""
        self.reused, self.answered, self.fresh, self.redialed = False, False, True, True


class Waiting(Try):
    """What a blocking call waits for, so that another thread can have it stop; that one touches nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False
        self.stream: httpcore2.NetworkStream | None = None

    def interrupt(self) -> None:
        """Have the thread that waits stop at once. With a client of the user's it stops when something arrives."""
        self.stopped = True
        if self.stream is not None:
            shut_down(self.stream.get_extra_info("socket"))


class _Deadline(threading.local):
    """When the call of this thread is over: httpcore2 hands its streams a limit for each receive, not for all.

    `timeouts` move it with each sign of life, until a body is read, whose reader moves it.
    """

    expires = float("inf")
    timeouts: Timeouts | None = None
    waiting: Waiting | None = None

    def begin(self, timeouts: Timeouts, waiting: Waiting) -> None:
        """A request begins."""
        self.timeouts, self.expires, self.waiting = timeouts, timeouts.expires, waiting

    def read_until(self, expires: float, waiting: Waiting) -> None:
        """A part of a body is read, by `expires`."""
        self.timeouts, self.expires, self.waiting = None, expires, waiting

    def note(self, stream: httpcore2.NetworkStream) -> None:
        """The connection that is waited for."""
        if self.waiting is not None:
            self.waiting.stream = stream

    def heard(self) -> None:
        """There was a sign of life."""
        if self.timeouts is not None:
            self.expires = self.timeouts.after(time.monotonic())

    def limit(self, timeout: float | None) -> float:
        """`timeout`, or the time left when that is less. Raises `httpcore2.ReadTimeout` when none is."""
        left = remaining(self.expires)
        if not left:
            raise httpcore2.ReadTimeout
        return left if timeout is None else min(timeout, left)


deadline = _Deadline()


class Patience(Try):
    """A clock that ends an async request, set anew with each sign of life; httpcore2 works in the caller's task."""

    def __init__(self, clock: asyncio.Timeout, timeouts: Timeouts) -> None:
        super().__init__()
        self._clock = clock
        self._timeouts = timeouts

    def heard(self) -> None:
        """There was a sign of life."""
        when = self._clock.when()
        if when is not None and not self._clock.expired():
            now = time.monotonic()
            self._clock.reschedule(asyncio.get_running_loop().time() + self._timeouts.after(now) - now)


patience: ContextVar[Patience | None] = ContextVar("patience", default=None)


def _heard() -> None:
    held = patience.get()
    if held is not None:
        held.heard()


def _note_answer(tried: Try | None) -> None:
    if tried is not None:
        tried.answered = True


_SEND = 256 * 1024

# At DEBUG httpcore2 logs what a server sends, and that may be a key: only when someone asks for this logger itself.
if logging.getLogger("httpcore2").level == logging.NOTSET:
    logging.getLogger("httpcore2").setLevel(logging.INFO)


class Pools:
    """httpx2 transports for blocking callers, by the proxy on the way."""

    def __init__(self, config: TransportConfig) -> None:
        self._config = config
        self._transports: dict[tuple[Proxy | None, bool], httpx2.HTTPTransport] = {}

    def get(self, origin: Origin) -> httpx2.HTTPTransport:
        """The transport for an origin."""
        key, options = _options(origin, self._config)
        transport = self._transports.get(key)
        if transport is None:
            kind = httpcore2.HTTPProxy if key[0] else httpcore2.ConnectionPool
            pool = kind(network_backend=_Backend(), **options)
            transport = self._transports.setdefault(key, _Transport(pool))
        return transport

    def close(self) -> None:
        """Close all connections."""
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            transport.close()

    def __del__(self) -> None:
        self.close()


class AsyncPools:
    """httpx2 transports for the async callers of one event loop, by the proxy on the way."""

    def __init__(self, config: TransportConfig) -> None:
        self._config = config
        self._transports: dict[tuple[Proxy | None, bool], httpx2.AsyncHTTPTransport] = {}

    def get(self, origin: Origin) -> httpx2.AsyncHTTPTransport:
        """The transport for an origin."""
        key, options = _options(origin, self._config)
        transport = self._transports.get(key)
        if transport is None:
            kind = httpcore2.AsyncHTTPProxy if key[0] else httpcore2.AsyncConnectionPool
            pool = kind(network_backend=_AsyncBackend(), **options)
            transport = self._transports[key] = _AsyncTransport(pool)
        return transport

    async def aclose(self) -> None:
        """Close all connections."""
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()


class _Transport(httpx2.HTTPTransport):
    """httpx2's own, over a pool that it has no argument for."""

    def __init__(self, pool: httpcore2.ConnectionPool) -> None:
        self._pool = pool


class _AsyncTransport(httpx2.AsyncHTTPTransport):
    """As `_Transport`."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool) -> None:
        self._pool = pool


def _options(origin: Origin, config: TransportConfig) -> tuple[tuple[Proxy | None, bool], dict[str, Any]]:
    proxy = proxy_for(origin, config)
    secure = origin.scheme == "https" or (proxy is not None and proxy.origin.scheme == "https")
    # httpcore2 sets the protocols it offers on the context it is given.
    context = tls_context(config, owner="httpx2") if secure else None
    options: dict[str, Any] = {
        "ssl_context": context,
        "max_connections": config.max_connections,
        "keepalive_expiry": config.keepalive,
    }
    if proxy is not None:
        options["proxy_url"] = proxy.url
        if proxy.origin.scheme == "https":
            options["proxy_ssl_context"] = context
        if proxy.authorization:
            options["proxy_headers"] = [(b"proxy-authorization", proxy.authorization.encode())]
    return (proxy, secure), options


class _Audit:
    """Follows the replies on a connection, so that one with bytes after a reply is not used again."""

    def __init__(self) -> None:
        self._reader: ResponseReader | None = None
        self.spoilt = False

    def sent(self, tried: Try | None) -> None:
        """A request, or a part of one, goes out."""
        if self._reader is None or self._reader.finished:
            if self._reader is not None and tried is not None:
                tried.reused = True
            self._reader = ResponseReader("POST", "", 2**20, 2**14)

    def received(self, data: bytes) -> bytes:
        """Bytes of a reply come in."""
        try:
            if self._reader is None:
                self.spoilt = True
            else:
                self._reader.feed(data)
                self.spoilt = self.spoilt or self._reader.surplus
        except InvalidResponseError:
            self.spoilt = True
        return data


def _wants_fresh(tried: Try | None) -> bool:
    return tried is not None and tried.fresh


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner
        self._audit = _Audit()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        deadline.note(self._inner)
        data = self._inner.read(max_bytes, deadline.limit(timeout))
        if data:
            deadline.heard()
            _note_answer(deadline.waiting)
        return self._audit.received(data)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._audit.sent(deadline.waiting)
        view = memoryview(buffer)
        for start in range(0, len(buffer), _SEND):
            self._inner.write(view[start : start + _SEND], deadline.limit(timeout))  # type: ignore[arg-type]
            deadline.heard()

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, deadline.limit(timeout)))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and (self._audit.spoilt or _wants_fresh(deadline.waiting)):
            return True
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        expires = time.monotonic() + deadline.limit(timeout)
        try:
            waiting = deadline.waiting
            addresses = resolve(host, port, expires, lambda: waiting is not None and waiting.stopped)
        except TimeoutError:
            raise httpcore2.ConnectTimeout from None
        except OSError as error:
            raise httpcore2.ConnectError(error.strerror or "no address") from None
        failure: Exception = httpcore2.ConnectError("the host has no address")
        for position, (*_, address) in enumerate(addresses):
            share = remaining(expires) / (len(addresses) - position)
            try:
                return _Stream(self._inner.connect_tcp(address[0], port, share, local_address, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure


# The `timeout` arguments below are httpcore2's; a deadline ends async calls from outside.
class _AsyncStream(httpcore2.AsyncNetworkStream):
    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._audit = _Audit()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        data = await self._inner.read(max_bytes, timeout)
        if data:
            _heard()
            _note_answer(patience.get())
        return self._audit.received(data)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._audit.sent(patience.get())
        for start in range(0, len(buffer), _SEND):
            await self._inner.write(buffer[start : start + _SEND], timeout)
            _heard()

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        return _AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and (self._audit.spoilt or _wants_fresh(patience.get())):
            return True
        return self._inner.get_extra_info(info)


class _AsyncBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _AsyncStream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))
