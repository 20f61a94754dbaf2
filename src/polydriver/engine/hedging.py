"""Two requests for one attempt whose first content is late: the quicker answer is taken, the other request cancelled.

What is late, and how often, is decided by `policies.hedging`; here is the waiting. The order of things for a call:

1. An attempt is admitted and sent. Where its first content is late, the same request is sent beside it, once in a
   call. It passes every policy and gate, but waits in no line: it is not sent where one would have it wait, or
   refuses it.
2. The one that has content first (of a whole answer: all of it) is the answer; the connection of the other is closed.
3. One that fails leaves it to the other. When both have failed, the error of the last is the attempt's: then come its
   retries, and then the fallbacks. An error that trying again does not mend ends both.

The first request stays in the thread or task of the caller, and everything that ends an attempt happens there; the
second has a thread or task of its own. `first_content_timeout` counts from the first, for both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from threading import RLock
from typing import Generic, TypeVar

from ..colours import drive
from ..data.http import Request
from ..errors import AIError
from ..logger import logger
from .admission import admit
from .attempts import Attempt, failed
from .billing import estimate_unread
from .policies import Outcome
from .reading import StreamReader
from .waiting import Stop, Stopped

__all__ = ["make_hedged"]

_log = logger()

T = TypeVar("T")

_CLOSING_SECONDS = 0.1
"""Seconds that a cancelled request is waited for, which closes its connection meanwhile. One that is just being
connected may need longer, and is left to itself."""


async def make_hedged(
    first: Attempt, request: Request, work: Callable[[Request, Attempt], Awaitable[T]]
) -> tuple[Attempt, T]:
    """Do the `work` of an admitted attempt of a hedged call, with a second one beside it where it is late and may have
    one.

    Returns the attempt that answered, which is not settled yet; the other one is. Raises what the last of them raised.
    """
    call, target = first.call, first.target
    if call.is_hedged or call.queue == "batch" or first.prompt is None:
        return first, await work(request, first)
    delay = target.connection.hedging.late_after(first, target.port.now())
    again = None if delay is None or target.driver.leaves_state(first.prompt) else target.again(request)
    if delay is None or again is None:
        return first, await work(request, first)
    race = _Race(first, delay, lambda second: work(again, second))
    winner, result = await race.run(lambda: work(request, first))
    if call.stop is not None and winner.stop is not None:
        call.stop.watch(winner.stop)
    return winner, result


class _Race(Generic[T]):
    """An attempt, and one that may be made beside it.

    `is_over` says that nothing more is to be sent, `has_begun` that the second one is being admitted or is further. It
    is in `second` from when it is sent, `is_told` once that was told, and `has_ended` when there is nothing more to
    wait for.
    """

    __slots__ = (
        "__weakref__", "_answer", "_bell", "_call", "_delay", "_error", "_first", "_lock", "_port", "_work",
        "has_begun", "has_ended", "is_over", "is_told", "second", "winner",
    )  # fmt: skip

    def __init__(self, first: Attempt, delay: float, work: Callable[[Attempt], Awaitable[T]]) -> None:
        self._first = first
        self._delay = delay
        self._work = work
        self._call = first.call
        self._port = first.target.port
        self._lock = RLock()  # the call may be stopped by a finalizer of the thread that holds it
        self._bell = self._port.signal()
        self._answer: list[T] = []
        self._error: BaseException | None = None
        self.second: Attempt | None = None
        self.winner: Attempt | None = None
        self.is_over = self.has_begun = self.is_told = self.has_ended = False
        first.stop = Stop()

    def interrupt(self) -> None:
        """The call is stopped: so are both."""
        with self._lock:
            self.is_over = True
            second = self.second
        for attempt in (self._first, second):
            if attempt is not None and attempt.stop is not None:
                attempt.stop.set()

    async def run(self, work: Callable[[], Awaitable[T]]) -> tuple[Attempt, T]:
        """The attempt that answered first, and its answer. `work` is that of the first one."""
        later = self._port.later(self._delay, self._make_second)
        try:
            if self._call.stop is not None:
                self._call.stop.watch(self)
            return await self._decide(work)
        except BaseException as error:
            self._give_up(error)
            raise
        finally:
            later.cancel()

    async def _decide(self, work: Callable[[], Awaitable[T]]) -> tuple[Attempt, T]:
        first, emit = self._first, self._port.emit
        try:
            answer = await work()
        except Stopped:
            if self.winner is None:
                raise
            await first.settle(emit, _lost(first))
            return self._take_second()
        except AIError as error:
            first.ended = self._port.now()
            await first.settle(emit, failed(error))
            if error.retryable:
                await self._wait_for_second()
            if not self._claim(first):
                return self._take_second()
            await self._end_second()
            last, self._error = self._error, None
            if isinstance(last, AIError) and self.second is not None and (self.second.ended or 0.0) > first.ended:
                raise last from None
            raise
        if not self._claim(first):
            await first.settle(emit, _lost(first, answer))
            return self._take_second()
        try:
            await self._end_second()
        except BaseException:
            _lost(first, answer)
            raise
        return first, answer

    def _claim(self, attempt: Attempt) -> bool:
        """Whether this attempt is what counts: the one that asks first. The second one is too late when all is over."""
        with self._lock:
            if self.winner is None and (attempt is self._first or not self.is_over):
                self.winner = attempt
                self.is_over = True
            return self.winner is attempt

    def _take_second(self) -> tuple[Attempt, T]:
        assert self.second is not None
        return self.second, self._answer[0]

    async def _wait_for_second(self) -> None:
        """Until the second one, if it has begun, has ended: it keeps to the time limits of its own."""
        with self._lock:
            if not self.has_begun:
                self.is_over = True
        while self.has_begun and not self.has_ended:
            await self._port.wait_for(self._bell, inf, timed=False)

    async def _end_second(self) -> None:
        """Cancel the second one, which has lost, or settle it as what it came to by itself."""
        with self._lock:
            self.is_over = True
            second = self.second
        if second is None:
            return
        if second.stop is not None:
            second.stop.set()
        while not self.is_told:
            await self._port.wait_for(self._bell, inf, timed=False)
        until = self._port.now() + _CLOSING_SECONDS
        while not self.has_ended and (left := until - self._port.now()) > 0.0:
            await self._port.wait_for(self._bell, left, timed=False)
        await second.settle(self._port.emit, self._end_of(second))

    def _give_up(self, error: BaseException) -> None:
        """Nobody waits for an answer any more; nothing can be awaited."""
        with self._lock:
            self.is_over = True
            second = self.second
        if second is None:
            return
        if second.stop is not None:
            second.stop.set()
        outcome = self._end_of(second)
        if outcome.lost:
            outcome.lost, outcome.error = False, error
        drive(second.settle(self._port.emit_now, outcome, waits=False))

    def _end_of(self, second: Attempt) -> Outcome:
        """How the second attempt ended, whose answer is not taken."""
        error = self._error
        if self._answer:
            return _lost(second, self._answer[0])
        return failed(error) if isinstance(error, Exception) else _lost(second)

    async def _make_second(self) -> None:
        """The second attempt, from its admission to its first content, in a thread or a task of its own."""
        with self._lock:
            if self.is_over:
                return
            self.has_begun = True
        try:
            await self._send_second()
        finally:
            self.has_ended = self.is_told = True
            self._bell.set()

    async def _send_second(self) -> None:
        first, call, emit = self._first, self._call, self._port.emit
        second = Attempt(call, first.target, first.prompt, hedges=first)
        second.stop = Stop()
        try:
            await admit(second, waits=False)
        except Exception as error:  # noqa: BLE001 - it is not needed
            _log.debug("no second request is sent: %s", error)
            return
        with self._lock:
            if not self.is_over:
                self.second = second
        if self.second is None:  # in this very moment
            refused = Outcome(kind="refused", may_be_billed=False)
            drive(second.settle(self._port.emit_now, refused, waits=False))
            return
        call.is_hedged = True
        try:
            await call.hedged(emit, first.number, self._delay)
        finally:
            self.is_told = True
            self._bell.set()
        second.first_content_due = first.first_content_due
        try:
            answer = await self._work(second)
        except (Exception, Stopped) as error:  # noqa: BLE001 - raised by the caller's thread, if it is what counts
            self._error = error
        else:
            self._answer.append(answer)
            if self._claim(second) and first.stop is not None:
                first.stop.set()
        finally:
            second.ended = self._port.now()


def _lost(attempt: Attempt, answer: object = None) -> Outcome:
    """The end of an attempt whose answer is not taken: with what it used, estimated where the provider did not tell."""
    if isinstance(answer, StreamReader):
        attempt.partial = answer.drop()
    told = attempt.done or attempt.partial
    outcome = Outcome(kind="cancelled", lost=True)
    if told is not None and told.usage is not None:
        outcome.usage, outcome.cost, outcome.billing = told.usage, told.cost, told.billing
    elif attempt.prompt is not None:
        outcome.usage, outcome.cost = estimate_unread(attempt.target.driver, attempt.prompt)
    return outcome
