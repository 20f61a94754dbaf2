"""The scripts in a real Redis beside the limits in process, step by step, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.servers import RedisServer

from polydriver.engine.policies.limits import Slots, Window
from polydriver.engine.policies.limits.meters import Hold
from polydriver.engine.policies.limits.over_redis.scripts import RENEW, SETTLE, TAKE, renewal, settlement, taken, taking

OWN = ["{t}:leases", "{t}:line", "{t}:places"]
LIMITS = [
    ("{t}:requests", 6, 60_000),
    ("{t}:tokens", 100, 60_000),
    ("{t}:tokens_day", 150, 86_400_000),
    ("{t}:once", 3, 0),
]
LEASE = 40_000


class Clocked:
    """The scripts, which ask a key for the time in place of the server's clock."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.now = 1_000_000_000_000

    def run(self, script: Any, keys: list[str], *arguments: Any) -> Any:
        source = script.source.replace("redis.call('TIME')", "redis.call('LRANGE', '{t}:clock', 0, 1)")
        assert source != script.source
        self.client.delete("{t}:clock")
        self.client.rpush("{t}:clock", self.now // 1000, self.now % 1000 * 1000)
        return self.client.eval(source, len(keys), *keys, *arguments)

    def take(
        self,
        calls: list[tuple[str, list[int]]],
        place: str = "",
        low: int = 0,
        ends: Sequence[tuple[str, int, list[int]]] = (),
    ) -> list[int]:
        sizes = [number for _, size, window in LIMITS for number in (size, window)]
        of_calls = [(id, *amounts) for id, amounts in calls]
        keys = [key for key, _, _ in LIMITS] + OWN
        settled = [self.told(*end, first=1) for end in ends]
        return taken(self.run(TAKE, keys, taking(sizes, LEASE, place, low, 3000, of_calls, settled)))

    def settle(self, id: str, taken: int, differences: list[int], *places: str) -> int:
        told = self.told(id, taken, differences, first=4)
        return int(self.run(SETTLE, OWN + [key for key, _, _ in LIMITS], settlement([told], places)))

    @staticmethod
    def told(id: str, taken_at: int, differences: list[int], first: int) -> tuple[str, int, list[int]]:
        """What the scripts are told of an end, where the limits are the keys from `first` on."""
        changes = [
            part for number, ((_, _, window), difference) in enumerate(zip(LIMITS, differences, strict=True), first)
            for part in (number, window, difference) if window or difference
        ]  # fmt: skip
        return id, taken_at, changes


amounts = st.tuples(st.integers(0, 1), st.integers(0, 60), st.integers(0, 60), st.integers(0, 1)).map(list)


class SameAsInProcess(RuleBasedStateMachine):
    """Takes, ends and the passing of time: the same answers and the same sums as of the meters in process."""

    client: Any

    @initialize()
    def begin(self) -> None:
        self.client.flushall()
        self.redis = Clocked(self.client)
        self.meters: list[Any] = [
            Window(key, key, size, window / 1000) if window else Slots(key, size) for key, size, window in LIMITS
        ]
        self.open: dict[str, tuple[int, list[int], list[Any], float]] = {}
        self.count = 0

    def expire(self) -> None:
        for id, (_, wanted, marks, till) in list(self.open.items()):
            if till <= self.redis.now:
                self.meters[3].change(marks[3], -wanted[3], 0.0)
                del self.open[id]

    @rule(wanted=amounts)
    def take(self, wanted: list[int]) -> None:
        now = self.redis.now / 1000
        self.count += 1
        id = f"c{self.count}"
        wanted = [min(amount, size) for amount, (_, size, _) in zip(wanted, LIMITS, strict=True)]
        forgotten = [meter.wait(0.0, now) for meter in self.meters]
        assert len(forgotten) == len(LIMITS)
        waits = [meter.wait(amount, now) if amount else 0.0 for meter, amount in zip(self.meters, wanted, strict=True)]
        served, wait, why, at, *used = self.redis.take([(id, wanted)])
        assert at == self.redis.now
        if max(waits) == 0.0:
            assert (served, wait, why) == (1, 0, 0)
            hold = Hold()
            marks = [
                meter.take(amount, now, hold) or hold if amount else None
                for meter, amount in zip(self.meters, wanted, strict=True)
            ]
            self.open[id] = (at, wanted, marks, self.redis.now + LEASE)
        else:
            assert served == 0
            known = [seconds for seconds in waits if 0 < seconds < float("inf")]
            assert wait == (round(max(known) * 1000) if known else -1)
        assert used == [round(meter.used) for meter in self.meters]

    @rule(data=st.data(), twice=st.booleans(), along=st.booleans())
    def end(self, data: st.DataObject, twice: bool, along: bool) -> None:
        """`along`: with a call that takes nothing."""
        if not self.open:
            return
        id = data.draw(st.sampled_from(sorted(self.open)))
        taken, wanted, marks, _ = self.open.pop(id)
        real = [
            data.draw(st.integers(0, size)) if amount else 0
            for amount, (_, size, _) in zip(wanted, LIMITS, strict=True)
        ]
        differences = [used - amount for used, amount in zip(real, wanted, strict=True)]
        differences[3] = -wanted[3]
        if along:
            assert self.redis.take([("none", [0] * len(LIMITS))], ends=[(id, taken, differences)])[0] == 1
        else:
            assert self.redis.settle(id, taken, differences) == 1
        for meter, mark, difference in zip(self.meters, marks, differences, strict=True):
            if difference:
                meter.change(mark, difference, self.redis.now / 1000)
        if twice:
            assert self.redis.settle(id, taken, [50, 50, 50, 0]) == 0, "a lease is settled once"

    @rule(seconds=st.one_of(st.integers(1, 3000), st.integers(3000, 70_000), st.just(40_000_000), st.just(90_000_000)))
    def later(self, seconds: int) -> None:
        self.redis.now += seconds
        self.expire()

    @invariant()
    def nothing_is_over_its_limit_but_what_was_underestimated(self) -> None:
        if hasattr(self, "meters"):
            assert int(self.client.zcard("{t}:once")) <= 3


def test_same_answers_as_in_process(server: RedisServer) -> None:
    SameAsInProcess.client = redis.Redis.from_url(server.url)
    run_state_machine_as_test(SameAsInProcess, settings=settings(max_examples=30, stateful_step_count=30))
    SameAsInProcess.client.close()


def clocked(server: RedisServer) -> Clocked:
    return Clocked(redis.Redis.from_url(server.url))


def test_a_large_call_is_not_overtaken_by_small_ones_of_others(server: RedisServer) -> None:
    ours = clocked(server)
    assert ours.take([("a", [1, 70, 0, 0])])[0] == 1
    served, wait, why, *_ = ours.take([("large", [1, 60, 0, 0])], place="p1")
    assert (served, why) == (0, 2)
    assert 60_000 <= wait <= 61_000
    assert ours.take([("small", [1, 10, 0, 0])], place="p2")[:3] == [0, -1, 2], "there is room, but another is first"
    assert ours.take([("other", [1, 0, 0, 1])], place="p3")[0] == 1, "it needs nothing that anybody waits for"
    for _ in range(21):
        assert ours.take([("small", [1, 10, 0, 0])], place="p2")[0] == 0
        ours.now += wait // 21 + 1
        served = ours.take([("large", [1, 60, 0, 0])], place="p1")[0]
    assert served == 1
    assert ours.take([("small", [1, 10, 0, 0])], place="p2")[0] == 1
    assert ours.client.exists(*OWN[1:]) == 0
    ours.client.close()


def test_a_silent_place_blocks_nobody_for_long(server: RedisServer) -> None:
    ours = clocked(server)
    ours.take([("a", [1, 70, 0, 0])])
    ours.take([("large", [1, 60, 0, 0])], place="dead")
    assert ours.take([("small", [1, 10, 0, 0])], place="p2")[0] == 0
    ours.now += 3001
    assert ours.take([("small", [1, 10, 0, 0])], place="p2")[0] == 1
    ours.client.close()


def test_high_priority_goes_first_and_a_place_can_be_left(server: RedisServer) -> None:
    ours = clocked(server)
    ours.take([("a", [1, 70, 0, 0])])
    ours.take([("bulk", [1, 60, 0, 0])], place="low", low=1)
    assert ours.take([("quick", [1, 10, 0, 0])], place="high")[0] == 1
    ours.take([("large", [1, 60, 0, 0])], place="high")
    assert ours.take([("bulk", [1, 5, 0, 0])], place="low", low=1)[0] == 0
    ours.settle("none", 0, [0, 0, 0, 0], "high")
    assert ours.take([("bulk", [1, 5, 0, 0])], place="low", low=1)[0] == 1
    ours.client.close()


def test_several_calls_in_one_step_until_one_does_not_fit(server: RedisServer) -> None:
    ours = clocked(server)
    calls = [(f"c{number}", [1, 0, 0, 1]) for number in range(5)]
    served, wait, why, _, *used = ours.take(calls, place="p")
    assert (served, wait, why, used) == (3, -1, 4, [3, 0, 0, 3])
    ours.client.close()


def test_leases_are_kept_while_they_are_renewed(server: RedisServer) -> None:
    ours = clocked(server)
    ours.take([("a", [1, 0, 0, 1]), ("b", [1, 0, 0, 1])])
    ours.now += 30_000
    assert ours.run(RENEW, ["{t}:once"], renewal(LEASE, ["a"])) == 1
    ours.now += 15_000
    assert ours.take([("c", [1, 0, 0, 1])])[4:] == [3, 0, 0, 2], "b is gone"
    assert ours.settle("a", 1, [0, 0, 0, -1]) == 1
    assert ours.settle("b", 1, [0, 0, 0, -1]) == 0
    ours.client.close()


def test_no_minute_holds_more_than_the_limit(server: RedisServer) -> None:
    ours = clocked(server)

    @given(st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 40)), min_size=30, max_size=80))
    @settings(max_examples=15)
    def check(steps: list[tuple[int, int]]) -> None:
        ours.client.flushall()
        taken: list[tuple[int, int]] = []
        for number, (pause, tokens) in enumerate(steps):
            ours.now += pause
            if ours.take([(f"c{number}", [0, tokens, 0, 0])])[0]:
                taken.append((ours.now, tokens))
        for at, _ in taken:
            assert sum(tokens for moment, tokens in taken if at <= moment < at + 60_000) <= 100

    check()
    ours.client.close()


def test_those_who_came_at_the_same_moment_do_not_block_each_other(server: RedisServer) -> None:
    ours = clocked(server)
    ours.take([(f"c{number}", [0, 0, 0, 1]) for number in range(3)])
    for place in ("p1", "p2", "p3"):
        assert ours.take([(place, [0, 0, 0, 1])], place=place)[:3] == [0, -1, 4]
    for number in range(3):
        ours.settle(f"c{number}", 0, [0, 0, 0, -1])
    for _ in range(3):
        served = [ours.take([(place, [0, 0, 0, 1])], place=place)[0] for place in ("p3", "p2", "p1")]
        assert sum(served) == 1
    ours.client.close()
