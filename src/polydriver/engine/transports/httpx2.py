"""The extra `httpx2`: for blocking and async callers, with a client of our own making or one that the user brings.

Without a user's client only httpx2's transports are in use, not its `Client`: they have no redirects, no
cookies, no netrc and no decoding to switch off.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx2

from ...data.http import Reply, Request, Timeouts, TransportConfig
from ...errors import APIConnectionError, APITimeoutError, ConfigurationError, InvalidResponseError, ProviderError
from ..waiting import SoleUser
from .address import locate
from .base import Phase, broken, closed_by_reader, remaining, timed_out, unreadable
from .content import Content
from .encode import check_headers, default_headers
from .httpx2_pools import AsyncPools, Patience, Pools, Try, Waiting, deadline, patience
from .per_loop import PerLoop
from .refused import body_limits, cut_reply

__all__ = ["AsyncHTTPX2Transport", "HTTPX2Transport"]

_Failure = APIConnectionError | APITimeoutError | InvalidResponseError


class HTTPX2Transport:
    """Blocking calls over httpx2.

    `client` is a client of the user's: its proxies, certificates, limits and HTTP versions hold, and `config`
    counts for the bounds of the headers only. Its timeouts are for each receive, so that a reply that comes
    in drips may take longer than its deadline by the time of one receive, and nothing guards against what a
    server sends after a reply.
    """

    def __init__(self, client: httpx2.Client | None = None, *, config: TransportConfig | None = None) -> None:
        if client is not None and not isinstance(client, httpx2.Client):
            raise ConfigurationError(
                "HTTPX2Transport needs an httpx2.Client; AsyncHTTPX2Transport takes an AsyncClient"
            )
        self._client = client
        self._config = config or TransportConfig()
        self._pools = Pools(self._config)
        self._process = os.getpid()

    def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """Send `request` and read the whole reply."""
        body = self.open(request, timeouts)
        limits = body_limits(body.status, timeouts, time.monotonic())
        pieces: list[bytes] = []
        try:
            while piece := body.read_as("read"):
                pieces.append(piece)
                body.expires = limits.after(time.monotonic())
        except ProviderError as error:
            return cut_reply(body, b"".join(pieces), error, timeouts)
        finally:
            body.close()
        return Reply(status=body.status, headers=body.headers, body=b"".join(pieces), redialed=body.redialed)

    def open(self, request: Request, timeouts: Timeouts) -> HTTPX2Body:
        """Send `request` and return once the headers are in."""
        made, host = _render(request, timeouts)
        if self._process != os.getpid():
            self._pools, self._process = Pools(self._config), os.getpid()
        waiting = Waiting()
        if timeouts.stop is not None:
            timeouts.stop.watch(waiting)
        deadline.begin(timeouts, waiting)
        limits: dict[str, Any] | None = None
        if self._client is not None:
            limits = made.extensions["timeout"]
            limits["read"] = limits["write"] = limits["pool"]
        response = self._head(request, made, waiting)
        if isinstance(response, Exception):
            raise response
        try:
            unframed = _Unframed(response, self._config)
            bounds = body_limits(unframed.status, timeouts, time.monotonic())
            content = Content(unframed, b"", bounds.max_bytes)
        except BaseException:
            response.close()
            raise
        return HTTPX2Body(response, unframed, content, host, timeouts.after(time.monotonic()), limits, waiting)

    def _head(self, request: Request, made: httpx2.Request, waiting: Waiting) -> httpx2.Response | _Failure:
        """Send, and read the head. A failure is returned, to be raised where no error of httpx2 is handled: it would be
        kept as its context, with the request and its headers."""
        try:
            if self._client is not None:
                return self._client.send(made, stream=True, follow_redirects=False, auth=None)
            return self._ask(request, made, waiting)
        except (httpx2.HTTPError, httpx2.InvalidURL, RuntimeError, OSError) as error:
            host = locate(request.url).origin.host
            return closed_by_reader(host) if waiting.stopped else _failure(error, "headers", host, waiting)

    def _ask(self, request: Request, made: httpx2.Request, waiting: Waiting) -> httpx2.Response:
        """Send, and read the head; again, on a new connection, where a kept one was stale."""
        transport = self._pools.get(locate(request.url).origin)
        try:
            return transport.handle_request(made)
        except httpx2.HTTPError as error:
            if waiting.stopped or not waiting.was_stale or not _is_hung_up(error):
                raise
        waiting.anew()
        try:
            return transport.handle_request(made)
        finally:
            waiting.fresh = False

    def close(self) -> None:
        """Close the connections of our own making; a user's client stays open."""
        self._pools.close()


