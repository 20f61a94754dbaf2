"""The default client of async callers: aiohttp connects, tunnels and verifies; the rest is here.

aiohttp's own session repeats idempotent requests, asks netrc, and hands what a server sends while a connection is idle
to the next request. The reply is therefore read by `ResponseReader` from the transport itself, and the pool is
`AsyncPool`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import aiohttp

from ...data.http import Reply, Request, Timeouts, TransportConfig
from ...errors import ProviderError
from .address import Origin, locate, proxy_for
from .async_pool import AsyncPool, Lease
from .base import Stale
from .content import Content
from .encode import encode_request
from .http1 import ResponseReader
from .per_loop import PerLoop
from .refused import cut_reply

__all__ = ["AiohttpBody", "AiohttpTransport"]


class AiohttpTransport:
    """Async HTTP/1.1 over any number of event loops, see `PerLoop` for their ends."""

    def __init__(self, config: TransportConfig) -> None:
        self._config = config
        self._pools = PerLoop(lambda: _Pools(config))

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """Send `request` and read the whole reply. Everything ends by `timeouts`."""
        lease, reader, first = await self._begin(request, timeouts)
        try:
            await lease.connection.read_rest(reader, first, timeouts)
        except ProviderError as error:
            lease.discard()
            return cut_reply(reader, b"".join(reader.pieces), error, timeouts)
        except BaseException:
            lease.discard()
            raise
        lease.finish(reader)
        return Reply(
            status=reader.status, headers=reader.headers, body=b"".join(reader.pieces), redialed=reader.redialed
        )

    async def open(self, request: Request, timeouts: Timeouts) -> AiohttpBody:
        """Send `request` and return once the headers are in, by `timeouts`."""
        lease, reader, first = await self._begin(request, timeouts)
        try:
            content = Content(reader, first, timeouts.max_bytes)
        except BaseException:
            lease.discard()
            raise
        return AiohttpBody(lease, reader, content, timeouts.after(time.monotonic()))

    def close(self) -> None:
        """Have the connections of all loops closed, in their own time."""
        self._pools.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop, and wait until that is done."""
        await self._pools.aclose()

    async def _begin(self, request: Request, timeouts: Timeouts) -> tuple[Lease, ResponseReader, bytes]:
        """Send a request and read the head of its reply; again, on a new connection, where a kept one was stale."""
        address = locate(request.url)
        pool = (await self._pools.get()).get(address.origin)
        target = request.url.split("#", 1)[0] if pool.forwarded else address.target
        head, body = encode_request(request, address, target, pool.headers), request.body or b""
        config, host = self._config, address.origin.host
        reader = ResponseReader(request.method, host, config.max_header_bytes, config.max_headers)
        lease = Lease(pool)
        try:
            await pool.fill(lease, timeouts)
            try:
                first = await lease.connection.exchange(head, body, reader, timeouts, reused=lease.reused)
            except Stale:
                reader.redialed = True
                lease.detach()
                try:
                    await pool.fill(lease, timeouts, fresh=True)
                    first = await lease.connection.exchange(head, body, reader, timeouts, reused=lease.reused)
                except ProviderError as error:
                    error.details["redialed"] = True
                    raise
        except BaseException:
            lease.discard()
            raise
        return lease, reader, first


class _Pools:
    """The pools of one event loop, and the connector that makes their connections."""

    def __init__(self, config: TransportConfig) -> None:
        self._config = config
        self._connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._pools: dict[Origin, AsyncPool] = {}

    def get(self, origin: Origin) -> AsyncPool:
        """The pool for an origin."""
        pool = self._pools.get(origin)
        if pool is None:
            proxy = proxy_for(origin, self._config)
            pool = self._pools[origin] = AsyncPool(self._connector, origin, proxy, self._config)
        return pool

    async def aclose(self) -> None:
        """Close the connections, and wait until they are gone."""
        closing = [connection for pool in self._pools.values() for connection in pool.close()]
        for connection in closing:
            await connection.closed()
        await self._connector.close()


class AiohttpBody:
    """The open body of a streamed reply. Dropping it closes the connection, which its lease does."""

    __slots__ = ("__weakref__", "_content", "_lease", "_reader", "expires", "headers", "redialed", "status")

    def __init__(self, lease: Lease, reader: ResponseReader, content: Content, expires: float) -> None:
        self._lease = lease
        self._reader = reader
        self._content = content
        self.status = reader.status
        self.headers: Mapping[str, str] = reader.headers
        self.expires = expires
        self.redialed = reader.redialed

    async def read(self) -> bytes:
        """The next bytes as they come; `b""` at the clean end."""
        content = self._content
        try:
            while (piece := content.next()) is None:
                content.receive(await self._lease.connection.receive(self.expires, "idle"))
        except BaseException:
            self._lease.discard()
            raise
        if self._reader.finished:
            self._lease.finish(self._reader)
        return piece

    def close(self) -> None:
        """Give the connection back if the body is read to its end, else close it. For the event loop's own thread."""
        try:
            # The end mark of a stream often comes just before the end of its body.
            if not self._reader.finished and (data := self._lease.receive_now()):
                self._reader.feed(data)
        except (ProviderError, RuntimeError):  # the latter from a closed event loop
            self._lease.discard()
        else:
            self._lease.finish(self._reader)

    async def aclose(self) -> None:
        """As `close`."""
        self.close()
