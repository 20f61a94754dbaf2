"""The limiter as a pure thing: never over a limit, nothing stays taken, first come, first served."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polydriver.engine.policies.limits.limiter import Limiter, LimitSet, Taken, Ticket
from polydriver.engine.policies.limits.meters import Hold, Slots, Window

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask low", "settle", "settle less", "settle nothing", "withdraw", "time"]),
        st.integers(0, 6), st.integers(1, 120),
    ),
    max_size=80,
)  # fmt: skip


class Wake:
    """A signal that counts."""

    def __init__(self) -> None:
        self.count = 0

    def set(self) -> None:
        self.count += 1


class World:
    """A few kinds of calls over meters that they share, a clock, and a slow account of all that was taken."""

    def __init__(self) -> None:
        self.requests = Window("requests", "requests", 5, 60.0)
        self.tokens = Window("tokens", "tokens", 100, 60.0)
        self.day = Window("day", "tokens", 300, 86400.0)
        self.slots = Slots("slots", 3)
        self.sets = [
            LimitSet([self.requests, self.tokens, self.day, self.slots]),
            LimitSet([self.requests, self.slots]),
            LimitSet([self.tokens]),
        ]
        self.limiter = Limiter()
        self.now = 1000.0
        self.waiting: list[Ticket] = []
        self.held: list[tuple[LimitSet, Taken]] = []
        self.account: list[tuple[float, int, float]] = []  # when, meter, how much
        self.served: list[int] = []

    def note(self, limits: LimitSet, taken: Taken) -> None:
        assert taken.limits is limits
        assert len(taken.marks) == sum(isinstance(meter, Window) for meter in limits.meters)
        self.held.append((limits, taken))
        self.account += [(self.now, id(meter), taken.amounts[meter.dimension]) for meter in limits.meters]

    def collect(self) -> None:
        for ticket in list(self.waiting):
            if ticket.taken is not None:
                self.waiting.remove(ticket)
                self.served.append(ticket.number)
                self.note(ticket.limits, ticket.taken)

    def ask(self, kind: int, size: int, *, low: bool) -> None:
        limits = self.sets[kind % len(self.sets)]
        amounts = {"requests": 1.0, "tokens": float(size), "concurrent": 1.0}
        taken = self.limiter.take(limits, amounts, self.now)
        if taken is not None:
            self.note(limits, taken)
            return
        ticket, _ = self.limiter.enter(limits, amounts, self.now, Wake(), low=low)
        self.waiting.append(ticket)

    def settle(self, index: int, share: float | None) -> None:
        if self.held:
            taken = self.held.pop(index % len(self.held))[1]
            used = None if share is None else {name: amount * share for name, amount in taken.amounts.items()}
            self.limiter.settle(taken, used, self.now)

    def look(self) -> None:
        for ticket in list(self.waiting):
            self.limiter.look(ticket, self.now)

    def check(self) -> None:
        for meter in (self.requests, self.tokens, self.day):
            recent = sum(
                min(amount, meter.limit) for when, key, amount in self.account
                if key == id(meter) and when > self.now - meter.seconds
            )  # fmt: skip
            assert meter.used <= meter.limit + 1e-6
            assert recent <= meter.limit + 1e-6 or self.gave_back
        assert 0 <= self.slots.used <= self.slots.limit

    gave_back = False


def run(world: World, steps: list[Any]) -> None:
    for kind, which, size in steps:
        if kind.startswith("ask"):
            world.ask(which, size, low=kind == "ask low")
        elif kind.startswith("settle"):
            world.gave_back |= kind != "settle"
            world.settle(which, {"settle": 1.0, "settle less": 0.5}.get(kind))
        elif kind == "withdraw" and world.waiting:
            world.limiter.withdraw(world.waiting.pop(which % len(world.waiting)), world.now)
        elif kind == "time":
            world.now += size
            world.look()
        world.collect()
        world.check()


@given(STEPS)
def test_never_over_a_limit_and_nothing_stays_taken(steps: list[Any]) -> None:
    world = World()
    run(world, steps)
    while world.waiting or world.held:  # everyone is served in the end
        while world.held:
            world.settle(0, 1.0)
            world.collect()
        world.now += 90_000.0
        world.look()
        world.collect()
    assert world.slots.used == 0
    assert world.limiter.waiting == 0
    world.now += 90_000.0
    for meter in (world.requests, world.tokens, world.day):
        meter.wait(0, world.now)
        assert meter.used == 0


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_first_come_first_served(sizes: list[int]) -> None:
    world = World()
    for size in sizes:
        world.ask(2, size, low=False)
    numbers = [ticket.number for ticket in world.waiting]
    while world.waiting:
        world.now += 1.0
        world.look()
        world.collect()
    assert world.served == numbers


def test_a_large_call_is_not_starved() -> None:
    world = World()
    world.ask(2, 60, low=False)
    world.ask(2, 90, low=False)  # waits
    world.ask(2, 10, low=False)  # would fit, but has come later
    assert len(world.waiting) == 2
    world.ask(1, 1, low=False)  # needs none of these meters
    world.collect()
    assert len(world.held) == 2
    world.now += 61.5
    world.look()
    world.collect()
    assert world.served == [3, 1, 2]
    assert world.waiting == []


def test_low_priority_yields() -> None:
    world = World()
    for _ in range(3):
        world.ask(1, 1, low=False)
    world.ask(1, 1, low=True)
    world.ask(1, 1, low=False)
    for _ in range(2):
        world.settle(0, 1.0)
        world.collect()
    assert world.served == [2, 1]


def test_who_becomes_the_first_is_told_to_look_at_the_clock() -> None:
    limiter = Limiter()
    limits = LimitSet([Window("w", "tokens", 10, 60.0)])
    assert limiter.take(limits, {"tokens": 10.0}, 0.0) is not None
    first, seconds = limiter.enter(limits, {"tokens": 10.0}, 0.5, Wake())
    assert 60.0 <= seconds <= 61.0
    second, forever = limiter.enter(limits, {"tokens": 10.0}, 0.5, wake := Wake())
    assert forever == float("inf")
    limiter.look(first, 62.0)
    assert first.taken is not None
    assert wake.count == 1
    assert 60.0 <= limiter.look(second, 62.0) <= 61.0
    limiter.withdraw(second, 63.0)
    assert limiter.waiting == 0


def test_most_of_a_limit_can_be_used() -> None:
    window, used, now = Window("w", "requests", 60, 60.0), 0, 0.0
    while now < 600.0:
        if not window.wait(1, now):
            window.take(1, now, Hold())
            used += 1
        else:
            now += 0.25
    assert used >= 0.95 * 600
