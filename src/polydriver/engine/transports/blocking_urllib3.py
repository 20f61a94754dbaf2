"""The default client of blocking callers: urllib3 connects, tunnels and verifies; the rest is here.

urllib3's own `urlopen` has a timeout for each receive instead of a deadline for all of them, its pool never drops
old idle connections, and a call costs three times as much. The reply is therefore read by `ResponseReader` from the
socket itself, and the pool is `Pool`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ...data.http import Reply, Request, Timeouts, TransportConfig
from ...errors import ProviderError
from ...forking import own_lock
from ..waiting import SoleUser
from .address import Address, Origin, locate, proxy_for
from .base import Stale
from .blocking_connection import BlockingConnection
from .content import Content
from .encode import encode_request
from .http1 import ResponseReader
from .pools import Pool
from .refused import cut_reply

__all__ = ["Urllib3Body", "Urllib3Transport"]


class Urllib3Transport:
    """Blocking HTTP/1.1. Thread-safe; a forked child starts with no connections."""

    _lock: Any

    def __init__(self, config: TransportConfig) -> None:
        self._config = config
        own_lock(self)
        self._pools: dict[Origin, Pool] = {}
        self._process = os.getpid()

    def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """Send `request` and read the whole reply. Everything ends by `timeouts`."""
        connection, reader, first = self._begin(request, timeouts)
        try:
            connection.read_rest(reader, first, timeouts)
        except ProviderError as error:
            connection.discard()
            return cut_reply(reader, b"".join(reader.pieces), error, timeouts)
        except BaseException:
            connection.discard()
            raise
        connection.finish(reader)
        return Reply(
            status=reader.status, headers=reader.headers, body=b"".join(reader.pieces), redialed=reader.redialed
        )

    def open(self, request: Request, timeouts: Timeouts) -> Urllib3Body:
        """Send `request` and return once the headers are in, by `timeouts`."""
        connection, reader, first = self._begin(request, timeouts)
        try:
            content = Content(reader, first, timeouts.max_bytes)
        except BaseException:
            connection.discard()
            raise
        return Urllib3Body(connection, reader, content, timeouts.after(time.monotonic()))

    def close(self) -> None:
        """Close the idle connections; those in use are closed when they come back."""
        if self._process != os.getpid():
            self._forget_after_fork()
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _begin(self, request: Request, timeouts: Timeouts) -> tuple[BlockingConnection, ResponseReader, bytes]:
        """Send a request and read the head of its reply; again, on a new connection, where a kept one was stale."""
        address = locate(request.url)
        pool = self._pool(address)
        target = request.url.split("#", 1)[0] if pool.forwarded else address.target
        head, body = encode_request(request, address, target, pool.headers), request.body or b""
        config, host = self._config, address.origin.host
        reader = ResponseReader(request.method, host, config.max_header_bytes, config.max_headers)
        connection = BlockingConnection(pool)
        try:
            if timeouts.stop is not None:
                timeouts.stop.watch(connection)
            pool.enter(connection, timeouts.expires)
            idle = pool.take_idle()
            if idle is None:
                self._dial(connection, pool, timeouts)
            else:
                connection.attach(*idle)
            try:
                first = connection.exchange(head, body, reader, timeouts)
            except Stale:
                reader.redialed = True
                first = self._exchange_anew(connection, pool, reader, head, body, timeouts)
        except BaseException:
            connection.discard()
            raise
        return connection, reader, first

    def _exchange_anew(
        self,
        connection: BlockingConnection,
        pool: Pool,
        reader: ResponseReader,
        head: bytes,
        body: bytes,
        timeouts: Timeouts,
    ) -> bytes:
        connection.detach()
        try:
            self._dial(connection, pool, timeouts)
            return connection.exchange(head, body, reader, timeouts)
        except ProviderError as error:
            error.details["redialed"] = True
            raise

    def _pool(self, address: Address) -> Pool:
        if self._process != os.getpid():
            self._forget_after_fork()
        pool = self._pools.get(address.origin)
        if pool is None:
            with self._lock:
                pool = self._pools.get(address.origin)
                if pool is None:
                    proxy = proxy_for(address.origin, self._config)
                    pool = self._pools[address.origin] = Pool(address.origin, proxy, self._config)
        return pool

    def _forget_after_fork(self) -> None:
        """The parent's connections are not ours to use."""
        self._pools = {}
        self._process = os.getpid()

    def _dial(self, connection: BlockingConnection, pool: Pool, timeouts: Timeouts) -> None:
        from .dialing import connect

        now = time.monotonic()
        expires = min(timeouts.after(now), now + timeouts.connect)
        link = connect(pool.origin, pool.proxy, self._config, expires, lambda: connection.stopped)
        connection.attach(link)


class Urllib3Body:
    """The open body of a streamed reply. Dropping it closes the connection, which does so itself."""

    __slots__ = (
        "__weakref__", "_connection", "_content", "_reader", "_user", "expires", "headers", "redialed", "status",
    )  # fmt: skip

    def __init__(
        self, connection: BlockingConnection, reader: ResponseReader, content: Content, expires: float
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._content = content
        self._user = SoleUser()
        self.status = reader.status
        self.headers: Mapping[str, str] = reader.headers
        self.expires = expires
        self.redialed = reader.redialed

    def read(self) -> bytes:
        """The next bytes as they come; `b""` at the clean end."""
        connection, content = self._connection, self._content
        if not self._user.enter():
            raise RuntimeError("the body is being read elsewhere")
        try:
            while (piece := content.next()) is None:
                content.receive(connection.receive(self.expires, "idle"))
            if self._reader.finished:
                connection.finish(self._reader)
        except BaseException:
            connection.discard()
            raise
        finally:
            self._let_go()
        return piece

    def close(self) -> None:
        """Give the connection back if the body is read to its end, else close it.

        Where another thread reads, that one is woken and does it.
        """
        connection = self._connection
        if connection.foreign:
            connection.discard()
        elif self._user.enter():
            try:
                # The end mark of a stream often comes just before the end of its body.
                if not self._reader.finished and (data := connection.receive_now()):
                    self._reader.feed(data)
            except ProviderError:
                connection.discard()
            else:
                connection.finish(self._reader)
            finally:
                self._let_go()
        else:
            connection.interrupt()

    def _let_go(self) -> None:
        """Let others use the connection. Who was interrupted closes it."""
        self._user.leave()
        if self._connection.stopped and self._user.enter():
            self._connection.discard()
            self._user.leave()
