"""Many calls side by side, in threads or in tasks, with the results in the order of the calls."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from ..data.messages import AIMessage
from ..errors import ConfigurationError
from .waiting import Stop, Stopped, current_stop

__all__ = ["check_prompts", "run_in_tasks", "run_in_threads"]

R = TypeVar("R")
_TURN = 0.5
_FAREWELL = 0.5


def check_prompts(prompts: object) -> None:
    """Raise `ConfigurationError` for what is not a list of prompts: one text would be sent letter by letter."""
    if isinstance(prompts, str | bytes | AIMessage | Mapping) or not isinstance(prompts, Iterable):
        raise ConfigurationError(f"send_batch() takes a list of messages, not {type(prompts).__name__}")


def run_in_threads(calls: Sequence[Callable[[], R]], limit: int, return_exceptions: bool) -> list[R | BaseException]:
    """Run blocking calls, at most `limit` at once.

    The first error is raised at once, and so is Ctrl-C: what runs is stopped, and what has not begun never begins.
    """
    _check(limit)
    crew = _Crew(calls, stops_at_error=not return_exceptions)
    try:
        crew.start(min(limit, len(calls)))
        return crew.results()
    except BaseException:
        crew.stop()
        raise


class _Crew(Generic[R]):
    """Threads that make calls, one after the other; each call can be stopped."""

    def __init__(self, calls: Sequence[Callable[[], R]], *, stops_at_error: bool) -> None:
        self._stops_at_error = stops_at_error
        self._count = len(calls)
        self._waiting = deque(enumerate(calls))
        self._running: dict[int, Stop] = {}
        self._done: queue.SimpleQueue[tuple[int, R | None, BaseException | None]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def start(self, size: int) -> None:
        """Start the threads. They are daemons: an exit waits for none of them."""
        for number in range(size):
            context = copy_context()
            thread = threading.Thread(
                target=context.run, args=(self._work,), name=f"polydriver-batch-{number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def results(self) -> list[R | BaseException]:
        """What the calls returned, in their order. Raises the first error, unless errors are wanted as results."""
        results: list[Any] = [None] * self._count
        left = self._count
        while left:
            try:
                index, value, error = self._done.get(
                    timeout=_TURN
                )  # without an end it cannot be interrupted on Windows
            except queue.Empty:
                continue
            if error is not None and self._stops_at_error:
                raise error
            results[index] = value if error is None else error
            left -= 1
        return results

    def stop(self) -> None:
        """Stop what runs. Most ends within milliseconds; what does not is left behind."""
        self._stopped = True
        self._waiting.clear()
        for stop in list(self._running.values()):
            stop.set()
        limit = time.monotonic() + _FAREWELL
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, limit - time.monotonic()))

    def _work(self) -> None:
        while True:
            try:
                index, call = self._waiting.popleft()
            except IndexError:
                return
            stop = self._running[index] = Stop()
            if self._stopped:
                return
            current_stop.set(stop)
            value, error = None, None
            try:
                value = call()
            except Stopped:
                return
            except BaseException as failure:  # noqa: BLE001 - carried to the caller's thread
                error = failure
                if self._stops_at_error:
                    self._waiting.clear()
            del self._running[index]
            self._done.put((index, value, error))


async def run_in_tasks(
    calls: Sequence[Callable[[], Awaitable[R]]], limit: int, return_exceptions: bool
) -> list[R | BaseException]:
    """Await calls, at most `limit` at once. The first error is raised, and the rest is cancelled."""
    import asyncio

    _check(limit)
    gate = asyncio.Semaphore(limit)

    async def run(call: Callable[[], Awaitable[R]]) -> R:
        async with gate:
            return await call()

    tasks = [asyncio.ensure_future(run(call)) for call in calls]
    try:
        return list(await asyncio.gather(*tasks, return_exceptions=return_exceptions))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _check(limit: object) -> None:
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise ConfigurationError(f"max_concurrency must be a whole number of at least 1, not {limit!r}")