class HTTPX2Body:
    """The open body of a streamed reply. Dropping it closes the connection."""

    def __init__(
        self,
        response: httpx2.Response,
        unframed: _Unframed,
        content: Content,
        host: str,
        expires: float,
        limits: dict[str, Any] | None,
        waiting: Waiting,
    ) -> None:
        self._waiting = waiting
        self._user = SoleUser()
        self._process = os.getpid()
        self._response = response
        self._content = content
        self._host = host
        self._raw: Iterator[bytes] = iter(response.stream)  # type: ignore[arg-type]
        self._limits = limits
        self.redialed = waiting.redialed
        self.status = unframed.status
        self.headers: Mapping[str, str] = unframed.headers
        self.expires = expires

    def read(self) -> bytes:
        """The next bytes as they come; `b""` at the clean end."""
        return self.read_as("idle")

    def read_as(self, phase: Phase) -> bytes:
        """As `read`, with the phase that a timeout is to name."""
        if self._process != os.getpid():
            raise broken("read", self._host, "it belongs to the process that opened it, not to its forked child")
        if not self._user.enter():
            raise RuntimeError("the body is being read elsewhere")
        try:
            while (piece := self._content.next()) is None:
                if self._waiting.stopped:
                    raise closed_by_reader(self._host)
                if self.expires <= time.monotonic():
                    raise timed_out(phase, self._host)
                deadline.read_until(self.expires, self._waiting)
                if self._limits is not None:  # looked at before the first receive, by HTTP/2 before each
                    self._limits["read"] = remaining(self.expires)
                data = self._receive(phase)
                if isinstance(data, Exception):
                    raise data
                self._content.receive(data)
            if not piece:
                self._response.close()
            return piece
        except BaseException:
            self._response.close()
            raise
        finally:
            self._user.leave()
            if self._waiting.stopped:
                self.close()

    def _receive(self, phase: Phase) -> bytes | _Failure:
        """What came, or the failure to raise: see `HTTPX2Transport._head`."""
        try:
            data = next(self._raw, b"")
        except (httpx2.HTTPError, httpx2.StreamError, RuntimeError, OSError) as error:
            return closed_by_reader(self._host) if self._waiting.stopped else _failure(error, phase, self._host)
        if not data and self._waiting.stopped:
            return closed_by_reader(self._host)
        return data

    def close(self) -> None:
        """Give the connection back when the body is read to its end, else close it.

        Where another thread reads, that one is woken and does it.
        """
        if self._process != os.getpid():  # the pool and its locks are those of the parent
            return
        if self._user.enter():
            try:
                self._response.close()
            finally:
                self._user.leave()
        else:
            self._waiting.interrupt()

    def __del__(self) -> None:
        self.close()


