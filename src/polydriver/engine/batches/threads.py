"""A batch for blocking callers: calls in threads, read and fed by the thread that iterates."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ...colours import drive, finish_blocking
from ...data.batches import BatchOutcome, BatchProgress
from ...data.responses import ParsedT
from ..waiting import SoleUser, Stop, Stopped, current_stop
from .book import Book, put, tell
from .prompts import count_prompts

__all__ = ["BatchStream", "gather_in_threads"]

R = TypeVar("R")
_TURN = 0.5
_STOPPING_SECONDS = 0.5


class BatchStream(Generic[ParsedT]):
    """The outcomes of a batch for blocking callers: iterate over it. Made by `Provider.stream_batch`.

    Prompts are read when there is room, by the thread that iterates, and never far ahead of it. Left before its end
    (`with`, `close`, dropped), it stops what runs.
    """

    _workers: _Threads | None = None  # `__del__` comes for half-made streams, too

    def __init__(
        self,
        prompts: Iterable[Any],
        call: Callable[[Any], Any],
        *,
        max_concurrency: int,
        ordered: bool = False,
        fails_fast: bool = False,
        on_progress: Callable[[BatchProgress], object] | None = None,
    ) -> None:
        """`call` sends one prompt; with `fails_fast` the first error ends the batch and is raised."""
        self._book = Book(max_concurrency, ordered=ordered, total=count_prompts(prompts))
        self._prompts = iter(prompts)
        self._fails_fast = fails_fast
        self._on_progress = on_progress
        self._user = SoleUser()
        self._workers = _Threads(call)
        self._exhausted = self._over = False
        self._failure: BaseException | None = None

    @property
    def progress(self) -> BatchProgress:
        """How far it has come."""
        return self._book.progress()

    @property
    def unfinished(self) -> list[int]:
        """The places of the prompts that were sent, and stopped before they had an answer."""
        return self._book.unfinished

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BatchOutcome[ParsedT]:
        """The next outcome. What the iterable of prompts raises is raised once all that was sent is handed out.

        Raises `RuntimeError` when another thread is reading.
        """
        if not self._user.enter():
            raise RuntimeError("the batch is being read by another thread: read it in one, and hand the outcomes on")
        try:
            return self._next()
        except StopIteration:
            raise
        except BaseException:
            self.cancel()
            raise
        finally:
            self._user.leave()

    def cancel(self) -> None:
        """Stop at once: nothing more is sent, and what runs is stopped. May be called from any thread.

        Iterating goes on with the outcomes that are there already, and then ends; `progress` and `unfinished` tell
        what was done.
        """
        workers = self._workers
        if workers is not None and not self._over:
            workers.stop()

    def close(self) -> None:
        """The same, for good: further outcomes are dropped."""
        self.cancel()
        assert self._workers is not None
        while not self._workers.done.empty():
            if (found := self._workers.done.get()) is not None:
                self._book.finish(*found)
        self._finish()
        self._book.ready.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is not None:
            tell(error, self.progress)

    def __del__(self) -> None:
        workers = self._workers
        if workers is not None and not self._over:
            workers.stop(seconds=0.0)

    def _next(self) -> BatchOutcome[ParsedT]:
        ready = self._book.ready
        while True:
            self._collect()
            self._feed()
            if ready:
                return ready.popleft()
            if self._over or not self._book.running:
                self._finish()
                if not ready:
                    failure, self._failure = self._failure, None
                    raise StopIteration if failure is None else failure
            else:
                self._wait()

    def _feed(self) -> None:
        """Read prompts and send them, as long as there is room."""
        assert self._workers is not None
        while not (self._exhausted or self._workers.stopped) and self._book.has_room:
            try:
                prompt = next(self._prompts)
            except StopIteration:
                self._exhausted = True
            except Exception as error:
                self._exhausted = True
                if self._fails_fast:
                    raise
                self._failure = error
            else:
                self._workers.begin(self._book.begin(prompt), prompt)

    def _wait(self) -> None:
        """Wait until something is finished. Without an end the wait could not be interrupted on Windows."""
        assert self._workers is not None
        try:
            self._take(self._workers.done.get(timeout=_TURN))
        except queue.Empty:
            return

    def _collect(self) -> None:
        """Take all that is finished."""
        assert self._workers is not None
        while not self._workers.done.empty():
            self._take(self._workers.done.get())

    def _take(self, found: _Done | None) -> None:
        if found is None:
            self._finish()
            return
        self._book.finish(*found)
        error = found[2]
        if self._on_progress is not None:
            drive(finish_blocking(self._on_progress(self._book.progress())))
        if error is not None and (self._fails_fast or not isinstance(error, Exception)):
            raise error

    def _finish(self) -> None:
        if not self._over:
            self._over = True
            assert self._workers is not None
            self._workers.dismiss()
            self._book.end()


_Done = tuple[int, Any, BaseException | None]


class _Threads:
    """Threads that make calls, one after the other; each call can be stopped. It knows nothing of who reads `done`."""

    def __init__(self, call: Callable[[Any], Any]) -> None:
        self.done: queue.SimpleQueue[_Done | None] = queue.SimpleQueue()
        """Outcomes as they come; `None` when the threads were stopped."""
        self.stopped = False
        self._call = call
        self._waiting: queue.SimpleQueue[tuple[int, Any, Context] | None] = queue.SimpleQueue()
        self._running: dict[int, Stop] = {}
        self._threads: list[threading.Thread] = []

    def begin(self, index: int, prompt: Any) -> None:
        """Have one of the threads make a call. They are daemons: an exit waits for none of them."""
        self._running[index] = Stop()
        self._waiting.put((index, prompt, copy_context()))
        if len(self._running) > len(self._threads):
            name = f"polydriver-batch-{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, seconds: float = _STOPPING_SECONDS) -> None:
        """Stop what runs. Most ends within milliseconds; what does not is left behind."""
        self.stopped = True
        self.dismiss()
        for stop in list(self._running.values()):
            stop.set()
        limit = time.monotonic() + seconds
        for thread in list(self._threads):
            if thread is not threading.current_thread() and thread.ident is not None:
                thread.join(max(0.0, limit - time.monotonic()))
        self.done.put(None)

    def dismiss(self) -> None:
        """Let the threads end once they have nothing to do."""
        for _ in list(self._threads):
            self._waiting.put(None)

    def _work(self) -> None:
        while (found := self._waiting.get()) is not None:
            index, prompt, context = found
            if self.stopped:
                return
            value, error = None, None
            try:
                value = context.run(self._make, self._running[index], prompt)
            except Stopped:
                return
            except BaseException as failure:  # noqa: BLE001 - carried to the caller's thread
                error = failure
            del self._running[index]
            self.done.put((index, value, error))
            del found, prompt, context, value, error  # they are not kept while it waits

    def _make(self, stop: Stop, prompt: Any) -> Any:
        current_stop.set(stop)
        return self._call(prompt)


def gather_in_threads(
    prompts: Iterable[Any],
    call: Callable[[Any], R],
    *,
    max_concurrency: int,
    return_exceptions: bool,
    on_progress: Callable[[BatchProgress], object] | None = None,
) -> list[R | BaseException]:
    """What `call` returns for each of `prompts`, in their order; at most so many at once.

    The first error is raised at once, and so is Ctrl-C: what runs is stopped, and what has not begun never begins. A
    note on the error says what was done. With `return_exceptions` errors stand in their prompts' places instead.
    """
    results: list[Any] = []
    stream: BatchStream[Any] = BatchStream(
        prompts, call, max_concurrency=max_concurrency, fails_fast=not return_exceptions, on_progress=on_progress
    )
    with stream:
        for outcome in stream:
            put(results, outcome)
        return results
