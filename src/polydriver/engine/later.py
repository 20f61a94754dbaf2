"""Doing something beside a call, after a while: what one colour does in a thread, the other does in a task.

Blocking callers share one thread that looks at the clock. It begins with the first wait and ends when there has been
none for a while; what is due runs in a thread of its own.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from threading import Condition, RLock, Thread
from typing import Any, Protocol, TypeAlias

from ..colours import drive, start_thread
from ..forking import in_child

__all__ = ["Later", "Work", "later_async", "later_blocking", "rest"]

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""Makes the coroutine that is to run. It raises nothing but what ends a task."""

_IDLE_SECONDS = 1.0


class Later(Protocol):
    """Something that waits for its time."""

    def cancel(self) -> None:
        """It is not to begin any more; what has begun goes on."""


class _Alarm:
    """A wait of a blocking caller."""

    __slots__ = ("_act", "due", "number")

    def __init__(self, due: float, number: int, act: Callable[[], None]) -> None:
        self.due = due
        self.number = number
        self._act: Callable[[], None] | None = act

    def __lt__(self, other: _Alarm) -> bool:
        return (self.due, self.number) < (other.due, other.number)

    @property
    def is_off(self) -> bool:
        """Whether nothing is to be done any more."""
        return self._act is None

    def cancel(self) -> None:
        """See `Later.cancel`."""
        self._act = None

    def ring(self) -> None:
        """Do what was to be done, unless that was cancelled."""
        act, self._act = self._act, None
        if act is not None:
            act()


class _Alarms:
    """The thread that looks at the clock. Times are readings of `time.monotonic()`."""

    def __init__(self) -> None:
        self._forget()
        in_child(self, _Alarms._forget)

    def _forget(self) -> None:
        """Nothing waits yet, or, in a forked child, not here. The lock may be taken by a finalizer of its holder."""
        self._changed = Condition(RLock())
        self._waiting: list[_Alarm] = []
        self._count = 0
        self._thread: Thread | None = None
        self._is_resting = False

    def set(self, seconds: float, act: Callable[[], None]) -> _Alarm:
        """Have `act` called in so many seconds, by the thread of the alarms: it must not wait."""
        with self._changed:
            self._count += 1
            alarm = _Alarm(time.monotonic() + seconds, self._count, act)
            heapq.heappush(self._waiting, alarm)
            self._is_resting = False
            if self._thread is None:
                self._thread = Thread(target=self._run, name="polydriver-alarms", daemon=True)
                self._thread.start()
            elif self._waiting[0] is alarm:
                self._changed.notify()
        return alarm

    def rest(self) -> None:
        """Have the thread end now where nothing waits for its time."""
        with self._changed:
            thread = self._thread
            if thread is None or not all(alarm.is_off for alarm in self._waiting):
                return
            self._is_resting = True
            self._changed.notify()
        thread.join(_IDLE_SECONDS)  # it goes on where another wait begins meanwhile

    def _run(self) -> None:
        while (alarm := self._next()) is not None:
            alarm.ring()

    def _next(self) -> _Alarm | None:
        """Wait for the next alarm that is due; `None` when there has been none to wait for in a while."""
        waiting, idle_until = self._waiting, time.monotonic() + _IDLE_SECONDS
        with self._changed:
            while True:
                while waiting and waiting[0].is_off:
                    heapq.heappop(waiting)
                until = waiting[0].due if waiting else idle_until
                if (left := until - time.monotonic()) > 0.0 and (waiting or not self._is_resting):
                    self._changed.wait(left)
                elif waiting:
                    return heapq.heappop(waiting)
                else:
                    self._thread = None
                    return None


_alarms = _Alarms()
rest = _alarms.rest
_tasks: set[Any] = set()
"""The tasks that run: an event loop refers to them weakly."""


def later_blocking(seconds: float, work: Work) -> Later:
    """Run `work` in a thread in so many seconds, with the context variables of now."""
    context = copy_context()
    return _alarms.set(seconds, lambda: context.run(start_thread, lambda: drive(work())))


def later_async(seconds: float, work: Work) -> Later:
    """Run `work` as a task in so many seconds, with the context variables of now."""
    import asyncio

    def begin() -> None:
        task = asyncio.ensure_future(work())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    return asyncio.get_running_loop().call_later(seconds, begin)
