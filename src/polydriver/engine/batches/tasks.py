"""A batch for async callers: calls in tasks, fed by one task that reads the prompts."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ...colours import finish_async
from ...data.batches import BatchOutcome, BatchProgress
from ...data.responses import ParsedT
from .book import Book, put, tell
from .prompts import count_prompts

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Event, Task

__all__ = ["AsyncBatchStream", "gather_in_tasks"]

R = TypeVar("R")


class AsyncBatchStream(Generic[ParsedT]):
    """The outcomes of a batch for async callers: `async for`. Made by `AsyncProvider.stream_batch`.

    Prompts are read when there is room, all by one task, and never far ahead of who iterates. Left before its end
    (`async with`, `aclose`, dropped), it stops what runs.
    """

    _workers: _Tasks | None = None  # `__del__` comes for half-made streams, too

    def __init__(
        self,
        prompts: Iterable[Any] | AsyncIterable[Any],
        call: Callable[[Any], Awaitable[Any]],
        *,
        max_concurrency: int,
        ordered: bool = False,
        fails_fast: bool = False,
        on_progress: Callable[[BatchProgress], object] | None = None,
    ) -> None:
        """`call` sends one prompt; with `fails_fast` the first error ends the batch and is raised."""
        self._book = Book(max_concurrency, ordered=ordered, total=count_prompts(prompts))
        self._fails_fast = fails_fast
        self._on_progress = on_progress
        self._is_read = False
        self._workers = _Tasks(prompts, call, self._book, tells=on_progress is not None)
        self._over = False

    @property
    def progress(self) -> BatchProgress:
        """How far it has come."""
        return self._book.progress()

    @property
    def unfinished(self) -> list[int]:
        """The places of the prompts that were sent, and stopped before they had an answer."""
        return self._book.unfinished

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BatchOutcome[ParsedT]:
        """The next outcome. What the iterable of prompts raises is raised once all that was sent is handed out.

        Raises `RuntimeError` when another task is reading.
        """
        if self._is_read:
            raise RuntimeError("the batch is being read by another task: read it in one, and hand the outcomes on")
        self._is_read = True
        try:
            return await self._next()
        except BaseException as error:
            if not isinstance(error, StopAsyncIteration | _cancelled()):
                self.cancel()
            raise
        finally:
            self._is_read = False

    def cancel(self) -> None:
        """Stop at once: nothing more is sent, and what runs is cancelled. To be called in the event loop's thread.

        Iterating goes on with the outcomes that are there already, and then ends; `progress` and `unfinished` tell
        what was done.
        """
        if self._workers is not None and not self._over:
            self._workers.stop()

    async def aclose(self) -> None:
        """The same, for good: what runs is awaited until it has stopped, and further outcomes are dropped."""
        self.cancel()
        assert self._workers is not None
        await self._workers.rest()
        self._finish()
        self._book.ready.clear()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
        if error is not None:
            tell(error, self.progress)

    def __del__(self) -> None:
        workers = self._workers
        if workers is not None and not self._over:
            workers.drop()

    async def _next(self) -> BatchOutcome[ParsedT]:
        ready, workers = self._book.ready, self._workers
        assert workers is not None
        workers.start()
        while True:
            while workers.finished:
                await self._tell(*workers.finished.popleft())
            if ready:
                outcome = ready.popleft()
                workers.look_for_room()
                return outcome
            if self._over:
                failure, workers.failure = workers.failure, None
                raise StopAsyncIteration if failure is None else failure
            if workers.is_over:
                self._finish()
            elif self._fails_fast and workers.failure is not None:
                raise workers.failure
            else:
                await workers.wait()

    async def _tell(self, error: BaseException | None, progress: BatchProgress | None) -> None:
        if self._on_progress is not None and progress is not None:
            await finish_async(self._on_progress(progress))
        if error is not None and (self._fails_fast or not isinstance(error, Exception | _cancelled())):
            raise error

    def _finish(self) -> None:
        if not self._over:
            self._over = True
            self._book.end()


class _Tasks:
    """The task that reads prompts, and the tasks that send them. It knows nothing of who iterates."""

    def __init__(
        self,
        prompts: Iterable[Any] | AsyncIterable[Any],
        call: Callable[[Any], Awaitable[Any]],
        book: Book,
        *,
        tells: bool,
    ) -> None:
        self.finished: deque[tuple[BaseException | None, BatchProgress | None]] = deque()
        """Of each prompt that is finished, its error and the progress then, if that is wanted; until it is told."""
        self.failure: BaseException | None = None
        self._prompts = prompts
        self._call = call
        self._book = book
        self._tells = tells
        self._stopped = False
        self._feeder: Task[None] | None = None
        self._tasks: set[Task[None]] = set()
        self._loop: AbstractEventLoop | None = None
        self._news: Event
        self._room: Event

    def start(self) -> None:
        """Begin to read prompts, unless it has begun or was stopped."""
        if self._feeder is not None or self._stopped:
            return
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._feeder = self._loop.create_task(self._feed())

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done."""
        return not self.finished and not self._tasks and (self._feeder is None or self._feeder.done())

    def look_for_room(self) -> None:
        """Have the reader of prompts see whether there is room."""
        if self._feeder is not None:
            self._room.set()

    async def wait(self) -> None:
        """Wait until something is done, or all is over."""
        await self._news.wait()
        self._news.clear()

    def stop(self) -> None:
        """Cancel what runs."""
        self._stopped = True
        for task in [self._feeder, *self._tasks]:
            if task is not None:
                task.cancel()

    async def rest(self) -> None:
        """Wait until all has ended that was stopped."""
        import asyncio

        tasks = [task for task in [self._feeder, *self._tasks] if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    def drop(self) -> None:
        """Stop, from wherever the garbage collector comes by."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nothing runs there
                self._loop.call_soon_threadsafe(self.stop)

    async def _feed(self) -> None:
        try:
            await self._read()
        except BaseException as error:
            if not self._stopped:
                self.failure = error
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        finally:
            self._news.set()

    async def _read(self) -> None:
        """Read prompts and send them, as long as there is room."""
        prompts = self._prompts
        advance: Callable[[], Any]
        if isinstance(prompts, AsyncIterable):
            advance, waits = aiter(prompts).__anext__, True
        else:
            advance, waits = iter(prompts).__next__, False
        assert self._loop is not None
        while True:
            while not self._book.has_room:
                self._room.clear()
                await self._room.wait()
            try:
                prompt = await advance() if waits else advance()
            except (StopIteration, StopAsyncIteration):
                return
            task = self._loop.create_task(self._send(self._book.begin(prompt), prompt))
            self._tasks.add(task)
            task.add_done_callback(self._leave)

    async def _send(self, index: int, prompt: Any) -> None:
        response, error = None, None
        try:
            response = await self._call(prompt)
        except BaseException as failure:
            if self._stopped and isinstance(failure, _cancelled()):
                raise
            error = failure
        self._book.finish(index, response, error)
        self.finished.append((error, self._book.progress() if self._tells else None))
        self._room.set()

    def _leave(self, task: Task[None]) -> None:
        self._tasks.discard(task)
        self._news.set()


async def gather_in_tasks(
    prompts: Iterable[Any] | AsyncIterable[Any],
    call: Callable[[Any], Awaitable[R]],
    *,
    max_concurrency: int,
    return_exceptions: bool,
    on_progress: Callable[[BatchProgress], object] | None = None,
) -> list[R | BaseException]:
    """See `gather_in_threads`."""
    results: list[Any] = []
    stream: AsyncBatchStream[Any] = AsyncBatchStream(
        prompts, call, max_concurrency=max_concurrency, fails_fast=not return_exceptions, on_progress=on_progress
    )
    async with stream:
        async for outcome in stream:
            put(results, outcome)
        return results


def _cancelled() -> type[BaseException]:
    from asyncio import CancelledError  # slow to load, and blocking callers do without it

    return CancelledError
