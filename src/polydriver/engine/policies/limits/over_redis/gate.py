"""The limits of a connection that are kept in Redis, for all processes that use it.

An attempt asks with one round trip. Those that find no room wait in a line of this process, and the first of them asks
again for all: when the time has come that Redis named, or soon, where that depends on what others give back. In Redis a
process has one place for each kind of call, so that the processes take turns, and a large call is not overtaken by the
small ones of others. What ended is told to Redis by the thread of the store; nobody waits for that.
"""

from __future__ import annotations

import os
import random
import threading
from collections import deque
from functools import partial
from itertools import islice
from math import ceil, inf
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import quote

from .....config.limits import LimitNumbers, RateLimitConfig, find_model
from .....data.attempts import AttemptReport
from .....errors import LimitReachedError
from .....events import LimitReached
from .....forking import own_lock
from ....waiting import Signal, now
from ... import Either, Outcome, Wait
from ..estimates import UNLIMITED, Estimates
from ..limiter import Amounts
from ..policy import WINDOWS, Limits
from .scripts import TAKE, taken, taking
from .store import Command, End, Store

__all__ = ["RedisLimits"]

_PLACE_MS = 3000
_AT_ONCE = 32
_LOOK_SECONDS = 1.0


class _Limit:
    """One limit: its key, what it is called, and how much of what is allowed in `window` ms (0: at once)."""

    __slots__ = ("dimension", "key", "name", "size", "used", "window")

    def __init__(self, key: str, name: str, dimension: str, size: int, window: int) -> None:
        self.key = key
        self.name = name
        self.dimension = dimension
        self.size = size
        self.window = window
        self.used = 0


class _Set:
    """The limits of one kind of call, and who waits for them here: lines of high and of low priority."""

    __slots__ = ("head", "holds", "keys", "limits", "lines", "name", "reason", "sizes", "wait")

    def __init__(self, name: str, limits: list[_Limit], store: Store) -> None:
        self.limits = limits
        self.name = name
        self.keys = [*(limit.key for limit in limits), *(store.key(name) for name in ("leases", "line", "places"))]
        self.head = TAKE.head(self.keys)
        self.holds = tuple(limit.key for limit in limits if not limit.window)
        self.sizes = [number for limit in limits for number in (limit.size, limit.window)]
        self.lines: tuple[deque[_Ticket], deque[_Ticket]] = (deque(), deque())
        self.wait = 0.0  # seconds until the first in line asks again; -1 where Redis cannot know
        self.reason: _Limit | None = None


class _Ticket:
    """One attempt that wants to be admitted."""

    __slots__ = ("amounts", "asked", "lease", "low", "model", "of", "signal", "takes", "withdrawn")

    def __init__(self, of: _Set, amounts: Amounts, model: str | None, *, low: bool) -> None:
        self.of = of
        self.amounts = amounts
        self.model = model
        self.low = low
        self.takes = [min(ceil(amounts[limit.dimension]), limit.size) for limit in of.limits]
        self.lease: _Lease | None = None
        self.signal: Signal | None = None
        self.withdrawn = False
        self.asked = False


class _Lease:
    """What an attempt took, when (ms of the server's clock), and under which id."""

    __slots__ = ("id", "taken", "ticket")

    def __init__(self, ticket: _Ticket, id: str, taken: int) -> None:
        self.ticket = ticket
        self.id = id
        self.taken = taken


class _Local:
    """A lease of the limits in this process, while Redis does not answer."""

    __slots__ = ("lease",)

    def __init__(self, lease: Any) -> None:
        self.lease = lease


