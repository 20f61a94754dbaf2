"""The line of those who wait, beside a slow one that keeps everything and looks at everybody."""

from __future__ import annotations

import os
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydriver.engine.policies.limits import Limiter, LimitSet, Slots, Ticket, Window
from polydriver.engine.policies.limits.limiter import Amounts, Taken
from polydriver.engine.policies.limits.meters import Told

KINDS: list[tuple[str, ...]] = [("requests", "tokens", "slots"), ("requests",), ("tokens", "slots"), ("day", "tokens")]
LIMITS = {"requests": 4.0, "tokens": 100.0, "day": 260.0, "slots": 3.0}
SECONDS = {"requests": 60.0, "tokens": 60.0, "day": 86400.0}
DIMENSIONS = {"requests": "requests", "tokens": "tokens", "day": "tokens", "slots": "concurrent"}


class SlowCall:
    """One in the slow line, and what it took: for each meter, when and how much."""

    def __init__(self, rank: tuple[int, int], kind: int, size: float) -> None:
        self.rank = rank
        self.kind = kind
        self.amounts = {name: self._of(name, size) for name in KINDS[kind]}
        self.blocked: set[str] = set()
        self.since: float | None = None

    @staticmethod
    def _of(name: str, size: float) -> float:
        return min(size, LIMITS[name]) if DIMENSIONS[name] == "tokens" else 1.0


class SlowLine:
    """The rules once more, from memory of all calls that ever were."""

    def __init__(self) -> None:
        self.line: list[SlowCall] = []
        self.served: list[SlowCall] = []
        self.held: list[SlowCall] = []

    def used(self, name: str, now: float) -> float:
        if name == "slots":
            return sum(call.amounts.get(name, 0.0) for call in self.held)
        step = SECONDS[name] / 60
        return sum(
            call.amounts.get(name, 0.0)
            for call in self.served
            if call.since is not None and (floor(call.since / step) + 1) * step + SECONDS[name] > now
        )

    def lacking(self, call: SlowCall, now: float) -> set[str]:
        return {name for name, amount in call.amounts.items() if self.used(name, now) + amount > LIMITS[name] + 1e-9}

    def serve(self, now: float) -> None:
        blocked: set[str] = set()
        passed: set[tuple[int, int]] = set()
        for call in sorted(self.line, key=lambda call: call.rank):
            lane = (call.rank[0], call.kind)
            if lane in passed:
                continue
            if blocked.isdisjoint(call.amounts):
                lacking = self.lacking(call, now)
                if not lacking:
                    call.since = now
                    self.line.remove(call)
                    self.served.append(call)
                    self.held.append(call)
                    continue
                call.blocked |= lacking
            passed.add(lane)
            blocked |= call.blocked


