"""Simulated time: policies over thousands of calls, the same run for the same seed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from polydriver import AI, AsyncAI, CircuitChanged, DeadlineExceededError
from polydriver.testing import Outage, Service, Simulation


def simulate(seed: int, **settings: Any) -> tuple[Service, dict[str, int], list[str]]:
    simulation = Simulation(seed)
    service = simulation.service(latency=(0.2, 1.5), outages=[Outage(60, 120)], failure_ratio=0.01)
    ai = AsyncAI.fake(service, **settings)
    states: list[str] = []
    ai.on(CircuitChanged, lambda event: states.append(event.state))

    async def caller() -> str:
        return (await ai.provider().send_message("Hi", model="m", deadline=30)).content

    outcomes = simulation.run(simulation.callers(caller, per_second=10, seconds=240))
    return service, dict(simulation.count(outcomes)), states


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_outage_of_a_minute(seed: int) -> None:
    service, counts, states = simulate(seed)
    assert service.requests[-1].at > 230, "four minutes have passed"
    assert service.sent(60, 120) < 40, "until the circuit opens, and then a handful of probes: not ten a second"
    assert service.sent(65, 120) < 10
    assert service.sent(60, 120, "answered") == 0
    assert states[0] == "open"
    assert states[-1] == "closed"
    assert counts["answered"] > 1200
    assert counts.get("MockServerError", 0) < 50
    assert counts["CircuitOpenError"] > 400
    assert service.sent(190, 240, "answered") > 400, "afterwards all are let in again"


def test_the_same_seed_gives_the_same_run() -> None:
    first, second, other = simulate(5), simulate(5), simulate(6)
    assert first[0].requests == second[0].requests
    assert first[1:] == second[1:]
    assert first[0].requests != other[0].requests


@pytest.mark.parametrize("seed", [1, 2])
def test_a_limit_of_ours_keeps_to_that_of_the_provider(seed: int) -> None:
    simulation = Simulation(seed)
    service = simulation.service(latency=0.5, requests_per_minute=100)
    ai = AsyncAI.fake(service, rate_limiting={"requests_per_minute": 100})

    async def caller() -> None:
        await ai.provider().send_message("Hi", model="m")

    outcomes = simulation.run(simulation.callers(caller, per_second=5, seconds=300))
    assert simulation.count(outcomes) == {"answered": len(outcomes)}
    assert service.sent(outcome="limited") == 0
    assert service.most_in(59.9) <= 100
    assert simulation.now > 600, "1,500 calls need fifteen minutes"


def test_without_one_the_provider_refuses_and_says_when_to_come_back() -> None:
    simulation = Simulation(3)
    service = simulation.service(requests_per_minute=10)
    ai = AsyncAI.fake(service, retry_attempts=1)

    async def caller() -> None:
        await ai.provider().send_message("Hi", model="m")

    outcomes = simulation.run(simulation.callers(caller, per_second=2, seconds=30))
    errors = [one.error for one in outcomes if one.error is not None]
    assert len(outcomes) - len(errors) == 10
    assert all(error.retry_after is not None and 0 < error.retry_after <= 61 for error in errors)


def test_deadlines_pass_in_simulated_time() -> None:
    simulation = Simulation(0)
    ai = AsyncAI.fake(simulation.service(latency=3600.0), timeout=7200.0, deadline=None)

    async def work() -> float:
        await ai.provider().send_message("Hi", model="m")
        return simulation.now

    assert simulation.run(work()) == pytest.approx(3600.0, abs=1.0)
    late = AsyncAI.fake(simulation.service(latency=3600.0), timeout=7200.0, deadline=None)
    with pytest.raises(DeadlineExceededError):
        simulation.run(late.provider().send_message("Hi", model="m", deadline=60))
    assert simulation.now == pytest.approx(3660.0, abs=1.0)


def test_threads_are_waited_for() -> None:
    simulation = Simulation()

    async def work() -> str:
        return await asyncio.to_thread(lambda: "done")

    assert simulation.run(work()) == "done"
    assert str(simulation.seed) in repr(simulation)


def test_the_clock_is_the_real_one_again_afterwards() -> None:
    simulation = Simulation(1)
    simulation.run(asyncio.sleep(10_000))
    ai = AI.fake(simulation.service(), rate_limiting={"requests_per_minute": 2})
    assert ai.provider().send_message("Hi", model="m", deadline=5).content == "Hello!"
