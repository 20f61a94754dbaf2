"""Circuits and the retry budget: a failing provider is left alone, and let in again step by step."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import AI, AIError, CircuitChanged, CircuitOpenError, MockDriver, StreamInterruptedError
from polydriver.config import CircuitConfig
from polydriver.engine.policies.circuit import Circuit
from polydriver.engine.policies.retry import RetryBudget
from polydriver.engine.waiting import no_waiting
from polydriver.errors import RateLimitError, ServerError

RULES = CircuitConfig(minimum_calls=4, window=10.0, open_time=2.0, max_open_time=8.0, probes=1, recovery=3)


def opened(now: float = 0.0) -> Circuit:
    circuit = Circuit(RULES)
    for _ in range(4):
        mark = circuit.admit(now)
        assert mark is not None
        circuit.settle(mark, "failure", now, 0.0)
    assert circuit.state == "open"
    return circuit


def test_opens_probes_and_closes() -> None:
    circuit = opened()
    assert circuit.admit(1.9) is None
    assert circuit.retry_after(1.5) == 0.5
    probe = circuit.admit(2.0)
    assert probe is not None
    assert circuit.admit(2.0) is None
    circuit.settle(probe, "success", 2.1, 0.0)
    pair = [circuit.admit(2.2), circuit.admit(2.2)]
    assert None not in pair
    assert circuit.admit(2.2) is None
    for mark in pair:
        circuit.settle(mark or 0, "success", 2.3, 0.0)
    assert circuit.state == "closed"


def test_open_longer_each_time() -> None:
    circuit, now = opened(), 0.0
    for expected in (2.0, 4.0, 8.0, 8.0):
        assert circuit.retry_after(now) == expected
        now += expected
        mark = circuit.admit(now)
        assert mark is not None
        circuit.settle(mark, "failure", now, 0.0)


def test_what_began_before_does_not_count_afterwards() -> None:
    circuit = Circuit(RULES)
    early = [circuit.admit(0.0) for _ in range(8)]
    for mark in early[:4]:
        circuit.settle(mark or 0, "failure", 1.0, 0.0)
    assert circuit.state == "open"
    probe = circuit.admit(3.5)
    assert probe is not None
    for mark in early[4:]:
        circuit.settle(mark or 0, "failure", 3.6, 0.0)
    assert circuit.report(3.6)[0] == "half_open"
    assert circuit.in_flight == 1


def test_old_failures_are_forgotten() -> None:
    circuit = Circuit(RULES)
    for second in range(40):
        mark = circuit.admit(second * 5.0)
        assert mark is not None
        circuit.settle(mark, "failure", second * 5.0, 0.0)
        assert circuit.state == "closed"


STEPS = st.lists(
    st.tuples(st.sampled_from(["admit", "success", "failure", "nothing", "time"]), st.integers(0, 20)), max_size=200
)


@given(STEPS)
def test_never_more_probes_than_allowed_and_never_stuck(steps: list[tuple[str, int]]) -> None:
    circuit, now, running = Circuit(RULES), 0.0, []
    for kind, value in steps:
        if kind == "time":
            now += value / 4
        elif kind == "admit":
            mark = circuit.admit(now)
            if mark is not None:
                running.append(mark)
        elif running:
            circuit.settle(running.pop(value % len(running)), kind, now, value / 21)  # type: ignore[arg-type]
        assert circuit.in_flight <= max(1, 2**RULES.recovery)
    for mark in running:
        circuit.settle(mark, "nothing", now, 0.0)
    for _ in range(50):  # a provider that works again is let in
        now += 9.0
        mark = circuit.admit(now)
        assert mark is not None
        circuit.settle(mark, "success", now, 0.0)
    assert circuit.state == "closed"


def test_an_outage_of_a_minute_and_fifty_callers() -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    circuit = Circuit(CircuitConfig(open_time=1.0, max_open_time=30.0))
    sent, now = 0, 0.0
    while now < 60.0:
        now += chance.expovariate(50.0)
        mark = circuit.admit(now)
        if mark is not None:
            sent += 1
            circuit.settle(mark, "failure", now, chance.random())
    assert sent <= 10 + 7
    back = []
    while circuit.state != "closed" and now < 200.0:
        now += 0.5
        marks = [mark for _ in range(50) if (mark := circuit.admit(now)) is not None]
        back.append(len(marks))
        for mark in marks:
            circuit.settle(mark, "success", now, 0.0)
    assert [count for count in back if count][:2] == [1, 2]
    assert circuit.state == "closed"


@pytest.mark.parametrize("failure", ["server_error", "unavailable", "overloaded", "connection", "bad_json", "timeout"])
def test_failures_that_open_it(failure: str) -> None:
    driver = MockDriver(
        replies=[{"error": failure}] * 10, default="fine", retry_attempts=1, circuit={"window": 1e5, "open_time": 1e5}
    )
    told: list[CircuitChanged] = []
    driver.on(CircuitChanged, told.append)
    with no_waiting():
        for _ in range(10):
            with pytest.raises(AIError):
                driver.send_message("Hi", model="m", timeout=0.5)
        with pytest.raises(CircuitOpenError) as caught:
            driver.send_message("Hi", model="m")
    assert caught.value.retry_after is not None
    assert len(driver.calls) == 10
    assert [(event.before, event.state, event.model) for event in told] == [("closed", "open", "m")]
    assert driver.send_message("Hi", model="other").content == "fine"
    (report,) = [report for report in driver.circuits() if report.model == "m"]
    assert report.state == "open"


@pytest.mark.parametrize("failure", ["rate_limit", "quota", "credentials", "invalid_request", "content_filter", 404])
def test_failures_that_never_open_it(failure: Any) -> None:
    driver = MockDriver(replies=[{"error": failure}] * 40, default="fine", retry_attempts=1)
    for _ in range(40):
        with pytest.raises(AIError):
            driver.send_message("Hi", model="m")
    assert driver.circuits()[0].state == "closed"
    assert driver.send_message("Hi", model="m").content == "fine"


def test_a_provider_that_dies_at_its_third_chunk_opens_it() -> None:
    driver = MockDriver(default={"error": "cut", "text": "a long answer that is cut", "after": 3}, chunk_size=2)
    for _ in range(10):
        with pytest.raises(StreamInterruptedError), driver.send_streaming_message("Hi", model="m") as stream:
            stream.until_done()
    with pytest.raises(CircuitOpenError):
        driver.send_streaming_message("Hi", model="m").until_done()


def test_streams_that_are_left_count_as_nothing() -> None:
    driver = MockDriver(default="a long answer", chunk_size=2)
    for _ in range(20):
        with driver.send_streaming_message("Hi", model="m") as stream:
            next(stream)
    assert driver.circuits()[0].calls == 0


def test_slow_calls_count_where_they_are_to() -> None:
    driver = MockDriver(default="slow", delay=5.0, circuit={"slow_call": 2.0, "minimum_calls": 3})
    with no_waiting():
        for _ in range(3):
            driver.send_message("Hi", model="m")
        with pytest.raises(CircuitOpenError):
            driver.send_message("Hi", model="m")


async def test_back_again_async_and_shown_by_the_manager() -> None:
    settings = {"driver": "mock", "retry_attempts": 1, "replies": [{"error": 500}] * 4, "default": "fine",
                "circuit": {"minimum_calls": 4, "open_time": 3.0}}  # fmt: skip
    ai = AI({"default": "a", "providers": {"a": settings, "b": {"driver": "mock"}}}, env={})
    provider = ai.asynchronous().provider("a")
    with no_waiting():
        for _ in range(4):
            with pytest.raises(AIError):
                await provider.send_message("Hi", model="m")
        with pytest.raises(CircuitOpenError) as caught:
            await provider.send_message("Hi", model="m")
        assert [report.state for report in ai.circuits()] == ["open"]
        await provider._pipeline.port.sleep((caught.value.retry_after or 0) + 0.01)
        for _ in range(5):
            assert (await provider.send_message("Hi", model="m")).content == "fine"
    assert [report.state for report in ai.circuits()] == ["closed"]


def test_disabled() -> None:
    driver = MockDriver(default={"error": 500}, retry_attempts=1, circuit={"enabled": False})
    for _ in range(30):
        with pytest.raises(AIError):
            driver.send_message("Hi", model="m")
    assert len(driver.calls) == 30
    assert driver.circuits() == []


def test_the_budget_of_retries() -> None:
    budget = RetryBudget(capacity=30)
    assert budget.take(ServerError("x")) == 14
    assert budget.take(RateLimitError("x")) == 5
    assert budget.take(ServerError("x")) is None
    assert budget.take(RateLimitError("x")) == 5
    assert budget.take(RateLimitError("x")) == 5
    assert budget.take(RateLimitError("x")) is None


async def test_fifty_calls_on_a_dead_provider() -> None:
    driver = MockDriver(default={"error": 503}, circuit={"enabled": False}, delay=0.01)
    provider = driver.asynchronous()
    with no_waiting():
        calls = (provider.send_message("Hi", model="m") for _ in range(50))
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, AIError) for result in results)
    assert 50 < len(driver.calls) <= 100
