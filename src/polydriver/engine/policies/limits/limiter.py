"""The limiter: takes from several meters in one step, and keeps the line of those who have to wait.

First come, first served. The first in line that cannot be served blocks the meters that it waits for until it is
served, also one that has room again while another has not: else small calls that need one of two could keep a large
call that needs both from ever finding room in both at once. Those who need none of these meters go past it. Work of
low priority is served when nobody of high priority can be. Serving one costs the same however long the line is.

A limiter may be used by many threads, and by finalizers: an end is noted at once, and worked off in a step of its own.
A ticket is told by its signal that its turn has come, or that it is the first now and has to look at the clock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Any, Protocol, TypeAlias

from ....forking import in_child, own_lock
from .meters import Hold, Mark, Meter, Told

__all__ = ["Amounts", "LimitSet", "Limiter", "Signal", "Taken", "Ticket"]

Amounts: TypeAlias = dict[str, float]
"""How much is taken, by dimension: requests, tokens, input_tokens, output_tokens, concurrent."""

_FEW = 16


class Signal(Protocol):
    """How who waits is told to look again."""

    def set(self) -> None:
        """Wake who waits. Never waits."""


class LimitSet:
    """The meters that a call of one kind takes from, all of them or none. `model` is whose calls these are, if one's.

    Each with what it counts: `counting` are those that count, `telling` those that only tell how long to wait;
    `holding` those that have to know of every end, `marking` the others.
    """

    __slots__ = ("counting", "gone", "holding", "lines", "marking", "meters", "model", "telling")

    def __init__(self, meters: list[Meter], model: str | None = None) -> None:
        self.meters = meters
        self.model = model
        parts = [(meter, meter.dimension) for meter in meters]
        self.counting = [part for part in parts if part[0].counts]
        self.telling = [part for part in parts if not part[0].counts]
        self.holding = [part for part in parts if part[0].holds]
        self.marking = [part for part in parts if not part[0].holds]
        self.gone = [0, 0]  # how many in each line have left it
        self.lines: tuple[deque[Ticket], deque[Ticket]] = (deque(), deque())  # of high and of low priority


class Taken(Hold):
    """What was taken from `limits`: `marks` has, for each of its `marking` meters, where it was counted. What is held
    at once is held while this lives.

    Few objects, since there is one for each call under way: all that live are looked through by the garbage collector.
    """

    __slots__ = ("amounts", "limits", "marks")

    def __init__(self, limits: LimitSet, amounts: Amounts) -> None:
        self.limits = limits
        self.amounts = amounts
        self.marks: list[Mark] = []


class Ticket:
    """A place in the line. `taken` is set when its turn has come; `blocked` are the meters that it has waited for."""

    __slots__ = ("amounts", "blocked", "is_timed", "limits", "number", "priority", "signal", "taken", "withdrawn")

    def __init__(self, limits: LimitSet, amounts: Amounts, priority: int, number: int, signal: Signal | None) -> None:
        self.limits = limits
        self.amounts = amounts
        self.priority = priority
        self.number = number
        self.signal = signal
        self.taken: Taken | None = None
        self.withdrawn = False
        self.is_timed = False
        self.blocked: set[int] = set()


class Limiter:
    """See the module. `waiting` is how many are in line."""

    _lock: Any

    def __init__(self) -> None:
        own_lock(self, threading.RLock)  # one that knows its owner; nothing here enters it twice
        in_child(self, Limiter._forget_line)
        self.waiting = 0
        self._number = 0
        self._busy: dict[int, LimitSet] = {}  # those with somebody in line
        self._ended: deque[tuple[Taken | Ticket, Amounts | None]] = deque()

    def take(self, limits: LimitSet, amounts: Amounts, now: float) -> Taken | None:
        """Take from all meters at once; `None`, and nothing is taken, when one has not enough or others are first."""
        if self._ended:  # what an interrupted end has left
            self._settle_all(now)
        with self._lock:
            taken = self._take(limits, amounts, now) if not self._busy else None
        if self._ended:
            self._settle_all(now)
        return taken

    def enter(
        self, limits: LimitSet, amounts: Amounts, now: float, signal: Signal | None = None, *, low: bool = False
    ) -> tuple[Ticket, float]:
        """Get in line. Returns the ticket, and after how many seconds to `look` again: infinite when only its signal
        tells; a ticket whose turn it is has `taken`."""
        with self._lock:
            self._number += 1
            ticket = Ticket(limits, amounts, int(low), self._number, signal)
            limits.lines[ticket.priority].append(ticket)
            self._busy[id(limits)] = limits
            self.waiting += 1
            seconds = self._serve(now, ticket)
        if self._ended:
            self._settle_all(now)
        return ticket, seconds

    def look(self, ticket: Ticket, now: float) -> float:
        """Look whether the turn of a ticket has come; returns after how many seconds to look again, 0 when it has."""
        with self._lock:
            seconds = 0.0 if ticket.taken is not None else self._serve(now, ticket)
        if self._ended:
            self._settle_all(now)
        return seconds

    def hear(self, taken: Taken, told: Mapping[str, tuple[float, float]], now: float) -> None:
        """Take over what an answer to what was taken says is left, by dimension, and in how many seconds all is."""
        with self._lock:
            for meter, dimension in taken.limits.telling:
                if isinstance(meter, Told) and dimension in told and taken.amounts[dimension]:
                    meter.note_answer(taken)
                    meter.tell(*told[dimension], now)
            if self._busy:
                self._serve(now, None)
        if self._ended:
            self._settle_all(now)

    def withdraw(self, ticket: Ticket, now: float) -> None:
        """Leave the line, and give back what was taken meanwhile. Waits for steps of others at most."""
        self._ended.append((ticket, None))
        self._settle_all(now)

    def settle(self, taken: Taken, used: Amounts | None, now: float) -> None:
        """Say what was really used of what was taken; `None`: nothing at all. Waits for steps of others at most."""
        self._ended.append((taken, used))
        self._settle_all(now)

    def _settle_all(self, now: float) -> None:
        """Work off what ended; what a finalizer ends in the midst of a step here waits for the end of that.

        The lock is only ever taken by `with`: Ctrl-C between taking it and a `try` would leave it held for good.
        """
        lock = self._lock
        while self._ended and not lock._is_owned():
            with lock:
                while self._ended:
                    ended, used = self._ended.popleft()
                    if isinstance(ended, Ticket):
                        self._leave(ended, now)
                    else:
                        self._give_back(ended, used, now)
                if self._busy:
                    self._serve(now, None)

    def _leave(self, ticket: Ticket, now: float) -> None:
        if ticket.withdrawn:
            return
        ticket.withdrawn = True
        if ticket.taken is not None:
            self._give_back(ticket.taken, None, now)
            return
        self.waiting -= 1
        limits, priority = ticket.limits, ticket.priority
        limits.gone[priority] += 1
        line = limits.lines[priority]
        if limits.gone[priority] > _FEW and limits.gone[priority] * 2 > len(line):
            staying = [other for other in line if not other.withdrawn]
            line.clear()
            line.extend(staying)
            limits.gone[priority] = 0

    def _forget_line(self) -> None:
        """In a forked child, where those who wait are not."""
        for limits in self._busy.values():
            limits.gone = [0, 0]
            for line in limits.lines:
                line.clear()
        self._busy.clear()
        self._ended.clear()
        self.waiting = 0

    def _give_back(self, taken: Taken, used: Amounts | None, now: float) -> None:
        limits, amounts = taken.limits, taken.amounts
        for (meter, dimension), mark in zip(limits.marking, taken.marks):  # noqa: B905 - a few hundredths of all this
            amount = amounts[dimension]
            real = 0.0 if used is None else used.get(dimension, amount)
            if real != amount:
                most = meter.limit  # what is larger counts as the limit
                meter.change(mark, (real if real < most else most) - (amount if amount < most else most), now)
        for meter, dimension in limits.holding:
            amount = amounts[dimension]
            if amount:
                meter.change(taken, (0.0 if used is None else used.get(dimension, amount)) - amount, now)

    def _take(self, limits: LimitSet, amounts: Amounts, now: float) -> Taken | None:
        for meter, dimension in limits.counting:
            amount = amounts[dimension]
            if amount and meter.used + amount > meter.limit and meter.wait(amount, now):
                return None
        for meter, dimension in limits.telling:
            amount = amounts[dimension]
            if amount and meter.wait(amount, now):
                return None
        taken = Taken(limits, amounts)
        for meter, dimension in limits.marking:
            amount = amounts[dimension]
            taken.marks.append(meter.take(amount, now, taken) if amount else None)
        for meter, dimension in limits.holding:
            amount = amounts[dimension]
            if amount:
                meter.take(amount, now, taken)
        return taken

    def _serve(self, now: float, asking: Ticket | None) -> float:
        """Serve all whose turn it is. Returns after how many seconds `asking` has to look again."""
        blocked: set[int] = set()
        seconds = inf
        heads = sorted(self._heads(), key=lambda ticket: (ticket.priority, ticket.number), reverse=True)
        while heads:
            ticket = heads.pop()
            limits, amounts = ticket.limits, ticket.amounts
            if blocked and any(id(meter) in blocked for meter in limits.meters if amounts[meter.dimension]):
                blocked |= ticket.blocked
                continue
            waits = [(meter.wait(amounts[meter.dimension], now), meter) for meter in limits.meters]
            longest = max((wait for wait, _ in waits), default=0.0)
            if longest:
                ticket.blocked.update(id(meter) for wait, meter in waits if wait)
                blocked |= ticket.blocked
                if ticket is asking:
                    seconds = longest
                elif longest < inf and not ticket.is_timed:
                    ticket.is_timed = True  # it has to look at the clock from now on
                    if ticket.signal is not None:
                        ticket.signal.set()
                continue
            ticket.taken = self._take(limits, amounts, now)
            limits.lines[ticket.priority].popleft()
            self.waiting -= 1
            if ticket is asking:
                seconds = 0.0
            elif ticket.signal is not None:
                ticket.signal.set()
            following = self._head(limits, ticket.priority)
            if following is not None:
                place = next(
                    (at for at, other in enumerate(heads) if (other.priority, other.number) < _rank(following)),
                    len(heads),
                )
                heads.insert(place, following)
        if asking is not None:
            asking.is_timed = seconds < inf
        return seconds

    def _heads(self) -> list[Ticket]:
        heads = []
        for key, limits in list(self._busy.items()):
            firsts = [first for priority in (0, 1) if (first := self._head(limits, priority)) is not None]
            if not firsts:
                del self._busy[key]
            heads += firsts
        return heads

    @staticmethod
    def _head(limits: LimitSet, priority: int) -> Ticket | None:
        line = limits.lines[priority]
        while line and line[0].withdrawn:
            line.popleft()
            limits.gone[priority] -= 1
        return line[0] if line else None


def _rank(ticket: Ticket) -> tuple[int, int]:
    return ticket.priority, ticket.number
