"""The port: all that a call waits for, in a blocking and an async form.

The pipeline is written once, as coroutines that await nothing but a port. The blocking port does its work inside the
coroutine and never suspends, so `colours.drive` finishes a whole call with one `send(None)`: about a microsecond
dearer than hand-written twins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from ..colours import finish_async, finish_blocking
from ..data.http import Reply, Request, Timeouts
from ..events import Event, EventBus
from .later import Later, Work, later_async, later_blocking
from .transports import AsyncBody, AsyncTransport, BlockingBody, BlockingTransport
from .waiting import Clock, Signal, Stop, Stopped, stoppable, wait, wait_async

__all__ = ["AsyncPort", "BlockingPort", "Body", "Port"]

T = TypeVar("T")


class Body(Protocol):
    """The streamed body of a reply, as the pipeline sees it; `read` and `close` go through the port."""

    status: int
    headers: Any
    expires: float

    def close(self) -> None:
        """Free the connection: back to the pool when the body is read, closed otherwise. Never waits."""


class Port(Protocol):
    """What the pipeline may wait for."""

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """One exchange, with the whole reply."""

    async def open(self, request: Request, timeouts: Timeouts) -> Body:
        """Send, and wait for the headers of a streamed reply."""

    async def read(self, body: Any, stop: Stop | None = None) -> bytes:
        """The next bytes of a streamed reply; empty at its end. Raises `Stopped` when `stop` ends it."""

    async def sleep(self, seconds: float, stop: Stop | None = None) -> None:
        """Wait. Raises `Stopped` when `stop` ends it."""

    def signal(self) -> Signal:
        """What `wait_for` can wait for."""

    async def wait_for(self, signal: Signal, seconds: float, stop: Stop | None = None, *, timed: bool = True) -> None:
        """Wait until the signal is set, or for so many seconds. See `Signal.wait`; raises `Stopped` for `stop`."""

    def later(self, seconds: float, work: Work) -> Later:
        """Do something beside the call in so many seconds, unless that is cancelled before."""

    async def emit(self, bus: EventBus, event: Event) -> None:
        """Hand an event to its listeners."""

    async def finish(self, result: Any) -> Any:
        """Finish what a callback of the user returned, which may be a coroutine."""

    async def either(self, blocking: Callable[[], T], asynchronous: Callable[[], Awaitable[T]]) -> T:
        """Do what fits the caller, and return its result."""

    async def emit_now(self, bus: EventBus, event: Event) -> None:
        """The same where nothing can be awaited: async listeners of async callers run on as tasks."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wall_time(self) -> float:
        """Seconds since the epoch."""

    def random(self) -> float:
        """A random number in [0, 1)."""


class BlockingPort(Clock):
    """The port for blocking callers; `sleep` can be replaced."""

    def __init__(self, transport: BlockingTransport, *, sleep: Callable[[float], None] = wait) -> None:
        super().__init__()
        self.transport = transport
        self._sleep = sleep

    @staticmethod
    def signal() -> Signal:
        """See `Port.signal`."""
        return Signal()

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """See `Port.send`."""
        return self.transport.send(request, timeouts)

    async def open(self, request: Request, timeouts: Timeouts) -> BlockingBody:
        """See `Port.open`."""
        return self.transport.open(request, timeouts)

    async def read(self, body: BlockingBody, stop: Stop | None = None) -> bytes:
        """See `Port.read`."""
        return body.read()

    async def sleep(self, seconds: float, stop: Stop | None = None) -> None:
        """See `Port.sleep`."""
        if self._sleep is wait:
            wait(seconds, stop)
        else:
            self._sleep(seconds)
        if stop is not None and stop.is_set:
            raise Stopped

    async def wait_for(self, signal: Signal, seconds: float, stop: Stop | None = None, *, timed: bool = True) -> None:
        """See `Port.wait_for`."""
        signal.wait(seconds, stop, timed=timed)
        if stop is not None and stop.is_set:
            raise Stopped

    def later(self, seconds: float, work: Work) -> Later:
        """See `Port.later`."""
        return later_blocking(seconds, work)

    async def emit(self, bus: EventBus, event: Event) -> None:
        """See `Port.emit`."""
        bus.emit_blocking(event)

    emit_now = emit

    async def finish(self, result: Any) -> Any:
        """See `Port.finish`."""
        return await finish_blocking(result)

    async def either(self, blocking: Callable[[], T], asynchronous: Callable[[], Awaitable[T]]) -> T:
        """See `Port.either`."""
        return blocking()

    def close(self) -> None:
        """Close idle connections."""
        self.transport.close()


class AsyncPort(Clock):
    """The port for async callers; `sleep` can be replaced."""

    def __init__(
        self,
        transport: AsyncTransport,
        *,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = wait_async,
    ) -> None:
        super().__init__()
        self.transport = transport
        self._sleep = sleep

    @staticmethod
    def signal() -> Signal:
        """See `Port.signal`."""
        return Signal()

    def send(self, request: Request, timeouts: Timeouts) -> Coroutine[Any, Any, Reply]:
        """See `Port.send`."""
        return stoppable(self.transport.send(request, timeouts), timeouts.stop)

    def open(self, request: Request, timeouts: Timeouts) -> Coroutine[Any, Any, AsyncBody]:
        """See `Port.open`."""
        return stoppable(self.transport.open(request, timeouts), timeouts.stop)

    def read(self, body: AsyncBody, stop: Stop | None = None) -> Coroutine[Any, Any, bytes]:
        """See `Port.read`."""
        return stoppable(body.read(), stop)

    async def sleep(self, seconds: float, stop: Stop | None = None) -> None:
        """See `Port.sleep`."""
        await stoppable(self._sleep(seconds), stop)

    async def wait_for(self, signal: Signal, seconds: float, stop: Stop | None = None, *, timed: bool = True) -> None:
        """See `Port.wait_for`."""
        await stoppable(signal.wait_async(seconds, timed=timed), stop)

    def later(self, seconds: float, work: Work) -> Later:
        """See `Port.later`."""
        return later_async(seconds, work)

    async def emit(self, bus: EventBus, event: Event) -> None:
        """See `Port.emit`."""
        await bus.emit(event)

    async def emit_now(self, bus: EventBus, event: Event) -> None:
        """See `Port.emit_now`."""
        bus.emit_soon(event)

    async def finish(self, result: Any) -> Any:
        """See `Port.finish`."""
        return await finish_async(result)

    async def either(self, blocking: Callable[[], T], asynchronous: Callable[[], Awaitable[T]]) -> T:
        """See `Port.either`."""
        return await asynchronous()

    async def aclose(self) -> None:
        """Close idle connections."""
        await self.transport.aclose()
