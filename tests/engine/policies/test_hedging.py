"""When a call is sent a second time: the pure policy, over any course of events."""

from __future__ import annotations

from math import ceil
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydriver import LimitReachedError
from polydriver.config import HedgingConfig
from polydriver.engine.policies import Outcome
from polydriver.engine.policies.hedging import FirstContents, Hedging

ratios = st.floats(0.01, 1.0)
seconds = st.floats(0.0, 1000.0)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), seconds),
        st.tuples(st.just("lose"), seconds),
        st.tuples(st.just("fail"), seconds),
        st.tuples(st.just("cancel"), seconds),
        st.tuples(st.just("hedge"), seconds),
        st.tuples(st.just("refuse"), seconds),
    ),
    max_size=60,
)


def attempt(*, second: bool = False, model: str = "m", stream: bool = False, hedging: bool = True) -> Any:
    """What the policy looks at of an attempt."""
    prompt = SimpleNamespace(model=model, stream=stream)
    return SimpleNamespace(call=SimpleNamespace(hedging=hedging), prompt=prompt, hedges=object() if second else None)


def answer(policy: Hedging, taken: float, now: float, **kind: Any) -> None:
    """One call that is answered after so many seconds."""
    lease = policy.admit(attempt(**kind), now)
    policy.settle(lease, Outcome(kind="success", seconds=taken + 1.0, first_content=taken), now)


@settings(max_examples=40)
@given(ratios, steps)
def test_no_larger_share_is_sent_twice(ratio: float, steps: list[tuple[str, float]]) -> None:
    policy = Hedging("c", HedgingConfig(max_ratio=ratio, minimum_calls=1))
    answered = hedged = 0
    for now, (step, taken) in enumerate(steps):
        if step in ("hedge", "refuse"):
            try:
                lease = policy.admit(attempt(second=True), now)
            except LimitReachedError:
                continue
            if step == "hedge":
                hedged += 1
                policy.settle(lease, Outcome(kind="success", first_content=taken), now)
            else:  # by a policy after this one
                policy.settle(lease, Outcome(kind="refused"), now)
        else:
            outcome = {
                "answer": Outcome(kind="success", first_content=taken),
                "lose": Outcome(kind="cancelled", lost=True, seconds=taken),
                "fail": Outcome(kind="failure", seconds=taken),
                "cancel": Outcome(kind="cancelled", seconds=taken),
            }[step]
            answered += step in ("answer", "lose")
            policy.settle(policy.admit(attempt(), now), outcome, now)
        assert hedged <= ratio * answered + 1e-6


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), seconds), min_size=1, max_size=40), st.floats(0.01, 1.0))
def test_late_is_what_is_later_than_the_percentile_of_the_recent_ones(
    course: list[tuple[int, float]], part: float
) -> None:
    known = FirstContents(HedgingConfig(percentile=part, minimum_calls=3, calls=10, window=20.0))
    now, seen = 0, []
    for pause, taken in course:
        now += pause
        known.add(taken, now)
        seen = [(at, value) for at, value in [*seen, (now, taken)][-10:] if now - at < 20]
        recent = sorted(value for _, value in seen)
        wanted = recent[max(0, ceil(part * len(recent)) - 1)] if len(recent) >= 3 else None
        assert known.late_after(now) == wanted
    assert known.late_after(now + 20.0) is None


def test_models_and_streams_are_told_apart() -> None:
    policy = Hedging("c", HedgingConfig(minimum_calls=2))
    for _ in range(2):
        answer(policy, 1.0, 0.0)
        answer(policy, 2.0, 0.0, stream=True)
        answer(policy, 3.0, 0.0, model="other")
    answer(policy, 4.0, 0.0, model="third")
    found = [policy.late_after(attempt(**kind), 1.0) for kind in ({}, {"stream": True}, {"model": "other"})]
    assert found == [1.0, 2.0, 3.0]
    assert policy.late_after(attempt(model="third"), 1.0) is None


def test_what_has_no_prompt_counts_as_nothing() -> None:
    policy = Hedging("c", HedgingConfig(minimum_calls=1, max_ratio=1.0))
    assert policy.admit(SimpleNamespace(call=SimpleNamespace(hedging=True), prompt=None, hedges=None), 0.0) is None
    assert policy.late_after(attempt(), 0.0) is None
    with pytest.raises(LimitReachedError, match="max_ratio"):
        policy.admit(attempt(second=True), 0.0)


def test_a_long_quiet_time_earns_no_flood() -> None:
    policy = Hedging("c", HedgingConfig(max_ratio=0.1, calls=50, minimum_calls=1))
    for _ in range(1000):
        answer(policy, 1.0, 0.0)
    sent = 0
    for _ in range(100):
        try:
            policy.admit(attempt(second=True), 0.0)
        except LimitReachedError:
            break
        sent += 1
    assert sent == 5, "a tenth of the calls that are remembered"
