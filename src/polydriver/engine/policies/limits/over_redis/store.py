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
from contextlib import suppress
from math import inf
from typing import Any
from weakref import WeakSet

from .....forking import in_child, own_lock
from .....logger import logger
from ....waiting import SoleUser
from .links import ClusterLinks, Links
from .scripts import RENEW, SETTLE, Script, Settled, closed, renewal, settlement

__all__ = ["Command", "End", "RedisUnavailableError", "Store"]

_log = logger()
_PROBE_SECONDS = 1.0
_GATHER_SECONDS = 0.005  # for which ends are gathered
_MOST = 256  # commands in one round trip
_MOST_ALONG = 16  # ends that a command takes along


class RedisUnavailableError(Exception):
    """Redis did not answer in time, or not as it should."""


class Command:
    """One run of a script. `deliver` gets the answer, or the error, exactly once, in whatever thread has it.

    `head`: what its command begins with, where that is known already (see `Script.head`).
    """

    __slots__ = ("argument", "deliver", "evalsha", "keys", "script", "wake")

    def __init__(
        self,
        script: Script,
        keys: Sequence[str],
        argument: bytes,
        deliver: Callable[[Any, Exception | None], None],
        head: bytes | None = None,
    ) -> None:
        self.script = script
        self.keys = keys
        self.argument = argument
        self.evalsha = closed(head or script.head(keys), argument)
        self.deliver = deliver
        self.wake: Callable[[], None] | None = None