class AsyncHTTPX2Transport:
    """Async calls over httpx2, on asyncio.

    `client` is a client of the user's: its proxies, certificates, limits and HTTP versions hold, and it
    belongs to one event loop. Nothing guards it against what a server sends after a reply.
    """

    def __init__(self, client: httpx2.AsyncClient | None = None, *, config: TransportConfig | None = None) -> None:
        if client is not None and not isinstance(client, httpx2.AsyncClient):
            raise ConfigurationError("AsyncHTTPX2Transport needs an httpx2.AsyncClient; HTTPX2Transport takes a Client")
        self._client = client
        self._config = given = config or TransportConfig()
        self._pools = PerLoop(lambda: AsyncPools(given))

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """Send `request` and read the whole reply. Everything ends by `timeouts`."""
        body = await self.open(request, timeouts)
        limits = body_limits(body.status, timeouts, time.monotonic())
        pieces: list[bytes] = []
        try:
            while piece := await body.read_as("read"):
                pieces.append(piece)
                body.expires = limits.after(time.monotonic())
        except ProviderError as error:
            return cut_reply(body, b"".join(pieces), error, timeouts)
        finally:
            body.close()
        return Reply(status=body.status, headers=body.headers, body=b"".join(pieces), redialed=body.redialed)

    async def open(self, request: Request, timeouts: Timeouts) -> AsyncHTTPX2Body:
        """Send `request` and return once the headers are in, by `timeouts`."""
        made, host = _render(request, timeouts)
        opened = await self._head(request, made, timeouts)
        if isinstance(opened, Exception):
            raise opened
        response, held = opened
        try:
            unframed = _Unframed(response, self._config)
            bounds = body_limits(unframed.status, timeouts, time.monotonic())
            content = Content(unframed, b"", bounds.max_bytes)
        except BaseException:
            await response.aclose()
            raise
        return AsyncHTTPX2Body(response, unframed, content, host, timeouts.after(time.monotonic()), held.redialed)

    async def _head(
        self, request: Request, made: httpx2.Request, timeouts: Timeouts
    ) -> tuple[httpx2.Response, Patience] | _Failure:
        """As of the blocking transport."""
        host = locate(request.url).origin.host
        held: Patience | None = None
        try:
            async with asyncio.timeout(remaining(timeouts.expires)) as clock:
                held = Patience(clock, timeouts)
                return await self._ask(request, made, held), held
        except TimeoutError:
            return timed_out("headers", host)
        except (httpx2.HTTPError, httpx2.InvalidURL, RuntimeError, OSError) as error:
            return _failure(error, "headers", host, held)

    async def _ask(self, request: Request, made: httpx2.Request, held: Patience) -> httpx2.Response:
        if self._client is not None:
            return await self._client.send(made, stream=True, follow_redirects=False, auth=None)
        pools = await self._pools.get()
        transport = pools.get(locate(request.url).origin)
        token = patience.set(held)
        try:
            try:
                return await transport.handle_async_request(made)
            except httpx2.HTTPError as error:
                if not held.was_stale or not _is_hung_up(error):
                    raise
            held.anew()
            return await transport.handle_async_request(made)
        finally:
            patience.reset(token)

    def close(self) -> None:
        """Close the connections of our own making, each in its loop's own time."""
        self._pools.close()

    async def aclose(self) -> None:
        """Close the connections that belong to the running loop; a user's client stays open."""
        await self._pools.aclose()


class AsyncHTTPX2Body:
    """The open body of a streamed reply. Dropping it closes the connection."""

    def __init__(
        self,
        response: httpx2.Response,
        unframed: _Unframed,
        content: Content,
        host: str,
        expires: float,
        redialed: bool,
    ) -> None:
        self.redialed = redialed
        self._response = response
        self._content = content
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._raw: AsyncIterator[bytes] = aiter(response.stream)  # type: ignore[arg-type]
        self._closed = False
        self.status = unframed.status
        self.headers: Mapping[str, str] = unframed.headers
        self.expires = expires

    async def read(self) -> bytes:
        """The next bytes as they come; `b""` at the clean end."""
        return await self.read_as("idle")

    async def read_as(self, phase: Phase) -> bytes:
        """As `read`, with the phase that a timeout is to name."""
        try:
            while (piece := self._content.next()) is None:
                if self._closed:
                    raise broken("read", self._host, "closed by the reader")
                data = await self._receive(phase)
                if isinstance(data, Exception):
                    raise data
                self._content.receive(data)
            if not piece:
                await self.aclose()
            return piece
        except BaseException:
            self.close()
            raise

    async def _receive(self, phase: Phase) -> bytes | _Failure:
        """As of the blocking body."""
        try:
            async with asyncio.timeout(remaining(self.expires)):
                return await anext(self._raw, b"")
        except TimeoutError:
            return timed_out(phase, self._host)
        except (httpx2.HTTPError, httpx2.StreamError, RuntimeError, OSError) as error:
            return _failure(error, phase, self._host)

    def close(self) -> None:
        """Have the connection given back or closed by its event loop, as soon as that runs."""
        if not self._closed:
            self._closed = True
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(_close_soon, self._loop, self._response)

    async def aclose(self) -> None:
        """Give the connection back when the body is read to its end, else close it."""
        if not self._closed:
            self._closed = True
            await self._response.aclose()

    def __del__(self) -> None:
        self.close()


