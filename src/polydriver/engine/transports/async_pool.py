"""The connections of one event loop to one host."""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections import deque
from contextlib import suppress

import aiohttp
from yarl import URL

from ...data.http import Timeouts, TransportConfig
from ..waiting import running_loop
from .address import Origin, Proxy
from .async_connection import AsyncConnection
from .base import broken, remaining, timed_out
from .http1 import ResponseReader
from .tls import tls_context

__all__ = ["AsyncPool", "Lease"]


class Lease:
    """A place in the pool, and its connection while that is in use. Dropping it closes the one and frees the other."""

    __slots__ = ("__weakref__", "_connection", "_is_back", "_pool", "reused")

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool
        self._connection: AsyncConnection | None = None
        self.reused = self._is_back = False

    def attach(self, connection: AsyncConnection) -> None:
        """Use this connection from now on."""
        self._connection = connection
        self.reused = connection.used
        connection.used = connection.busy = True

    def detach(self) -> None:
        """Close the connection and keep the place."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.drop()

    @property
    def connection(self) -> AsyncConnection:
        """Its connection. Raises `APIConnectionError` when it has none any more."""
        if self._connection is None:
            raise broken("read", self._pool.host, "closed by the reader")
        return self._connection

    def receive_now(self) -> bytes:
        """What has arrived already; `b""` when that is nothing."""
        return self._connection.receive_now() if self._connection is not None else b""

    def finish(self, reader: ResponseReader) -> None:
        """Give the connection back after a whole reply: to be used again if it can be."""
        if not reader.reusable:
            self.discard()
        elif self._connection is not None:
            connection, self._connection = self._connection, None
            self._pool.release(self, connection)
            self._is_back = True

    def discard(self) -> None:
        """Close the connection and free its place; from any thread."""
        self.detach()
        self._pool.vacate(self)

    def __del__(self) -> None:
        with suppress(AttributeError):  # its making was interrupted
            if not self._is_back:
                self.discard()


class AsyncPool:
    """At most `max_connections` connections to one origin; waiters are served in turn.

    The connection that was used last is taken first. A place is held by a living `Lease` and by nothing else, so that
    one whose holder Ctrl-C took is free again.
    aiohttp's connector makes the connections: it resolves names, tries addresses side by side, tunnels
    through proxies and verifies certificates.
    """

    def __init__(
        self, connector: aiohttp.TCPConnector, origin: Origin, proxy: Proxy | None, config: TransportConfig
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._connector = connector
        self._config = config
        self._origin = origin
        self._proxy = proxy
        self.forwarded = proxy is not None and origin.scheme == "http"
        authorization = proxy.authorization if proxy is not None and self.forwarded else None
        self.headers = {"proxy-authorization": authorization} if authorization else {}
        self._size = config.max_connections
        self._held: dict[int, weakref.ref[Lease]] = {}
        self._idle: deque[tuple[AsyncConnection, float]] = deque()
        self._made: weakref.WeakSet[AsyncConnection] = weakref.WeakSet()
        self._waiters: deque[tuple[asyncio.Future[None], Lease]] = deque()
        self._closed = False

    @property
    def host(self) -> str:
        """The host that the connections lead to."""
        return self._origin.host

    async def fill(self, lease: Lease, timeouts: Timeouts, *, fresh: bool = False) -> None:
        """Give `lease` a place, if it has none, and a connection that is free, or a new one, always so for `fresh`.

        Raises `APITimeoutError` (phase "pool" or "connect") and `APIConnectionError`.
        """
        try:
            if id(lease) not in self._held:
                await self._enter(lease, timeouts.expires)
            connection = None if fresh else self._take_idle()
            lease.attach(connection or await self._connect(timeouts))
        except BaseException:
            lease.discard()
            raise

    def release(self, lease: Lease, connection: AsyncConnection) -> None:
        """Give a place back with a connection that can be used again."""
        connection.busy = False
        if self._closed or not connection.alive:
            connection.drop()
        else:
            self._idle.append((connection, time.monotonic()))
        self.vacate(lease)
        oldest = time.monotonic() - self._config.keepalive
        while self._idle and (self._idle[0][1] < oldest or not self._idle[0][0].alive):
            self._idle.popleft()[0].drop()

    def vacate(self, lease: Lease) -> None:
        """Give a place back whose connection is gone; from any thread, even when the event loop is closed."""
        if self._held.pop(id(lease), None) is None or not self._waiters:
            return
        if running_loop() is self._loop:
            self._pass_on()
        elif self._process == os.getpid():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._pass_on)

    def close(self) -> list[AsyncConnection]:
        """Close all connections, those in use too, and from now on all that come back; returns what is closing."""
        self._closed = True
        closing = [connection for connection in self._made if not connection.gone]
        self._idle.clear()
        for connection in closing:
            connection.drop()
        return closing

    def _take_idle(self) -> AsyncConnection | None:
        while self._idle:
            connection, since = self._idle.pop()
            fresh = time.monotonic() - since <= self._config.keepalive
            if fresh and connection.alive and not connection.is_readable():
                return connection
            connection.drop()
        return None

    async def _enter(self, lease: Lease, expires: float) -> None:
        if self._waiters:
            self._pass_on()
        if self._has_room():
            self._held[id(lease)] = weakref.ref(lease)
            return
        turn: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append((turn, lease))
        try:
            async with asyncio.timeout(remaining(expires)):
                await turn
        except TimeoutError:
            if not turn.done() or turn.cancelled():
                raise timed_out("pool", self._origin.host) from None

    def _pass_on(self) -> None:
        """Where places are free, the next in the queue get them."""
        while self._waiters and self._has_room():
            turn, lease = self._waiters.popleft()
            if not turn.done():
                self._held[id(lease)] = weakref.ref(lease)
                turn.set_result(None)

    def _has_room(self) -> bool:
        if len(self._held) >= self._size:
            for key in [key for key, lease in self._held.items() if lease() is None]:
                self._held.pop(key, None)
        return len(self._held) < self._size

    async def _connect(self, timeouts: Timeouts) -> AsyncConnection:
        host = self._origin.host
        failure: Exception
        request = self._dial_request()
        try:
            async with asyncio.timeout(min(timeouts.connect, remaining(timeouts.expires))):
                made = await self._connector.connect(request, [], aiohttp.ClientTimeout(total=None))
                return self._adopt(made)
        except TimeoutError:
            raise timed_out("connect", host) from None
        except aiohttp.ClientConnectorCertificateError as error:
            failure = error.certificate_error
        except aiohttp.ClientConnectorError as error:
            failure = error.os_error
        except aiohttp.ClientHttpProxyError as error:
            raise broken("connect", host, f"the proxy refused the tunnel ({error.status})") from None
        except Exception as error:  # noqa: BLE001 - resolvers have errors of their own
            failure = error
        # aiohttp's own errors may hold headers and URLs; those of the system and of TLS do not.
        cause = failure if isinstance(failure, OSError) and not isinstance(failure, aiohttp.ClientError) else None
        raise broken("connect", host, _reason(failure)) from cause

    def _dial_request(self) -> aiohttp.ClientRequest:
        proxy = self._proxy
        secure = self._origin.scheme == "https" or (proxy is not None and proxy.origin.scheme == "https")
        authorization = proxy.authorization if proxy is not None else None
        return aiohttp.ClientRequest(
            "GET",
            URL.build(scheme=self._origin.scheme, host=self._origin.host, port=self._origin.port),
            loop=self._loop,
            ssl=tls_context(self._config) if secure else True,
            proxy=URL(proxy.url) if proxy is not None else None,
            proxy_headers={"proxy-authorization": authorization} if authorization else None,
        )

    def _adopt(self, made: aiohttp.connector.Connection) -> AsyncConnection:
        """Take the connection out of aiohttp's hands."""
        protocol, transport = made.protocol, made.transport
        if protocol is None or transport is None or protocol.should_close:
            made.close()
            raise broken("connect", self._origin.host, "the server spoke before it was asked")
        connection = AsyncConnection(self._loop, transport, self._origin.host)
        self._made.add(connection)
        transport.set_protocol(connection)
        protocol.transport = None  # or `close`, which only frees the place in the connector, would close it
        made.close()
        return connection


def _reason(error: Exception) -> str:
    verify_message = getattr(error, "verify_message", None)
    if verify_message:
        return f"the certificate is not valid ({verify_message})"
    strerror = getattr(error, "strerror", None)
    return strerror or type(error).__name__
