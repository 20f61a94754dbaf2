"""One thread that writes rows for everyone: what many callers hand in is committed together.

A caller that would only wait writes for itself, with all that was handed in before, while that thread has nothing at
hand: one writes at a time.

A row is handed in by any thread, at any moment (also from a finalizer: nothing here waits for a lock), and is written
in the order of its statement, so that what refers to a row comes after it. A caller that needs to know waits for its
row, in a thread or in an event loop; a group commit then serves all who wait.

When the database fails in a way that may pass (gone, locked, full, read-only), rows are kept, up to `capacity`, and
tried again; who waits is told. A row that the database refuses for itself is logged and left out, alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from ..errors import AIError, StorageError
from ..logger import logger
from .database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Row", "Statement", "Work", "Writer"]

T = TypeVar("T")

_log = logger()
_GROUP = 1000
_LEAST_PAUSE, _FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.1, 5.0


class Statement(NamedTuple):
    """A statement with places for values, written as `?`; statements run in ascending `order` within a group."""

    order: int
    sql: str

    def text(self, kind: str) -> str:
        """The statement as the database's driver takes it."""
        return self.sql if kind == "sqlite" else self.sql.replace("?", "%s")


class Row:
    """The values of one statement, and who waits for it.

    `make` gives the values when the row is written; what is known later can be put in by `complete` until then.
    """

    __slots__ = ("_lock", "_taken", "_values", "make", "statement", "waiter")

    def __init__(self, statement: Statement, make: Callable[[], tuple[Any, ...]]) -> None:
        self.statement = statement
        self.make = make
        self.waiter: _Waiter | None = None
        self._values: tuple[Any, ...] | None = None
        self._taken = False
        self._lock = threading.RLock()  # a finalizer may complete it anywhere; Ctrl-C leaves no `with` without its exit

    def complete(self, make: Callable[[], tuple[Any, ...]]) -> bool:
        """Give other values, unless the row is being written. Waits for a step of another thread at most."""
        with self._lock:
            if not self._taken:
                self.make = make
            return not self._taken

    def take(self) -> tuple[Any, ...]:
        """The values, which stay the same from now on."""
        with self._lock:
            self._taken = True
        if self._values is None:
            self._values = self.make()
        return self._values


class Work(Generic[T]):
    """Something to do within the writer's transaction, for what takes more than a statement. Its result is `result`.

    `act` is done again when the transaction fails: what it inserts has ids that were made before. What it raises,
    other than an error of the database, is raised to who waits, and undoes this work alone.

    `key` says what it changes that other processes change, too: the works of a transaction run in ascending order of
    it, so that two processes never wait for each other.
    """

    __slots__ = ("act", "error", "key", "result", "waiter")

    result: T

    def __init__(self, act: Callable[[Connection], T], key: str = "") -> None:
        self.act = act
        self.key = key
        self.waiter: _Waiter | None = None
        self.error: Exception | None = None

    def run(self, connection: Connection, errors: tuple[type[Exception], ...], *, alone: bool) -> None:
        """Do it; raises `errors`, those of the database, and `_UndoneError` for others of a work that is `alone`."""
        self.error = None
        if not alone:
            connection.exec_driver_sql("SAVEPOINT work")
        try:
            self.result = self.act(connection)
        except errors:
            raise
        except Exception as error:  # noqa: BLE001 - for who waits
            self.error = error
            if alone:
                raise _UndoneError from None
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT work")
        if not alone:
            connection.exec_driver_sql("RELEASE SAVEPOINT work")


class _UndoneError(Exception):
    """The transaction of one work is to be rolled back: who waits is told why."""


