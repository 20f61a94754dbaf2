"""Hedging in simulated time: random courses of calls, and what it is good for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.gates import LeaseLog

from polydriver import (
    AIError,
    AsyncAI,
    AttemptFinished,
    CostCalculated,
    Event,
    MessageSent,
    RequestFailed,
    RequestHedged,
    ResponseGenerated,
    StreamAbandoned,
)
from polydriver.testing import Simulation

outcomes = st.sampled_from(
    [
        {"content": "Hello!"},
        {"content": "Hello!", "delay": 0.5},
        {"content": "Hello!", "delay": 3.0},
        {"content": ""},
        {"error": 500},
        {"error": 429},
        {"error": 400},
        {"error": "timeout"},
        {"error": "cut"},
    ]
)


@settings(max_examples=25)
@given(
    st.integers(0, 2**16),
    st.lists(outcomes, min_size=1, max_size=8),
    st.lists(st.tuples(st.booleans(), st.sampled_from([None, 0.2, 1.0, 4.0])), min_size=3, max_size=8),
)
def test_any_course_of_calls(seed: int, replies: list[Any], calls: list[tuple[bool, float | None]]) -> None:
    """Each call has one beginning and one end, each attempt ends once before it, and nothing stays reserved."""
    simulation, gate, events = Simulation(seed), LeaseLog(), []
    hedging = {"enabled": True, "minimum_calls": 1, "percentile": 0.5, "max_ratio": 1.0}
    ai = AsyncAI.fake(
        lambda call: replies[simulation.random.randrange(len(replies))],
        hedging=hedging,
        retry_attempts=2,
        timeout=20.0,
        rate_limiting={"max_concurrent": 4},
    )
    provider = ai.provider()
    provider.connection.gates = (gate,)
    ai.on("*", events.append)

    async def one(stream: bool, patience: float | None) -> None:
        async def act() -> None:
            if stream:
                await provider.send_streaming_message("Hi", model="m").until_done()
            else:
                await provider.send_message("Hi", model="m")

        try:
            async with asyncio.timeout(patience):
                await act()
        except (AIError, TimeoutError):
            pass

    async def main() -> None:
        for call in [*calls, *calls]:
            await asyncio.gather(one(*call), one(*call))
        for _ in range(20):
            await asyncio.sleep(0)

    simulation.run(main())
    check_calls(events)
    gate.check([event.attempt for event in events if isinstance(event, AttemptFinished)])
    assert not provider.connection.outstanding
    assert len(provider.connection.running) == 0
    limits: Any = provider.connection.limits
    assert [one["used"] for one in limits.describe(simulation.now)] == [0]


def check_calls(events: list[Event]) -> None:
    by_call: dict[str, list[Event]] = {}
    for event in events:
        assert event.request_id is not None
        by_call.setdefault(event.request_id, []).append(event)
    for told in by_call.values():
        kinds = [type(event) for event in told]
        assert kinds[0] is MessageSent
        assert kinds.count(MessageSent) == 1
        assert sum(kind in (ResponseGenerated, RequestFailed, StreamAbandoned) for kind in kinds) == 1
        assert kinds.count(CostCalculated) <= 1
        assert kinds.count(RequestHedged) <= 1
        numbers = [event.attempt.number for event in told if isinstance(event, AttemptFinished)]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
        hedges = [event.attempt for event in told if isinstance(event, AttemptFinished) if event.attempt.hedge]
        assert len(hedges) == kinds.count(RequestHedged)
        ended = max((at for at, kind in enumerate(kinds) if kind is AttemptFinished), default=0)
        assert ended < next(at for at, kind in enumerate(kinds) if kind.__name__ in ENDS)


ENDS = ("ResponseGenerated", "RequestFailed", "StreamAbandoned")


@pytest.mark.parametrize(("seed", "stream"), [(1, False), (2, True)])
def test_the_slowest_get_quicker_and_few_are_sent_twice(seed: int, stream: bool) -> None:
    found = {hedging: simulate(seed, stream=stream, hedging=hedging) for hedging in (False, True)}
    for hedging, (calls, sent, slowest) in found.items():
        print(
            f"seed {seed}, hedging {hedging}: {calls} calls, {sent} requests, p99 of the first content {slowest:.2f} s"
        )
    calls, sent, slowest = found[True]
    assert slowest < 0.5 * found[False][2]
    assert 0.02 * calls < sent - calls <= 0.05 * calls
    assert found[False][0] == found[False][1]


def simulate(seed: int, *, stream: bool, hedging: bool) -> tuple[int, int, float]:
    """Calls, requests, and the 99th percentile of the seconds to the first content, of a service with a long tail."""
    simulation = Simulation(seed)
    service = simulation.service(latency=lambda chance: chance.uniform(5, 20) if chance.random() < 0.03 else 1.0)
    ai = AsyncAI.fake(service, hedging={"enabled": hedging})

    async def caller() -> float:
        began = simulation.now
        if not stream:
            await ai.provider().send_message("Hi")
            return simulation.now - began
        async with ai.provider().send_streaming_message("Hi") as chunks:
            first = next(iter([simulation.now async for chunk in chunks if chunk.content]))
        return first - began

    outcomes = simulation.run(simulation.callers(caller, per_second=10, seconds=100))
    took = sorted(one.value for one in outcomes if one.value is not None)
    assert len(took) == len(outcomes)
    return len(took), len(service.requests), took[int(0.99 * len(took))]