_closing: set[asyncio.Task[None]] = set()


def _close_soon(loop: asyncio.AbstractEventLoop, response: httpx2.Response) -> None:
    task = loop.create_task(response.aclose())
    _closing.add(task)
    task.add_done_callback(_closing.discard)


class _Unframed:
    """The head of a reply whose framing httpx2 has taken off."""

    def __init__(self, response: httpx2.Response, config: TransportConfig) -> None:
        raw = response.headers.raw
        if len(raw) > config.max_headers or sum(len(n) + len(v) + 4 for n, v in raw) > config.max_header_bytes:
            raise unreadable("its headers are larger than the limit")
        self.status = response.status_code
        self.headers = {name: response.headers[name] for name in response.headers}
        self.finished = False

    def take(self, data: bytes) -> bytes:
        self.finished = not data
        return data


def _render(request: Request, timeouts: Timeouts) -> tuple[httpx2.Request, str]:
    check_headers(request.headers)
    address = locate(request.url)
    left = remaining(timeouts.expires)
    if not left:
        raise timed_out("connect", address.origin.host)
    # Without limits for single receives: the deadline ends them.
    limits: dict[str, Any] = {"connect": min(timeouts.connect, left), "read": None, "write": None, "pool": left}
    headers = {**default_headers(request), **request.headers}
    made = httpx2.Request(
        request.method, request.url, headers=headers, content=request.body, extensions={"timeout": limits}
    )
    return made, address.origin.host


# What h11 and httpcore2 say when the server hangs up: no exception class of theirs tells that from a malformed reply.
_HUNG_UP = ("Server disconnected", "peer closed connection", "peer unexpectedly closed")


def _is_hung_up(error: httpx2.HTTPError) -> bool:
    """Whether the server closed the connection, and not that time ran out or that it sent what is not HTTP."""
    if isinstance(error, httpx2.RemoteProtocolError):
        return str(error).startswith(_HUNG_UP)
    return isinstance(error, httpx2.ReadError | httpx2.WriteError | httpx2.CloseError)


def _failure(error: Exception, phase: Phase, host: str, tried: Try | None = None) -> _Failure:
    """One of our errors; httpx2's hold the request with its headers, so they are never chained."""
    failure = _kind_of_failure(error, phase, host)
    if tried is not None and tried.redialed:
        failure.details["redialed"] = True
    return failure


def _kind_of_failure(error: Exception, phase: Phase, host: str) -> _Failure:
    if isinstance(error, httpx2.ConnectTimeout):
        return timed_out("connect", host)
    if isinstance(error, httpx2.PoolTimeout):
        return timed_out("pool", host)
    if isinstance(error, httpx2.WriteTimeout):
        return timed_out("send", host)
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return timed_out(phase, host)
    if isinstance(error, httpx2.RemoteProtocolError) and not str(error).startswith(_HUNG_UP):
        return unreadable("it is not valid HTTP")
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
        return broken("connect", host, str(error)[:200] or type(error).__name__)
    return broken(phase, host, type(error).__name__)
