"""The connection to Redis: commands of blocking callers, commands of tasks, and what is sent later, by a thread.

Blocking callers send their own command. Those of tasks, and everything that nobody waits for (ends of attempts,
renewals), go through one thread, which sends what has gathered in one round trip. Ends go along with the next command,
where there is one soon. Redis is never needed: after a
command that was not answered within `patience` nobody asks any more until the thread has had an answer again; the log
has one line for each of the two.
"""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from weakref import WeakSet

from .....forking import in_child, own_lock
from .....logger import logger
from ....waiting import SoleUser
from .scripts import RENEW, SETTLE, Script, Settled, settlement

__all__ = ["Command", "End", "RedisUnavailableError", "Store"]

_log = logger()
_PROBE_SECONDS = 1.0
_GATHER_SECONDS = 0.005  # for which ends are gathered
_MOST = 256  # commands in one round trip
_MOST_ALONG = 16  # ends that a command takes along

Argument: TypeAlias = str | bytes | int


class RedisUnavailableError(Exception):
    """Redis did not answer in time, or not as it should."""


class Command:
    """One run of a script. `deliver` gets the answer, or the error, exactly once, in whatever thread has it."""

    __slots__ = ("arguments", "deliver", "keys", "script", "wake")

    def __init__(
        self,
        script: Script,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        deliver: Callable[[Any, Exception | None], None],
    ) -> None:
        self.script = script
        self.keys = keys
        self.arguments = arguments
        self.deliver = deliver
        self.wake: Callable[[], None] | None = None


class End:
    """What is to be settled of one lease: for each limit its key, its window in ms and the difference of what was used.

    `taken` is when it was taken, in ms of the server's clock; 0 where that is not known. `done` is called afterwards.
    """

    __slots__ = ("changes", "done", "id", "taken")

    def __init__(
        self, id: str, taken: int, changes: list[tuple[str, int, int]], done: Callable[[], None] | None = None
    ) -> None:
        self.id = id
        self.taken = taken
        self.changes = changes
        self.done = done

    def settled(self, numbers: dict[str, int]) -> Settled:
        """What the scripts are told of it; `numbers` are those of the limits among the keys, and get what they lack."""
        told: list[int] = []
        for key, window, difference in self.changes:
            told += (numbers.setdefault(key, len(numbers) + 1), window, difference)
        return self.id, self.taken, told


