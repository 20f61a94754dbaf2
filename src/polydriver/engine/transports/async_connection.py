"""One connection of an async caller: an asyncio protocol that collects what arrives and keeps the deadline."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress

from ...data.http import Timeouts
from ...errors import ProviderError
from ..waiting import running_loop
from .base import Phase, Stale, broken, is_broken, timed_out
from .http1 import ResponseReader
from .refused import body_limits
from .sockets import look_at

__all__ = ["AsyncConnection"]

_PAUSE_ABOVE = 256 * 1024
_JOIN_BELOW = 64 * 1024
_SLACK = 0.05


class AsyncConnection(asyncio.Protocol):
    """A connected transport, used for one request at a time.

    One timer at most is running for a connection. It is armed when a wait begins that may end before it, and
    looks at the deadline in force when it fires, so that neither a read nor a request costs a timer of its
    own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, host: str) -> None:
        self._loop = loop
        self._process = os.getpid()
        self._transport = transport
        self._host = host
        self._arrived: list[bytes] = []
        self._size = 0
        self._paused = False
        self._ended = False
        self._lost = False
        self._gone_waiter: asyncio.Future[None] | None = None
        self._failure: OSError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._expires = 0.0
        self._timeouts: Timeouts | None = None
        self._unsent = 0
        self._phase: Phase = "send"
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self.busy = True
        self.used = False
        link = transport.get_extra_info("socket")
        self._look = look_at(link) if link is not None else None

    @property
    def alive(self) -> bool:
        """Whether the connection is open and nothing has arrived on it that no one asked for."""
        return not (self._ended or self._arrived or self._transport.is_closing())

    @property
    def gone(self) -> bool:
        """Whether the event loop has let go of the connection."""
        return self._lost

    def is_readable(self) -> bool:
        """Whether something has arrived in the socket, or it was closed: the event loop may not have seen it yet."""
        return self._look is not None and bool(self._look(0))

    @property
    def transport(self) -> asyncio.Transport:
        """The transport beneath."""
        return self._transport

    def transmit(self, head: bytes, body: bytes, timeouts: Timeouts) -> None:
        """Send a request; what the socket does not take at once goes out while the answer is awaited."""
        self._timeouts = timeouts
        self._unsent = 0
        if len(body) < _JOIN_BELOW:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
            self._unsent = self._transport.get_write_buffer_size()

    async def exchange(
        self, head: bytes, body: bytes, reader: ResponseReader, timeouts: Timeouts, *, reused: bool
    ) -> bytes:
        """Send a request, and read until the head of its reply is in; returns the start of the body.

        Raises `Stale` for a closed connection that was kept (`reused`).
        """
        heard, first = False, b""
        try:
            self.transmit(head, body, timeouts)
            while not reader.status:
                data = await self.receive(timeouts.after(time.monotonic()), "headers")
                heard = heard or bool(data)
                first = reader.take(data)
        except ProviderError as error:
            if reused and not heard and is_broken(error):
                raise Stale(error) from None
            raise
        return first

    async def read_rest(self, reader: ResponseReader, first: bytes, timeouts: Timeouts) -> None:
        """Have the reader keep the whole content of a reply, of which `first` came with the headers."""
        limits = body_limits(reader.status, timeouts, time.monotonic()) if reader.is_refused else timeouts
        if first or reader.is_encoded:
            reader.keep(first, limits.max_bytes)
        while not reader.finished:
            reader.keep(reader.take(await self.receive(limits.after(time.monotonic()), "read")), limits.max_bytes)

    async def receive(self, expires: float, phase: Phase) -> bytes:
        """The next bytes, `b""` when the server has closed. Ends by `expires` (a reading of `time.monotonic()`)."""
        if not self._arrived and not self._ended:
            waiter = self._begin_to_wait(expires, phase)
            try:
                await waiter
            finally:
                self._waiter = None
        if self._arrived:
            return self.receive_now()
        if self._failure is not None:
            reason = self._failure.strerror or type(self._failure).__name__
            raise broken(phase, self._host, reason) from self._failure
        return b""

    def receive_now(self) -> bytes:
        """What has arrived already, without waiting; `b""` when that is nothing."""
        arrived = self._arrived
        if not arrived:
            return b""
        data = arrived[0] if len(arrived) == 1 else b"".join(arrived)
        arrived.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return data

    def drop(self) -> None:
        """Close at once, from any thread, even when the event loop is closed. A forked child leaves it alone."""
        if self._process != os.getpid():
            return
        with suppress(RuntimeError):  # a closed loop
            if running_loop() is self._loop:
                self._quiet()
                self._transport.abort()
            else:
                self._loop.call_soon_threadsafe(self._transport.abort)

    async def closed(self) -> None:
        """Wait until a dropped connection is gone."""
        if not self._lost:
            self._gone_waiter = self._loop.create_future()
            await self._gone_waiter

    def data_received(self, data: bytes) -> None:
        """Part of the asyncio protocol."""
        self._arrived.append(data)
        if not self.busy:
            self._transport.abort()  # no one asked, so whose answer it is cannot be known
            return
        self._size += len(data)
        if self._size > _PAUSE_ABOVE and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def resume_writing(self) -> None:
        """Part of the asyncio protocol: nearly all of the request was taken, so that the wait for the answer begins."""
        self._note_taken(time.monotonic())

    def eof_received(self) -> bool:
        """Part of the asyncio protocol."""
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Part of the asyncio protocol."""
        self._ended = True
        if isinstance(error, OSError):
            # The event loop's frames hold what was sent, with its headers, and tracebacks with locals would show it.
            self._failure = error.with_traceback(None)
        self._lost = True
        self._quiet()
        self._wake()
        if self._gone_waiter is not None and not self._gone_waiter.done():
            self._gone_waiter.set_result(None)

    def _begin_to_wait(self, expires: float, phase: Phase) -> asyncio.Future[None]:
        """What is done when something has happened, or the time is up."""
        now = time.monotonic()
        if expires <= now:
            raise timed_out(phase, self._host)
        self._expires = expires
        self._phase = phase
        if self._alarm is None or expires < self._alarm_at - _SLACK:
            self._arm(expires, now)
        waiter = self._waiter = self._loop.create_future()
        return waiter

    def _arm(self, expires: float, now: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = expires
        # The loop may have a clock of its own.
        self._alarm = self._loop.call_later(expires - now, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        now = time.monotonic()
        phase, unsent = self._phase, self._unsent
        if phase == "headers" and unsent:
            self._note_taken(now)
            if self._unsent:
                phase = "send"
        if self._expires > now:
            self._arm(self._expires, now)
            return
        waiter.set_exception(timed_out(phase, self._host))

    def _note_taken(self, now: float) -> None:
        """Begin the silence anew when a part of the request was taken since the last look."""
        left = self._transport.get_write_buffer_size()
        if left < self._unsent and self._timeouts is not None:
            self._unsent = left
            self._expires = self._timeouts.after(now)

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _quiet(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
