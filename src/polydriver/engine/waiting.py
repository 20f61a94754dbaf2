"""Waiting on purpose (between attempts, in simulated answers), in one place, so that tests can do without; and being
told from another thread to wait no longer."""

from __future__ import annotations

import queue
import random
import sys
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import inf
from threading import get_ident
from typing import Any, TypeVar

import msgspec

from ..data.http import Interruptible

__all__ = [
    "LOOK_AGAIN",
    "Clock",
    "Signal",
    "SoleUser",
    "Stop",
    "Stopped",
    "clock",
    "current_stop",
    "is_simulated",
    "is_skipping",
    "no_waiting",
    "now",
    "running_loop",
    "stoppable",
    "wait",
    "wait_async",
]

T = TypeVar("T")

LOOK_AGAIN = 1.0
"""Seconds after which who waits for others looks again: Ctrl-C may have ended one of them that told nobody."""

_skipped: list[list[float]] = []
_clocks: list[Callable[[], float]] = []
_passed = [0.0]
"""Seconds of waits that were left out, while a test wants that."""


def running_loop() -> Any:
    """The event loop of this thread, or `None`. Blocking callers load no asyncio for it."""
    asyncio = sys.modules.get("asyncio")
    try:
        return None if asyncio is None else asyncio.get_running_loop()
    except RuntimeError:
        return None


class SoleUser:
    """The one thread that uses something right now. Not a lock, so that neither Ctrl-C nor a fork leaves it held for
    those who could go on: the same thread may always enter."""

    __slots__ = ("_thread",)

    def __init__(self) -> None:
        self._thread: dict[None, int] = {}

    def enter(self) -> bool:
        """Become the user; false when another thread is."""
        me = get_ident()
        return self._thread.setdefault(None, me) == me

    def leave(self) -> None:
        """Be it no longer."""
        self._thread.clear()


class Stopped(BaseException):
    """A call was stopped by who did not make it: what `CancelledError` is to an async one. It never reaches a
    caller: who stopped the call knows, and who waited for it gets an error of ours."""


class Stop(msgspec.Struct, weakref=True, eq=False):
    """Stops a call from another thread or task. A call waits for one thing at a time, which it names with `watch`.

    One can be what another watches: then it stops with that.
    """

    is_set: bool = False
    _waiting: Any = None
    """A weak reference to what it waits for."""

    def set(self) -> None:
        """Stop the call, now and in what it would wait for next."""
        self.is_set = True
        waiting: Interruptible | None = self._waiting() if self._waiting is not None else None
        if waiting is not None:
            waiting.interrupt()

    interrupt = set

    def watch(self, waiting: Interruptible) -> None:
        """From now on this is what the call waits for."""
        self._waiting = weakref.ref(waiting)
        if self.is_set:
            waiting.interrupt()


class Signal:
    """Tells who waits that something has happened. Set by any thread, and by finalizers; waited for by one."""

    __slots__ = ("_bell", "is_set")

    def __init__(self) -> None:
        self.is_set = False
        self._bell: Callable[[], object] | None = None

    def set(self) -> None:
        """Wake who waits."""
        self.is_set = True
        if self._bell is not None:
            self._bell()

    def wait(self, seconds: float, stop: Stop | None = None, *, timed: bool = True) -> None:
        """Wait until it is set, or for so long, or until `stop`; afterwards it can be waited for again.

        `timed`: whether the time is what is waited for, so that the wait is left out in tests.
        """
        pause = _Pause()
        self._bell = pause.interrupt
        if not self.is_set and not (timed and _is_skipped(seconds)):
            if stop is not None:
                stop.watch(pause)
            pause.sleep(seconds)
        self._bell, self.is_set = None, False

    async def wait_async(self, seconds: float, *, timed: bool = True) -> None:
        """The same for a task."""
        import asyncio

        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        thread = get_ident()

        def wake() -> None:
            if get_ident() == thread:
                _finish(woken)
            else:
                with suppress(RuntimeError):  # the loop is closed: nobody waits there
                    loop.call_soon_threadsafe(_finish, woken)

        self._bell = wake
        try:
            if self.is_set or (timed and _is_skipped(seconds)):
                await asyncio.sleep(0)
            elif seconds == inf:
                await woken
            else:
                timer = loop.call_later(seconds, _finish, woken)
                try:
                    await woken
                finally:
                    timer.cancel()
        finally:
            self._bell, self.is_set = None, False


