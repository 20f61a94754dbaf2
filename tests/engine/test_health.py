"""Health: what recent attempts, circuits, limits and one request say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import AI, AIError, MockDriver
from polydriver.config import CircuitConfig
from polydriver.engine.policies import Outcome
from polydriver.engine.policies.circuit import Circuit
from polydriver.engine.policies.recent import Recent, percentile
from polydriver.errors import ServerError


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_value_that_so_many_are_at_most(values: list[float], part: float) -> None:
    found = percentile(sorted(values), part)
    assert found is not None
    assert sum(value <= found for value in values) >= part * len(values)
    assert sum(value < found for value in values) < part * len(values)


@given(st.lists(st.tuples(st.sampled_from(["success", "failure", "interrupted", "abandoned", "cancelled", "refused"]))))
def test_what_counts_and_that_it_is_bounded(kinds: list[tuple[Any]]) -> None:
    recent = Recent()
    for (kind,) in kinds * 20:
        bad = kind in ("failure", "interrupted")
        error = ServerError("down") if bad else None
        recent.count(None, Outcome(kind=kind, error=error, seconds=1.5, first_content=0.5), 2.0)
    counted = [kind for (kind,) in kinds * 20 if kind in ("success", "failure", "interrupted")][-512:]
    report = recent.describe(3.0)
    assert (report.attempts, report.failures) == (len(counted), sum(kind != "success" for kind in counted))
    assert report.latency_p95 in (None, 1.5)
    assert report.first_content_p50 in (None, 0.5)
    assert recent.describe(302.5).attempts == 0, "older than five minutes"


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_all_connections_side_by_side(colour: str) -> None:
    settings: dict[str, Any] = {"driver": "mock", "retry_attempts": 1}
    limited = {**settings, "rate_limiting": {"requests_per_minute": 100}}
    config = {"providers": {"good": limited, "bad": settings, "idle": settings, "odd": {"driver": "nowhere"}}}
    ai = AI(config, env={})
    bad = ai.provider("bad")
    assert isinstance(bad, MockDriver)
    for name in ("good", "bad"):
        assert ai.provider(name).recent_health().status == "unknown"
    ai.provider("good").send_message("Hi", model="m")
    bad.reply(*[{"error": "server_error"}] * 10)
    for _ in range(10):
        with pytest.raises(AIError):
            bad.send_message("Hi", model="m")
    manager: Any = ai if colour == "blocking" else ai.asynchronous()
    found = manager.health() if colour == "blocking" else asyncio.run(manager.health())
    statuses = {name: report.status for name, report in found.items()}
    assert statuses == {"good": "healthy", "bad": "unhealthy", "idle": "unknown", "odd": "unhealthy"}
    report = found["bad"]
    assert report.message == "10 of the last 10 attempts failed"
    assert "ServerError" in report.recent.last_error
    assert [circuit.state for circuit in report.circuits] == ["open"]
    assert found["good"].limits[0]["used"] >= 1
    assert found["good"].recent.latency_p50 is not None
    asked = manager.health(ask=True) if colour == "blocking" else asyncio.run(manager.health(ask=True))
    assert {name: report.status for name, report in asked.items()} == {
        "good": "healthy", "bad": "degraded", "idle": "healthy", "odd": "unhealthy",
    }  # fmt: skip


def test_a_silent_server_gets_probes_at_a_growing_pace() -> None:
    circuit = Circuit(CircuitConfig(minimum_calls=1, open_time=1.0, max_open_time=30.0))
    mark = circuit.admit(0.0)
    assert mark is not None
    circuit.settle(mark, "failure", 0.0, 0.0)
    times = [tick / 10 for tick in range(10, 610) if circuit.admit(tick / 10) is not None]
    assert times == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