class Store:
    """One Redis for this process. `held` has, by lease id, the keys of what the lease holds at once; `users` are the
    connections' limits that are not closed."""

    _lock: threading.Lock

    def __init__(
        self,
        connect: Callable[[float], Any],
        where: str,
        tag: str,
        patience: float,
        lease: float,
        choice: str,
        *,
        one_by_one: bool = False,
    ) -> None:
        """`connect` makes a client whose waits on the network are bounded by the seconds that it is given; `choice` is
        what is done while Redis does not answer, for the log."""
        own_lock(self)
        in_child(self, Store._forget)
        self.where = where
        self.tag = tag
        self.patience = patience
        self.lease = lease
        self.available = True
        self.held: dict[str, tuple[str, ...]] = {}
        self._ends: deque[End] = deque()
        self._is_told = False  # the thread knows that there are ends
        self._is_asleep = True
        self._asked_at = 0.0
        self._connect = connect
        self._client: Any = None
        self._started: threading.Thread | None = None
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._choice = choice
        self._one_by_one = one_by_one
        self._starting = SoleUser()
        self.users: WeakSet[Any] = WeakSet()
        _stores.add(self)

    def key(self, name: str) -> str:
        """A key. All have the same hash tag."""
        return f"{{{self.tag}}}:{name}"

    def do_blocking(self, command: Command) -> None:
        """Run a command, and have its answer delivered."""
        try:
            answer = self._evaluate(command)
        except Exception as error:  # noqa: BLE001 - of the network or of the client
            command.deliver(None, self._failure(error))
        except BaseException:
            command.deliver(None, RedisUnavailableError("interrupted"))
            raise
        else:
            command.deliver(answer, None)

    async def do_async(self, command: Command) -> None:
        """The same for a task, which waits for no longer than `patience`; what comes later is delivered as well."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def finish() -> None:
            if not done.done():
                done.set_result(None)

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(finish)
            except RuntimeError:
                _log.debug("a task ended before its answer came")  # its loop is closed

        command.wake = wake
        self._hand_in(command)
        timer = loop.call_later(self.patience, finish)
        try:
            await done
        finally:
            timer.cancel()

    def hold(self, id: str, keys: tuple[str, ...]) -> None:
        """Keep a lease renewed, and what it holds at once under these keys, until it is settled."""
        self.held[id] = keys
        if self._is_asleep:
            self._hand_in(_NUDGE)

    def settle(self, end: End, *, at_once: bool = False) -> None:
        """Have an attempt settled, with others that end within 5 ms, or at once. Never waits."""
        self.held.pop(end.id, None)
        self._ends.append(end)
        if at_once:
            self._hand_in(_AT_ONCE)
        elif not self._is_told:
            self._is_told = True
            self._hand_in(_NUDGE)

    def take_ends(self, numbers: dict[str, int]) -> list[End]:
        """Some of what is still to be settled, of limits that are among `numbers`, for a command to take along."""
        taken: list[End] = []
        others: list[End] = []
        try:
            while len(taken) < _MOST_ALONG and len(others) < _MOST_ALONG:
                end = self._ends.popleft()
                (taken if all(key in numbers for key, _, _ in end.changes) else others).append(end)
        except IndexError:
            pass
        self._ends.extend(others)
        return taken

    def leave(self, place: str) -> None:
        """Give up a place in line soon. Never waits."""
        self._hand_in(place)

    def flush(self, seconds: float) -> bool:
        """Wait until what was handed in is sent. Returns whether it is."""
        if self._started is None or not self._started.is_alive():
            return True
        sent = threading.Event()
        self._queue.put(sent)
        return sent.wait(seconds)

    def leave_to_others(self, user: object) -> None:
        """One of the `users` needs it no more; where no other does, it is closed."""
        self.users.discard(user)
        if self.users:
            self.flush(1.0)
        else:
            self.close()

    def close(self, seconds: float = 1.0) -> None:
        """Send what is left, end the thread, and close the connections. The store can be used again.

        A thread that does not end within `seconds` closes them itself, when it does.
        """
        with self._lock:
            thread, self._started = self._started, None
        if thread is not None and thread.is_alive():
            self._queue.put(None)
            thread.join(seconds)
        self._disconnect()

    def _evaluate(self, command: Command) -> Any:
        from redis.exceptions import NoScriptError

        client, script = self._connected(), command.script
        given = (len(command.keys), *command.keys, *command.arguments)
        try:
            return client.evalsha(script.digest, *given)
        except NoScriptError:
            return client.eval(script.source, *given)

    def _connected(self) -> Any:
        client = self._client
        if client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._connect(self.patience)
                client = self._client
        return client

    def _disconnect(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _failure(self, error: BaseException) -> RedisUnavailableError:
        """Note that Redis fails, and say so once."""
        with self._lock:
            is_news, self.available = self.available, False
        if is_news:
            _log.warning(
                "limits: Redis at %s does not answer as it should (%s: %s); until it does, %s",
                self.where, type(error).__name__, str(error)[:200], self._choice,
            )  # fmt: skip
        self._hand_in(_NUDGE)
        return RedisUnavailableError(f"{type(error).__name__}: {str(error)[:200]}")

    def _hand_in(self, what: Any) -> None:
        self._queue.put(what)
        thread = self._started
        if (thread is None or not thread.is_alive()) and self._starting.enter():
            try:
                self._started = threading.Thread(target=self._run, name="polydriver-limits", daemon=True)
                self._started.start()
            finally:
                self._starting.leave()

    def _forget(self) -> None:
        """In a forked child: the thread, the connections and the leases are its parent's."""
        self._started = self._client = None
        self._is_asleep, self._is_told = True, False
        self._queue = queue.SimpleQueue()
        self._ends.clear()
        self.held.clear()

    # -- the thread --

    def _run(self) -> None:
        waiting, renewed = self._queue, time.monotonic()
        jobs: list[Any] = []
        later: list[Any] = []  # ends that Redis has not taken yet
        while waiting is self._queue:
            self._is_asleep = True  # before looking at what is held: what comes after wakes it
            pause = _PROBE_SECONDS if later or not self.available else self.lease / 3 if self.held or jobs else None
            self._is_asleep = pause is None
            jobs = list(_drain(waiting, pause))
            if jobs and all(job is _NUDGE for job in jobs):
                jobs += _drain(waiting, _GATHER_SECONDS)
            self._is_told = False
            while self._ends:
                jobs.append(self._ends.popleft())
            if not self.available and not self._answers():
                _fail(jobs)
                later += [job for job in jobs if isinstance(job, End | str)]
                del later[:-10_000]
            else:
                later = self._send(later + jobs)
            if self.held and time.monotonic() - renewed >= self.lease / 3:
                renewed = time.monotonic()
                self._renew()
            for job in jobs:
                if isinstance(job, threading.Event):
                    job.set()
            if None in jobs:
                self._is_asleep = True  # the next lease starts it anew
                self._disconnect()  # what was sent last may have connected anew
                return

    def _answers(self) -> bool:
        """Whether Redis answers again; asked once a second, with what is needed of it."""
        now = time.monotonic()
        if now - self._asked_at < _PROBE_SECONDS * 0.9:
            return False
        self._asked_at = now
        try:
            self._evaluate(Command(SETTLE, self._own_keys(), (settlement(()),), _ignore))
        except Exception:  # noqa: BLE001 - whatever it is, it is asked again in a second
            return False
        with self._lock:
            is_news, self.available = not self.available, True
        if is_news:
            _log.info("limits: Redis at %s answers again", self.where)
        return True

    def _send(self, jobs: list[Any]) -> list[Any]:
        """Send all in as few round trips as can be, ends first. Returns what has to be sent again."""
        commands = [job for job in jobs if isinstance(job, Command)]
        ends = [job for job in jobs if isinstance(job, End)]
        places = [job for job in jobs if isinstance(job, str)]
        again: list[Any] = []
        while commands or ends or places:
            batch, commands = commands[:_MOST], commands[_MOST:]
            ending, ends = ends[:_MOST], ends[_MOST:]
            leaving, places = places[:_MOST], places[_MOST:]
            runs = [self._settlement(ending, leaving), *batch] if ending or leaving else batch
            try:
                answers = self._pipeline(runs)
            except Exception as error:  # noqa: BLE001 - of the network or of the client
                answers = [error] * len(runs)
            for run, answer in zip(runs, answers, strict=True):
                failed = self._failure(answer) if isinstance(answer, Exception) else None
                run.deliver(None if failed else answer, failed)
                if run.wake is not None:
                    run.wake()
            if ending or leaving:
                if isinstance(answers[0], Exception):
                    again += [*ending, *leaving]
                for end in ending:
                    if end.done is not None:
                        end.done()
        return again

    def _pipeline(self, runs: list[Command]) -> list[Any]:
        from redis.exceptions import NoScriptError

        if len(runs) == 1 or self._one_by_one:
            return [self._evaluate(run) for run in runs]
        pipe = self._connected().pipeline(transaction=False)
        for run in runs:
            pipe.evalsha(run.script.digest, len(run.keys), *run.keys, *run.arguments)
        answers = pipe.execute(raise_on_error=False)
        missing = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        for at in missing:
            answers[at] = self._evaluate(runs[at])
        return list(answers)

    def _settlement(self, ends: list[End], places: list[str]) -> Command:
        keys = {key: number for number, key in enumerate(self._own_keys(), 1)}
        argument = settlement([end.settled(keys) for end in ends], places)
        return Command(SETTLE, list(keys), (argument,), _ignore)

    def _renew(self) -> None:
        by_key: dict[str, list[str]] = {self.key("leases"): list(self.held)}
        for id, held in list(self.held.items()):
            for key in held:
                by_key.setdefault(key, []).append(id)
        for key, ids in by_key.items():
            for start in range(0, len(ids), 1000):
                some = ids[start : start + 1000]
                arguments: list[Argument] = [round(self.lease * 1000), 1, 1, len(some), *some]
                try:
                    self._evaluate(Command(RENEW, [key], arguments, _ignore))
                except Exception as error:  # noqa: BLE001 - of the network or of the client
                    self._failure(error)
                    return

    def _own_keys(self) -> list[str]:
        return [self.key("leases"), self.key("line"), self.key("places")]


_NUDGE, _AT_ONCE = object(), object()
_stores: WeakSet[Store] = WeakSet()


def _ignore(answer: Any, error: Exception | None) -> None:
    """Nobody waits for this answer."""


def _fail(jobs: list[Any]) -> None:
    for job in jobs:
        if isinstance(job, Command):
            job.deliver(None, RedisUnavailableError("Redis does not answer"))
            if job.wake is not None:
                job.wake()
        elif isinstance(job, End) and job.done is not None:
            job.done()


def _drain(waiting: queue.SimpleQueue[Any], pause: float | None) -> Any:
    """What has gathered; waits for the first of it."""
    try:
        yield waiting.get(timeout=pause)
        while True:
            yield waiting.get_nowait()
    except queue.Empty:
        return


def _close_all() -> None:
    for store in list(_stores):
        store.close(0.5)


atexit.register(_close_all)