class Both:
    """The limiter and the slow line, side by side."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.meters: dict[str, Any] = {
            name: Window(name, DIMENSIONS[name], LIMITS[name], seconds) for name, seconds in SECONDS.items()
        }
        self.meters["slots"] = Slots("slots", LIMITS["slots"])
        self.sets = [LimitSet([self.meters[name] for name in names]) for names in KINDS]
        self.limiter, self.slow = Limiter(), SlowLine()
        self.waiting: list[tuple[Ticket, SlowCall]] = []
        self.held: list[tuple[Taken, SlowCall]] = []

    def ask(self, kind: int, size: int, low: bool) -> None:
        limits = self.sets[kind]
        amounts: Amounts = {"requests": 1.0, "tokens": float(size), "concurrent": 1.0}
        twin = SlowCall((int(low), self.limiter._number + 1), kind, float(size))
        taken = self.limiter.take(limits, amounts, self.now)
        self.slow.line.append(twin)
        self.slow.serve(self.now)
        if taken is not None:
            self.held.append((taken, twin))
        else:
            self.waiting.append((self.limiter.enter(limits, amounts, self.now, None, low=low)[0], twin))

    def settle(self, index: int, share: float) -> None:
        if self.held:
            taken, twin = self.held.pop(index % len(self.held))
            used = {"requests": 1.0, "tokens": twin.amounts.get("tokens", twin.amounts.get("day", 0.0)) * share}
            for name in twin.amounts:
                if DIMENSIONS[name] == "tokens":
                    twin.amounts[name] = min(used["tokens"], LIMITS[name])
            self.limiter.settle(taken, used, self.now)
            self.slow.held.remove(twin)
            self.slow.serve(self.now)

    def leave(self, index: int) -> None:
        if self.waiting:
            ticket, twin = self.waiting.pop(index % len(self.waiting))
            self.limiter.withdraw(ticket, self.now)
            self.slow.line.remove(twin)
            self.slow.serve(self.now)

    def time(self, seconds: float) -> None:
        self.now += seconds
        for ticket, _ in self.waiting:
            self.limiter.look(ticket, self.now)
        self.slow.serve(self.now)

    def check(self) -> None:
        for ticket, twin in list(self.waiting):
            assert (ticket.taken is None) == (twin.since is None)
            if ticket.taken is not None:
                self.waiting.remove((ticket, twin))
                self.held.append((ticket.taken, twin))
        assert self.limiter.waiting == len(self.slow.line)
        for name, meter in self.meters.items():
            meter.wait(0.0, self.now)
            assert meter.used == pytest.approx(self.slow.used(name, self.now), abs=1e-6)


sizes = st.integers(1, 150)
steps = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, len(KINDS) - 1), sizes, st.booleans()),
    st.tuples(st.just("settle"), st.integers(0, 20), st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    st.tuples(st.just("leave"), st.integers(0, 20)),
    st.tuples(st.just("time"), st.sampled_from([0.0, 0.25, 1.0, 13.5, 60.0, 61.0, 1440.0, 90_000.0])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=60))
def test_it_serves_whom_a_slow_one_serves(program: list[Any]) -> None:
    both = Both()
    for name, *arguments in program:
        getattr(both, name)(*arguments)
        both.check()


def amounts(tokens: float) -> Amounts:
    return {"tokens": tokens, "concurrent": 1.0}


def test_a_large_call_finds_room_in_two_limits() -> None:
    """Small calls that need one of them come all the time; it keeps the room of the one until the other has some."""
    x, y = Window("x", "tokens", 100, 60.0), Window("y", "tokens", 100, 60.0)
    only_x, only_y, limiter = LimitSet([x]), LimitSet([y]), Limiter()
    limiter.take(only_x, amounts(10), 1000.0)
    limiter.take(only_y, amounts(10), 1030.0)
    large, _ = limiter.enter(LimitSet([x, y]), amounts(100), 1030.0)
    for second in range(1031, 1031 + 124):
        for limits in (only_x, only_y):
            if limiter.take(limits, amounts(10), second) is None:
                limiter.enter(limits, amounts(10), second)
        limiter.look(large, second)
    assert large.taken is not None


def test_what_is_larger_than_the_limit_stays_the_limit_when_it_was_really_used() -> None:
    window, limiter = Window("w", "tokens", 100, 60.0), Limiter()
    limits = LimitSet([window])
    taken = limiter.take(limits, amounts(1000), 1000.0)
    assert taken is not None
    limiter.settle(taken, amounts(950), 1000.0)
    assert window.used == 100
    assert limiter.take(limits, amounts(1), 1000.0) is None


def test_those_who_leave_behind_one_who_waits_are_forgotten() -> None:
    limits, limiter = LimitSet([Window("w", "tokens", 10, 60.0)]), Limiter()
    limiter.take(limits, amounts(10), 0.0)
    first, _ = limiter.enter(limits, amounts(10), 0.0)
    for _ in range(3000):
        limiter.withdraw(limiter.enter(limits, amounts(1), 0.0)[0], 0.0)
    assert limiter.waiting == 1
    assert len(limits.lines[0]) < 50
    limiter.look(first, 61.0)
    assert first.taken is not None


def test_who_leaves_twice_gives_back_once() -> None:
    slots, limiter = Slots("c", 2), Limiter()
    limits = LimitSet([slots])
    first, second = limiter.take(limits, amounts(0), 0.0), limiter.take(limits, amounts(0), 0.0)
    ticket, _ = limiter.enter(limits, amounts(0), 0.0)
    assert first is not None
    assert second is not None
    limiter.settle(first, None, 0.0)
    assert ticket.taken is not None
    limiter.withdraw(ticket, 0.0)
    limiter.withdraw(ticket, 0.0)
    assert slots.used == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_holds_nothing_and_waits_for_nobody() -> None:
    slots, limiter = Slots("c", 1), Limiter()
    limits = LimitSet([slots])
    taken = limiter.take(limits, amounts(0), 0.0)
    limiter.enter(limits, amounts(0), 0.0)
    child = os.fork()
    if child == 0:
        os._exit(0 if limiter.waiting == 0 and limiter.take(limits, amounts(0), 0.0) is not None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (slots.used, limiter.waiting) == (1, 1)
    assert taken is not None


def test_what_its_holder_lost_is_free_again() -> None:
    slots, limiter = Slots("c", 1), Limiter()
    limits = LimitSet([slots])
    taken = limiter.take(limits, amounts(0), 0.0)
    waiting, _ = limiter.enter(limits, amounts(0), 0.0)
    del taken  # as Ctrl-C does it between taking and keeping
    assert slots.used == 0
    assert limiter.look(waiting, 1.0) == 0.0
    assert waiting.taken is not None


def test_what_the_provider_says_is_left_counts_only_what_is_under_way() -> None:
    told, limiter = Told("told", "requests"), Limiter()
    limits = LimitSet([told])
    for left in range(500, 0, -1):
        taken = limiter.take(limits, {"requests": 1.0}, 0.0)
        assert taken is not None
        limiter.settle(taken, {"requests": 1.0}, 0.0)
        told.tell(left, 30.0, 0.0)
    assert (told.used, told.left) == (0, 1)
    under_way = limiter.take(limits, {"requests": 1.0}, 0.0)
    told.tell(5, 30.0, 0.0)
    assert (told.used, told.left) == (1, 4)
    del under_way
    assert told.used == 0