class RedisLimits:
    """A `Gate` of one connection. `store` is the Redis, `local` what holds while that does not answer, if anything."""

    _lock: threading.RLock

    def __init__(self, name: str, config: RateLimitConfig, uncounted: tuple[str, ...], store: Store) -> None:
        own_lock(self, threading.RLock)  # a finalizer may end an attempt anywhere
        self.config = config
        self.store = store
        self.estimates = Estimates(uncounted)
        self.local = Limits(name, config, uncounted) if config.redis_failure == "local" else None
        self._name = name
        self._sets: dict[str | None, _Set] = {}
        self._by_key: dict[str | None, _Set] = {}
        self._own = self._limits_of(config, name)
        self._needs_tokens = config.counts_tokens or any(one.counts_tokens for one in config.models.values())
        self._waiting = 0
        self._count = 0
        self._token = ""
        self._is_open = False

    async def admit(self, attempt: Any, port: Either) -> Any:
        """See `Gate.admit`."""
        if attempt.call.operation in UNLIMITED:
            return None
        if not self._is_open:
            self._is_open = True
            self.store.users.add(self)
        if not self.store.available:
            return self._without(attempt, port)
        of, low = self._set_of(attempt.model), attempt.call.queue == "batch"
        amounts = self.estimates.before(attempt, tokens=self._needs_tokens)
        ticket = _Ticket(of, amounts, attempt.model, low=low)
        first = self._first(of)
        if first is None or (first.low and not low):
            try:
                answered = await self._ask(of, [ticket], port)
                if answered and ticket.lease is None and self.config.mode == "raise" and of.wait < 0:
                    # What this process held a moment ago may not have been told yet.
                    await port.either(partial(self.store.flush, self.store.patience), self.store.hurry)
                    answered = await self._ask(of, [ticket], port)
            except BaseException:
                self._withdraw(ticket, port.now())
                raise
            if ticket.lease is not None:
                return ticket.lease
            if not answered:
                self._withdraw(ticket, port.now())  # and gives back what comes late
                return self._without(attempt, port)
        return self._get_in_line(attempt, ticket, port)

    async def settle(self, lease: Any, outcome: Outcome, report: AttemptReport | None, port: Either) -> None:
        """See `Gate.settle`. Nothing is waited for."""
        self.settle_now(lease, outcome, report)

    def settle_now(self, lease: Any, outcome: Outcome, report: AttemptReport | None) -> None:
        """See `Gate.settle_now`."""
        if isinstance(lease, _Local) and self.local is not None:
            self.local.settle(lease.lease, outcome, now())
        elif isinstance(lease, _Lease):
            ticket = lease.ticket
            self._end(lease, self.estimates.after(ticket.model, ticket.amounts, outcome))

    def close(self) -> None:
        """Tell Redis what has ended, and leave no connection and no thread, unless another connection uses them too.

        Everything can be used again.
        """
        self._is_open = False
        self.store.leave_to_others(self)

    def describe(self, at: float) -> list[dict[str, Any]]:
        """The state of every limit as Redis last told it: its name, what is used of it, and how much it is."""
        limits = {limit.key: limit for of in self._sets.values() for limit in of.limits}
        limits = limits or {limit.key: limit for limit in self._own}
        return [{"limit": limit.name, "used": float(limit.used), "of": limit.size} for limit in limits.values()]

    # -- asking --

    async def _ask(self, of: _Set, tickets: list[_Ticket], port: Either) -> bool:
        """Ask Redis for some calls. Returns whether it answered."""
        store, low = self.store, int(tickets[0].low)
        ids = [self._new_id() for _ in tickets]
        place = self._place(of, low) if self.config.mode == "wait" else ""
        calls: list[tuple[str | int, ...]] = []
        for ticket, id in zip(tickets, ids, strict=True):
            calls.append((id, *ticket.takes))
            ticket.asked = True
        ends = store.take_ends(of.keys)
        settled = [end.settled(of.keys) for end in ends]
        argument = taking(of.sizes, round(store.lease * 1000), place, low, _PLACE_MS, calls, settled)
        answered: list[bool] = []

        def deliver(answer: Any, error: Exception | None) -> None:
            if error is None:
                self._served(of, tickets, ids, taken(answer))
                answered.append(True)
                for end in ends:
                    if end.done is not None:
                        end.done()
            else:
                self._failed(tickets, ids)
                for end in ends:
                    store.settle(end)

        command = Command(TAKE, of.keys, argument, deliver, of.head)
        await port.either(partial(store.do_blocking, command), partial(store.do_async, command))
        return bool(answered)

    def _served(self, of: _Set, tickets: list[_Ticket], ids: list[str], answer: list[int]) -> None:
        """Hand on what Redis said; in whatever thread has it."""
        served, wait, why, now = answer[:4]
        for limit, used in zip(of.limits, answer[4:], strict=True):
            limit.used = used
        with self._lock:
            of.wait, of.reason = wait / 1000 if wait >= 0 else -1.0, of.limits[why - 1] if why else None
            for ticket, id in zip(tickets[:served], ids, strict=False):
                lease = _Lease(ticket, id, now)
                if ticket.withdrawn or ticket.lease is not None:
                    self._end(lease, None)
                    continue
                self.store.hold(id, of.holds)
                ticket.lease = lease
                if ticket.signal is not None:
                    self._waiting -= 1
                    ticket.signal.set()
        if served and any(ticket.signal is not None for ticket in tickets):
            self._wake_first(of)

    def _failed(self, tickets: list[_Ticket], ids: list[str]) -> None:
        """Redis did not answer: it may have done it all the same. Everyone in line looks for themselves."""
        for ticket, id in zip(tickets, ids, strict=True):
            self._end(_Lease(ticket, id, 0), None)
        for of in list(self._sets.values()):
            for line in of.lines:
                for waiting in list(line):
                    if waiting.signal is not None:
                        waiting.signal.set()

    def _end(self, lease: _Lease, used: Amounts | None) -> None:
        ticket = lease.ticket
        of = ticket.of
        changes: list[int] = []
        for number, (limit, amount) in enumerate(zip(of.limits, ticket.takes, strict=True), 1):
            if amount:
                real = 0 if used is None else min(ceil(used.get(limit.dimension, amount)), limit.size)
                changes += (number, limit.window, real - amount)
        wake = partial(self._wake_first, of) if of.holds else None
        at_once = bool(of.holds) and self._waiting > 0
        self.store.settle(End(lease.id, lease.taken, of.keys, changes, wake), at_once=at_once)

    # -- waiting --

    def _get_in_line(self, attempt: Any, ticket: _Ticket, port: Either) -> Wait:
        config, of = self.config, ticket.of
        if config.mode == "raise":
            raise self._reached(of, "")
        if self._waiting >= config.max_waiting:
            self._leave_if_last(ticket)
            raise self._reached(of, f"{self._waiting} calls are waiting already")
        ticket.signal = attempt.target.port.signal()
        with self._lock:
            self._waiting += 1
            of.lines[ticket.low].append(ticket)
        until = inf if config.max_wait is None else port.now() + config.max_wait
        wait = self._wait(attempt, ticket, until, port.now())
        reached = of.reason or of.limits[0]
        known = of.wait if of.wait >= 0 else None
        wait.event = LimitReached(limit=reached.name, wait=known, **attempt.call.facts())
        return wait

    def _wait(self, attempt: Any, ticket: _Ticket, until: float, now: float) -> Wait:
        of, call = ticket.of, attempt.call
        seconds = inf
        if self._first(of) is ticket:
            told = of.wait if ticket.asked else 0.0
            ends = min(until, inf if call.deadline is None else call.deadline)
            if told > 0 and now + told >= ends:
                self._withdraw(ticket, now)
                raise self._reached(of, "that is longer than the call may wait")
            seconds = min(told, _LOOK_SECONDS) if told >= 0 else random.uniform(0.01, 0.05)
        return Wait(
            min(seconds, max(0.0, until - now)), ticket.signal,
            cancel=partial(self._withdraw, ticket), again=partial(self._again, attempt, ticket, until),
        )  # fmt: skip

    async def _again(self, attempt: Any, ticket: _Ticket, until: float, port: Either) -> Any:
        """After a wait: the lease, another wait, or, when Redis is gone, what holds without it."""
        if ticket.lease is None and self.store.available and self._first(ticket.of) is ticket:
            try:
                await self._ask(ticket.of, self._next(ticket), port)
            except BaseException:
                self._withdraw(ticket, port.now())
                raise
        if ticket.lease is not None:
            return ticket.lease
        if not self.store.available:
            self._withdraw(ticket, port.now())
            return self._without(attempt, port)
        if port.now() >= until:
            self._withdraw(ticket, port.now())
            raise self._reached(ticket.of, f"{self.config.max_wait:g} s were not enough")
        return self._wait(attempt, ticket, until, port.now())

    def _next(self, first: _Ticket) -> list[_Ticket]:
        """The first in line and those behind it, for whom it asks as well."""
        with self._lock:
            line = first.of.lines[first.low]
            waiting = (ticket for ticket in line if not ticket.withdrawn and ticket.lease is None)
            found = list(islice(waiting, _AT_ONCE))
        return found if found and found[0] is first else [first]

    def _withdraw(self, ticket: _Ticket, now: float) -> None:
        """Leave the line, and give back what was taken meanwhile."""
        with self._lock:
            if ticket.withdrawn:
                return
            ticket.withdrawn = True
            lease = ticket.lease
            if lease is None and ticket.signal is not None:
                self._waiting -= 1
        if lease is not None:
            self._end(lease, None)
        self._leave_if_last(ticket)
        self._wake_first(ticket.of)

    def _leave_if_last(self, ticket: _Ticket) -> None:
        if self.store.available and not self._first(ticket.of):
            self.store.leave(self._place(ticket.of, int(ticket.low)))

    def _place(self, of: _Set, low: int) -> str:
        """What the place of this process in the line of Redis is called."""
        return f"{self._token}{low}{of.name}"

    def _first(self, of: _Set) -> _Ticket | None:
        """Who asks for all that wait."""
        with self._lock:
            for line in of.lines:
                while line and (line[0].withdrawn or line[0].lease is not None):
                    line.popleft()
                if line:
                    return line[0]
        return None

    def _wake_first(self, of: _Set) -> None:
        first = self._first(of)
        if first is not None and first.signal is not None:
            first.signal.set()

    # -- without Redis --

    def _without(self, attempt: Any, port: Either) -> Any:
        failure: Literal["local", "open", "closed"] = self.config.redis_failure
        self.store.ask_again()
        if self.local is not None:
            return _wrapped(self.local.admit(attempt, port.now()))
        if failure == "open":
            return None
        raise LimitReachedError(
            "the limits are kept in Redis, which does not answer, and `redis_failure` is 'closed'",
            provider=self._name,
            retry_after=1.0,
        )

    def _reached(self, of: _Set, why: str) -> LimitReachedError:
        reached = of.reason or of.limits[0]
        return LimitReachedError(
            f"the limit {reached.name!r} is reached{': ' + why if why else ''}",
            provider=self._name,
            retry_after=of.wait if of.wait > 0 else None,
        )

    # -- the limits --

    def _set_of(self, model: str | None) -> _Set:
        found = self._sets.get(model)
        if found is None:
            key = find_model(self.config.models, model)
            found = self._by_key.get(key)
            if found is None:
                more = [] if key is None else self._limits_of(self.config.models[key], f"{self._name}/{key}")
                found = self._by_key.setdefault(
                    key, _Set(f"{len(self._by_key)}:{key or ''}", [*self._own, *more], self.store)
                )
            self._sets[model] = found
        return found

    def _limits_of(self, numbers: LimitNumbers, name: str) -> list[_Limit]:
        name = numbers.share or name
        found = []
        for field in LimitNumbers.__struct_fields__:
            size = getattr(numbers, field)
            if size is None or field == "share":
                continue
            dimension, seconds = WINDOWS.get(field, ("concurrent", 0.0))
            key = self.store.key(f"{quote(name, safe='')}:{field}")
            found.append(_Limit(key, f"{name}: {field}", dimension, size, round(seconds * 1000)))
        return found

    def _new_id(self) -> str:
        process = f"{os.getpid():x}."
        if not self._token.startswith(process):
            self._token = f"{process}{token_hex(6)}."
        self._count += 1
        return f"{self._token}{self._count:x}"


def _wrapped(found: Any) -> Any:
    """A lease of the local limits, marked as such; or a wait for one."""
    if not isinstance(found, Wait):
        return _Local(found)
    resume = found.resume
    if resume is not None:
        found.resume = lambda now: _wrapped(resume(now))
    return found
