"""Transports for drivers that answer offline: a function makes the answer up, and it arrives as a real one would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ...data.http import Reply, Request, Simulated, Timeouts
from ...errors import ProviderError
from ..waiting import Stop, now, wait, wait_async
from .base import Phase, broken, closed_by_reader, timed_out, unreadable
from .refused import body_limits, cut_reply

__all__ = ["AsyncSimulatedTransport", "SimulatedTransport", "Simulate"]

Simulate = Callable[[Request], Simulated]
_HOST = "simulated"


class _Script:
    """An answer on its way: `next_delay` says how long to wait, `take` gives what then is there."""

    def __init__(self, answer: Simulated) -> None:
        self._answer = answer
        self._position = 0
        self.closed = False

    def next_delay(self) -> float:
        """Seconds until the next chunk or the end; infinite for a stall."""
        answer = self._answer
        if self._position < len(answer.chunks):
            delays = answer.delays
            if isinstance(delays, int | float):
                return delays
            return delays[self._position] if self._position < len(delays) else 0.0
        return float("inf") if answer.end == "stall" else 0.0

    def take(self) -> bytes:
        """The next chunk, or `b""` at the clean end. Raises what a broken connection would."""
        if self.closed:
            raise broken("read", _HOST, "closed by the reader")
        while self._position < len(self._answer.chunks):
            chunk = self._answer.chunks[self._position]
            self._position += 1
            if chunk:
                return chunk
        if self._answer.end == "cut":
            raise broken("read", _HOST, "closed before the end of the body")
        return b""


class SimulatedTransport:
    """For blocking callers. `simulate(request)` makes each answer; delays are slept, but never past a deadline."""

    def __init__(
        self, simulate: Simulate, *, sleep: Callable[[float], object] = wait, clock: Callable[[], float] = now
    ) -> None:
        self._simulate = simulate
        self._sleep = sleep
        self._clock = clock

    def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """The whole reply."""
        body = self.open(request, timeouts)
        limits = body_limits(body.status, timeouts, self._clock())
        whole = bytearray()
        try:
            while piece := body.read_as("read"):
                whole += _within(piece, whole, limits)
                body.expires = limits.after(self._clock())
        except ProviderError as error:
            return cut_reply(body, bytes(whole), error, timeouts)
        return Reply(status=body.status, headers=body.headers, body=bytes(whole))

    def open(self, request: Request, timeouts: Timeouts) -> SimulatedBody:
        """The reply once its headers are in."""
        answer = self._simulate(request)
        failure = _failure_at_once(answer)
        if failure is not None:
            raise failure
        if answer.end == "timeout":
            _pause(self._sleep, _remaining(timeouts.expires, self._clock), timeouts.stop)
            raise timed_out("headers", _HOST)
        return SimulatedBody(answer, timeouts.expires, self._sleep, self._clock, timeouts.stop)

    def close(self) -> None:
        """Nothing is open."""


class SimulatedBody:
    """The body of a made-up answer."""

    redialed = False

    def __init__(
        self,
        answer: Simulated,
        expires: float,
        sleep: Callable[[float], object],
        clock: Callable[[], float],
        stop: Stop | None = None,
    ) -> None:
        self._script = _Script(answer)
        self._sleep = sleep
        self._clock = clock
        self._stop = stop
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.expires = expires

    def read(self) -> bytes:
        """The next chunk."""
        return self.read_as("idle")

    def read_as(self, phase: Phase) -> bytes:
        """As `read`, with the phase that a timeout is to name."""
        if not self._script.closed and (delay := self._script.next_delay()):
            left = _remaining(self.expires, self._clock)
            _pause(self._sleep, min(delay, left), self._stop)
            if delay >= left:
                raise timed_out(phase, _HOST)
        return self._script.take()

    def close(self) -> None:
        """End the answer."""
        self._script.closed = True


class AsyncSimulatedTransport:
    """As `SimulatedTransport`, for async callers."""

    def __init__(
        self,
        simulate: Simulate,
        *,
        sleep: Callable[[float], Awaitable[object]] = wait_async,
        clock: Callable[[], float] = now,
    ) -> None:
        self._simulate = simulate
        self._sleep = sleep
        self._clock = clock

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """The whole reply."""
        body = await self.open(request, timeouts)
        limits = body_limits(body.status, timeouts, self._clock())
        whole = bytearray()
        try:
            while piece := await body.read_as("read"):
                whole += _within(piece, whole, limits)
                body.expires = limits.after(self._clock())
        except ProviderError as error:
            return cut_reply(body, bytes(whole), error, timeouts)
        return Reply(status=body.status, headers=body.headers, body=bytes(whole))

    async def open(self, request: Request, timeouts: Timeouts) -> AsyncSimulatedBody:
        """The reply once its headers are in."""
        answer = self._simulate(request)
        failure = _failure_at_once(answer)
        if failure is not None:
            raise failure
        if answer.end == "timeout":
            await self._sleep(_remaining(timeouts.expires, self._clock))
            raise timed_out("headers", _HOST)
        return AsyncSimulatedBody(answer, timeouts.expires, self._sleep, self._clock)

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""


class AsyncSimulatedBody:
    """The body of a made-up answer, for async callers."""

    redialed = False

    def __init__(
        self,
        answer: Simulated,
        expires: float,
        sleep: Callable[[float], Awaitable[object]],
        clock: Callable[[], float],
    ) -> None:
        self._script = _Script(answer)
        self._sleep = sleep
        self._clock = clock
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.expires = expires

    async def read(self) -> bytes:
        """The next chunk."""
        return await self.read_as("idle")

    async def read_as(self, phase: Phase) -> bytes:
        """As `read`, with the phase that a timeout is to name."""
        if not self._script.closed and (delay := self._script.next_delay()):
            left = _remaining(self.expires, self._clock)
            await self._sleep(min(delay, left))
            if delay >= left:
                raise timed_out(phase, _HOST)
        return self._script.take()

    def close(self) -> None:
        """End the answer."""
        self._script.closed = True

    async def aclose(self) -> None:
        """End the answer."""
        self.close()


def _remaining(expires: float, clock: Callable[[], float]) -> float:
    """Seconds until `expires` by the clock of the calls, for which waits that tests leave out have passed."""
    return max(0.0, expires - clock())


def _pause(sleep: Callable[[float], object], seconds: float, stop: Stop | None) -> None:
    """Wait, unless the call is stopped."""
    if sleep is wait:
        wait(seconds, stop)
    else:
        sleep(seconds)
    if stop is not None and stop.is_set:
        raise closed_by_reader(_HOST)


def _failure_at_once(answer: Simulated) -> ProviderError | None:
    return broken("connect", _HOST, "Connection refused") if answer.end == "refuse" else None


def _within(piece: bytes, whole: bytearray, timeouts: Timeouts) -> bytes:
    if len(whole) + len(piece) > timeouts.max_bytes:
        raise unreadable("it is larger than the limit")
    return piece