class End:
    """What is to be settled of one lease: `changes` has, of each limit that it took from, the number among `keys` (from
    1), its window in ms (0: what is held at once) and the difference of what was used, one after the other.

    `taken` is when it was taken, in ms of the server's clock; 0 where that is not known. `done` is called afterwards.
    `at` is when it was handed in, in monotonic seconds.
    """

    __slots__ = ("at", "changes", "done", "id", "keys", "taken")

    def __init__(
        self, id: str, taken: int, keys: Sequence[str], changes: list[int], done: Callable[[], None] | None = None
    ) -> None:
        self.id = id
        self.taken = taken
        self.keys = keys
        self.changes = changes
        self.done = done
        self.at = 0.0

    def fits(self, keys: Sequence[str]) -> bool:
        """Whether all its limits are among these keys."""
        return self.keys is keys or all(self.keys[number - 1] in keys for number in self.changes[::3])

    def settled(self, keys: list[str]) -> Settled:
        """What the scripts are told of it, where these are the keys; what they lack of its limits is added to them."""
        told = self.changes
        if self.keys is not keys:
            told = told.copy()
            for at in range(0, len(told), 3):
                key = self.keys[told[at] - 1]
                if key not in keys:
                    keys.append(key)
                told[at] = keys.index(key) + 1
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
        is_cluster: bool = False,
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
        self._links: Links | ClusterLinks | None = None
        self._started: threading.Thread | None = None
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._choice = choice
        self._is_cluster = is_cluster
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
        """Have an attempt settled along with a command of the next 5 ms or by the thread, or at once. Never waits."""
        self.held.pop(end.id, None)
        end.at = time.monotonic()
        self._ends.append(end)
        if at_once:
            self._hand_in(_AT_ONCE)
        else:
            self._tell()

    def _tell(self) -> None:
        """Have the thread look at the ends within 5 ms, or a little later."""
        if not self._is_told:
            self._is_told = True
            self._hand_in(_NUDGE)

    def take_ends(self, keys: Sequence[str]) -> list[End]:
        """Some of what is still to be settled, of limits that are among `keys`, for a command to take along."""
        taken: list[End] = []
        others: list[End] = []
        try:
            while len(taken) < _MOST_ALONG and len(others) < _MOST_ALONG:
                end = self._ends.popleft()
                (taken if end.fits(keys) else others).append(end)
        except IndexError:
            pass
        if others:
            self._ends.extendleft(reversed(others))
            self._tell()  # the thread may have looked meanwhile
        return taken

    async def hurry(self) -> bool:
        """Have the ends that were handed in sent before the next command of a task."""
        self._hand_in(_AT_ONCE)
        return True

    def leave(self, place: str) -> None:
        """Give up a place in line soon. Never waits."""
        self._hand_in(place)

    def ask_again(self) -> None:
        """Have Redis asked whether it answers again. The thread that does may have ended, when a user was closed, or in
        a fork."""
        thread = self._started
        if thread is None or not thread.is_alive():
            self._hand_in(_NUDGE)

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
        (answer,) = self._connected().run((command,))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _connected(self) -> Links | ClusterLinks:
        links = self._links
        if links is None:
            with self._lock:
                if self._links is None:
                    client = self._connect(self.patience)
                    self._links = ClusterLinks(client) if self._is_cluster else Links(client)
                links = self._links
        return links

    def _disconnect(self) -> None:
        with self._lock:
            links, self._links = self._links, None
        if links is not None:
            links.close()

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
        self._started = self._links = None
        self._is_asleep, self._is_told = True, False
        self._queue = queue.SimpleQueue()
        self._ends.clear()
        self.held.clear()

    # -- the thread --

    def _run(self) -> None:
        waiting, renewed, looked = self._queue, time.monotonic(), 0.0
        jobs: list[Any] = []
        later: list[Any] = []  # ends that Redis has not taken yet
        while waiting is self._queue:
            self._is_asleep = True  # before looking at what is held: what comes after wakes it
            pause = _PROBE_SECONDS if later or not self.available else self.lease / 3 if self.held or jobs else None
            if self._is_told:
                pause = _GATHER_SECONDS
            self._is_asleep = pause is None
            jobs = _drain(waiting, pause)
            if jobs and all(job is _NUDGE for job in jobs):
                jobs += _drain(waiting, _GATHER_SECONDS)
            is_urgent = any(job is not _NUDGE and not isinstance(job, Command) for job in jobs)
            now = time.monotonic()
            if is_urgent or now - looked >= _GATHER_SECONDS:  # else they stay told of, and it looks again soon
                looked = now
                jobs += self._take_due(inf if is_urgent else now - _GATHER_SECONDS)
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

    def _take_due(self, due: float) -> list[End]:
        """Ends that no command has taken along, and that were handed in by then."""
        self._is_told = False  # before looking at them: who comes after wakes the thread
        found: list[End] = []
        with suppress(IndexError):  # commands take ends as well
            while self._ends and self._ends[0].at <= due:
                found.append(self._ends.popleft())
        if self._ends:
            self._is_told = True  # it looks again soon
        return found

    def _answers(self) -> bool:
        """Whether Redis answers again; asked once a second, with what is needed of it."""
        now = time.monotonic()
        if now - self._asked_at < _PROBE_SECONDS * 0.9:
            return False
        self._asked_at = now
        try:
            # By a script that writes: a replica, or a server without room, answers those that only read.
            probe = renewal(round(self.lease * 1000), ("",))
            self._evaluate(Command(RENEW, [self.key("leases")], probe, _ignore))
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
                answers = self._connected().run(runs)
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

    def _settlement(self, ends: list[End], places: list[str]) -> Command:
        keys = self._own_keys()
        argument = settlement([end.settled(keys) for end in ends], places)
        return Command(SETTLE, keys, argument, _ignore)

    def _renew(self) -> None:
        by_key: dict[str, list[str]] = {}
        for id, held in list(self.held.items()):
            for key in held or (self.key("leases"),):
                by_key.setdefault(key, []).append(id)
        for key, ids in by_key.items():
            for start in range(0, len(ids), 1000):
                argument = renewal(round(self.lease * 1000), ids[start : start + 1000])
                try:
                    self._evaluate(Command(RENEW, [key], argument, _ignore))
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


def _drain(waiting: queue.SimpleQueue[Any], pause: float | None) -> list[Any]:
    """What has gathered; waits for the first of it."""
    try:
        jobs = [waiting.get(timeout=pause)]
    except queue.Empty:
        return []
    while not waiting.empty():  # nobody else takes from it
        jobs.append(waiting.get_nowait())
    return jobs


def _close_all() -> None:
    for store in list(_stores):
        store.close(0.5)


atexit.register(_close_all)