class _TaskBell:
    """Interrupts what a task waits for, from any thread, as the end of a timeout would."""

    __slots__ = ("__weakref__", "_before", "_task", "has_rung", "is_over")

    def __init__(self) -> None:
        import asyncio

        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before = task.cancelling()
        self.has_rung = self.is_over = False

    def interrupt(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits there
            self._task.get_loop().call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        if not self.is_over and not self.has_rung:
            self.has_rung = True
            self._task.cancel()

    def take_back(self) -> bool:
        """Take back that the task was cancelled. Returns whether nobody else has cancelled it."""
        return self._task.uncancel() <= self._before


async def stoppable(work: Awaitable[T], stop: Stop | None) -> T:
    """Await `work` until `stop`, which raises `Stopped`."""
    if stop is None:
        return await work
    bell = _TaskBell()
    stop.watch(bell)
    try:
        result = await work
    except BaseException as error:
        import asyncio

        if bell.has_rung and bell.take_back() and isinstance(error, asyncio.CancelledError):
            raise Stopped from None
        raise
    else:
        if bell.has_rung:
            bell.take_back()
        return result
    finally:
        bell.is_over = True


def _finish(woken: Any) -> None:
    if not woken.done():
        woken.set_result(None)


current_stop: ContextVar[Stop | None] = ContextVar("current_stop", default=None)
"""What stops the calls that are made in this context."""


class _Pause:
    """A sleep that can be interrupted."""

    def __init__(self) -> None:
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def interrupt(self) -> None:
        self._bell.put(None)

    def sleep(self, seconds: float) -> None:
        with suppress(queue.Empty):
            self._bell.get(timeout=min(seconds, 10.0**7))


def wait(seconds: float, stop: Stop | None = None) -> None:
    """Sleep, for blocking callers; until `stop` at most."""
    if _is_skipped(seconds):
        return
    if stop is None:
        time.sleep(seconds)
    elif seconds > 0.0:
        pause = _Pause()
        stop.watch(pause)
        pause.sleep(seconds)


async def wait_async(seconds: float) -> None:
    """Sleep, for async callers. When waiting is off it still lets other tasks run."""
    import asyncio  # blocking callers do not need it, and it is slow to load

    await asyncio.sleep(0 if _is_skipped(seconds) else seconds)


@contextmanager
def no_waiting() -> Iterator[list[float]]:
    """For tests: inside, no call of this process waits, and its clock goes on by what was left out.

    Gives the list of the waits (seconds) that were left out.
    """
    waits: list[float] = []
    _skipped.append(waits)
    _set_clocks()
    try:
        yield waits
    finally:
        _skipped.remove(waits)
        if not _skipped:
            _passed[0] = 0.0
        _set_clocks()


@contextmanager
def clock(read: Callable[[], float]) -> Iterator[None]:
    """For tests: inside, `read` tells the time of the engine, in seconds."""
    _clocks.append(read)
    _set_clocks()
    try:
        yield
    finally:
        _clocks.remove(read)
        _set_clocks()


def is_simulated() -> bool:
    """Whether the clock is one of a test, so that waits cost nothing."""
    return bool(_clocks)


def is_skipping() -> bool:
    """Whether waits are left out, since a test wants that."""
    return bool(_skipped)


def now() -> float:
    """Monotonic seconds, as the engine sees them: waits that were left out count as if they had passed."""
    return _clocks[-1]() if _clocks else time.monotonic() + _passed[0]


class Clock:
    """Time and chance as the engine sees them.

    `now` reads monotonic seconds, `wall_time` seconds since the epoch, `random` is a number in [0, 1). They are the
    system's own functions; while a test leaves out waits or tells the time, `now` is the function of this module.
    """

    now: Callable[[], float]
    wall_time: Callable[[], float]
    random: Callable[[], float]

    def __init__(self) -> None:
        self.wall_time = time.time
        self.random = random.random
        _living[id(self)] = self
        self._set_now()

    def _set_now(self) -> None:
        self.now = now if _clocks or _skipped else time.monotonic


_living: weakref.WeakValueDictionary[int, Clock] = weakref.WeakValueDictionary()


def _set_clocks() -> None:
    """Have all clocks read the time that counts now."""
    for reference in _living.valuerefs():
        living = reference()
        if living is not None:
            living._set_now()


def _is_skipped(seconds: float) -> bool:
    for waits in _skipped:
        waits.append(seconds)
    if _skipped:
        _passed[0] += seconds
    return bool(_skipped)