class _Waiter:
    """Somebody who waits for a row to be written: a thread, or a task of a loop."""

    __slots__ = ("future", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop
        self.future: Any = Future() if loop is None else loop.create_future()


Job: TypeAlias = Row | Work[Any]


class Writer:
    """Writes rows to a database from a thread of its own, which begins with the first row.

    - `window`: seconds for which rows may be gathered while nobody waits for one. With `window=0.1` a killed process
      loses the rows of its last tenth of a second, as far as nobody waited for them.
    - `capacity`: how many rows are kept while the database fails.
    - `is_ending`: whether the process is about to be terminated: what is begun now may not be written.
    - `recovered`: told, when the database works again, since when it did not (seconds since the epoch).
    - `prepare`: done once, before the first row is written; may raise `StorageError`.
    """

    def __init__(self, database: Database, *, window: float = 0.1, capacity: int = 100_000) -> None:
        self.database = database
        self.window = window
        self.capacity = capacity
        self.failure: StorageError | None = None
        self.lost = 0
        self.is_ending = False
        self.recovered: list[Callable[[float], None]] = []
        self._failed_at = 0.0
        self.prepare: Callable[[], None] | None = None
        self._chores: list[tuple[float, Callable[[], None]]] = []
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._queue: deque[Job | _Waiter | None] = deque()  # whose end is a `None`
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._rests: Literal["until any row", "until somebody waits"] | None = None
        self._kept: list[Job] = []
        self._is_busy = False  # whether rows were taken from the queue and are not written yet
        self._is_urgent = False  # whether somebody waits for what is in the queue; set after it is there
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._turn = threading.Lock()  # whose it is takes from the queue, and writes what was taken

    def every(self, seconds: float, chore: Callable[[], None]) -> None:
        """Do something from time to time in the writer's thread, as long as it runs."""
        self._chores.append((seconds, chore))

    def put(self, row: Job) -> None:
        """Hand in a row. Never waits. Raises `StorageError` when the database fails and no more rows can be kept."""
        self._wake()
        if len(self._kept) + len(self._queue) >= self.capacity:
            self.lost += 1
            cause = self.failure.message if self.failure else "it is too slow"
            raise StorageError(f"{self.capacity} rows wait for the database already: {cause}")
        self._queue.append(row)
        rests = self._rests  # the thread is not woken for each row: it looks for itself when its window is over
        is_urgent = row.waiter is not None or len(self._queue) >= _GROUP
        self._is_urgent = self._is_urgent or is_urgent
        if rests is not None and (is_urgent or rests == "until any row"):
            self._bell.put(None)

    def wait_blocking(self, row: Job, seconds: float) -> None:
        """Hand in a row and wait until it is on the disk. Raises `StorageError` after that time; the row is kept."""
        until = time.monotonic() + seconds
        waiter = self._write_here(row)
        if waiter is not None:
            try:
                waiter.future.result(max(0.0, until - time.monotonic()))
            except TimeoutError:
                raise self._late(seconds) from None

    def _write_here(self, job: Job) -> _Waiter | None:
        """Write a job and what was handed in before it in this thread, where that is free to do so.

        Otherwise, and where it fails, the job is in the queue of the writer's thread: returns who is told then. What
        was written is taken from the queue afterwards, so that Ctrl-C in between loses nothing: it is written again,
        which changes nothing.
        """
        self._wake()
        if not self._turn.locked() and len(self._queue) < _GROUP:
            with self._turn:
                if self._waiting_jobs() is not None:
                    return self._write_all(job)
        waiter = job.waiter = _Waiter(None)
        self.put(job)
        return waiter

    def _write_all(self, last: Job) -> _Waiter | None:
        """Write what is in the queue and a last job; where that fails, the writer's thread finds out for itself.

        What is in the queue is looked at once that job is: others hand in more at any moment, before it too.
        """
        try:
            self._queue.append(last)
            jobs = self._waiting_jobs(last)
            if jobs is None:
                raise StorageError("something before it is for the writer's thread alone", retryable=False)
            self._commit(jobs)
            _tell([job.waiter for job in jobs], None)
        except BaseException as error:
            last.waiter = waiter = _Waiter(None)
            self._is_urgent = True
            self._bell.put(None)
            if not isinstance(error, Exception):
                raise
            if isinstance(error, StorageError) and error.retryable:
                self._note(error)  # those who are told when the database works again are, though it may by now
            return waiter
        for _ in jobs:
            self._queue.popleft()
        return None

    def _note(self, failure: StorageError) -> None:
        if self.failure is None:
            self._failed_at = time.time()
            _log.warning("%s; rows are kept for later", failure.message)
        self.failure = failure

    def _waiting_jobs(self, last: Job | None = None) -> list[Job] | None:
        """What is in the queue, up to a `last` job; `None` where it is for the writer's thread alone."""
        if self.failure is not None or self._kept or self.prepare is not None:
            return None
        items: list[Job | _Waiter | None] = []
        for place in range(len(self._queue)):
            items.append(self._queue[place])
            if items[-1] is last and last is not None:
                break
        jobs = [item for item in items if isinstance(item, Row | Work)]
        return jobs if len(jobs) == len(items) else None

    async def wait_async(self, row: Job, seconds: float) -> None:
        """The same for a task."""
        loop = asyncio.get_running_loop()
        waiter = row.waiter = _Waiter(loop)
        self.put(row)
        timer = loop.call_later(seconds, _give_up, waiter.future)
        try:
            await waiter.future
        except TimeoutError:
            raise self._late(seconds) from None
        finally:
            timer.cancel()

    def do_blocking(self, work: Work[T], seconds: float) -> T:
        """Do some work and wait for its result. Raises what it raises, and `StorageError` after that time."""
        self.wait_blocking(work, seconds)
        if work.error is not None:
            raise work.error
        return work.result

    async def do_async(self, work: Work[T], seconds: float) -> T:
        """The same for a task."""
        await self.wait_async(work, seconds)
        if work.error is not None:
            raise work.error
        return work.result

    def flush(self, seconds: float) -> bool:
        """Wait until all that was handed in is written. Returns whether it is."""
        if self._process != os.getpid() or self._thread is None or self._is_idle():
            return True
        waiter = _Waiter(None)
        self._call(waiter)
        try:
            waiter.future.result(seconds)
        except (TimeoutError, StorageError):
            return False
        return True

    def _is_idle(self) -> bool:
        """Whether all that was handed in is written. The queue is looked at first: what is taken from it is known to be
        under way before."""
        return not self._queue and not self._is_busy and not self._kept

    def close(self, seconds: float = 5.0) -> bool:
        """Write what is left and end the thread. Returns whether all was written in that time."""
        thread = self._thread
        if self._process != os.getpid() or thread is None:
            return True
        written = self.flush(seconds)
        self._call(None)
        thread.join(seconds)
        self._thread = None
        return written

    def _call(self, item: _Waiter | None) -> None:
        self._queue.append(item)
        self._is_urgent = True
        self._bell.put(None)

    def _late(self, seconds: float) -> StorageError:
        if self.failure is not None:
            return StorageError(self.failure.message, retryable=True)
        return StorageError(f"the database did not write within {seconds:g} s", retryable=True)

    def _wake(self) -> None:
        if self._process != os.getpid():
            self._begin()  # a forked child: what waits there is its parent's
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="polydriver-writer", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        due = [time.monotonic() + seconds for seconds, _ in self._chores]
        pause = 0.0
        is_over = False
        while not is_over:
            self._wait_for_rows(pause, min(due, default=None))
            with self._turn:
                rows, flushes, is_over = self._take()
                pause = self._write_group(rows, flushes, pause)
                if not is_over:
                    self._do_chores(due)

    def _write_group(self, rows: list[Job], flushes: list[_Waiter], pause: float) -> float:
        """Write rows, and tell those who wait. Returns how long to pause before the next ones."""
        rows = self._kept + rows
        self._kept = []
        if rows and (failure := self._write(rows)) is not None:
            self._kept = rows
            _tell([*flushes, *(row.waiter for row in rows)], failure)
            for row in rows:
                row.waiter = None
            self._note(failure)
            return min(_LONGEST_PAUSE, pause * 2 or _FIRST_PAUSE)
        if self.failure is not None and rows:
            _log.warning("the database %s works again", self.database.address)
            self.failure = None
            for tell in self.recovered:
                tell(self._failed_at)
            self._queue.extend(flushes)  # they wait for what was handed in now, too
            self._is_urgent, flushes = True, []
        self._is_busy = False
        _tell([*flushes, *(row.waiter for row in rows)], None)
        return 0.0

    def _wait_for_rows(self, pause: float, due: float | None) -> None:
        """Wait until there is something to write, as long as it may be gathered. It stays in the queue, from which
        others may write it meanwhile."""
        until = time.monotonic() + pause if pause else due
        is_gathering, is_late = pause > 0, False
        while not is_late and len(self._queue) < _GROUP:
            # told before looking: none is missed
            self._rests = "until somebody waits" if is_gathering else "until any row"
            if self._is_urgent:
                if not pause or self._is_ended():
                    break
                until = min(until or 0.0, time.monotonic() + _LEAST_PAUSE)
            elif self._queue and not is_gathering:
                is_gathering, until = True, time.monotonic() + self.window
                continue
            is_late = not self._rest(until)
        self._rests = None

    def _is_ended(self) -> bool:
        return bool(self._queue) and self._queue[-1] is None

    def _take(self) -> tuple[list[Job], list[_Waiter], bool]:
        """The rows of the next group, who waits for all of them, and whether the end has come."""
        rows: list[Job] = []
        flushes: list[_Waiter] = []
        self._is_urgent = False
        while self._queue and len(rows) < _GROUP:
            self._is_busy = True
            item = self._queue.popleft()
            if item is None:
                return rows, flushes, True
            if isinstance(item, _Waiter):
                flushes.append(item)
            else:
                rows.append(item)
        self._is_urgent = self._is_urgent or bool(self._queue)
        return rows, flushes, False

    def _rest(self, until: float | None) -> bool:
        """Wait to be woken; returns whether that was before the time was over."""
        try:
            self._bell.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
            while not self._bell.empty():
                self._bell.get_nowait()
        except Empty:
            return False
        return True

    def _write(self, rows: list[Job]) -> StorageError | None:
        """Write rows in one transaction; where one of them is refused, each in one of its own."""
        try:
            self._commit(rows)
        except StorageError as failure:
            return failure if failure.retryable else self._write_apart(rows, failure)
        except Exception as error:  # noqa: BLE001 - the thread must go on
            return self._write_apart(rows, StorageError(f"a row could not be made: {type(error).__name__}: {error}"))
        return None

    def _write_apart(self, rows: list[Job], failure: StorageError) -> StorageError | None:
        if len(rows) > 1:
            return next(filter(None, [self._write([row]) for row in rows]), None)
        self.lost += 1
        _log.error("a row is lost, for the database refuses it: %s", failure.message)
        _tell([rows[0].waiter], failure)
        rows[0].waiter = None
        return None

    def _commit(self, rows: list[Job]) -> None:
        groups: dict[Statement, list[tuple[Any, ...]]] = {}
        works: list[Work[Any]] = []
        for row in rows:
            if isinstance(row, Work):
                works.append(row)
            else:
                groups.setdefault(row.statement, []).append(row.take())
        kind = self.database.kind
        if self.prepare is not None:
            self.prepare()
            self.prepare = None
        with contextlib.suppress(_UndoneError), self.database.write() as connection:
            for statement in sorted(groups):
                connection.exec_driver_sql(statement.text(kind), groups[statement])
            for work in sorted(works, key=attrgetter("key")):
                work.run(connection, self.database.errors, alone=len(rows) == 1)

    def _do_chores(self, due: list[float]) -> None:
        now = time.monotonic()
        for number, (seconds, chore) in enumerate(self._chores):
            if now >= due[number]:
                due[number] = now + seconds
                try:
                    chore()
                except AIError as error:
                    _log.warning("%s", error.message)


def _tell(waiters: list[_Waiter | None], failure: StorageError | None) -> None:
    """Tell those who wait; the tasks of one loop with one call."""
    loops: dict[asyncio.AbstractEventLoop, list[Any]] = {}
    for waiter in waiters:
        if waiter is None:
            continue
        if waiter.loop is None:
            _resolve([waiter.future], failure)
        else:
            loops.setdefault(waiter.loop, []).append(waiter.future)
    for loop, futures in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, futures, failure)
        except RuntimeError:
            _log.debug("an event loop was closed while it waited for the database")


def _give_up(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


def _resolve(futures: list[Any], failure: StorageError | None) -> None:
    for future in futures:
        if not future.done():
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(StorageError(failure.message, retryable=failure.retryable))
