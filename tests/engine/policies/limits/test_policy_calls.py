"""Calls that wait for their turn, or are refused, in both colours, over the mock and over real servers."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from tests.engine.policies.limits.everywhere import call_from_everywhere
from tests.engine.test_exchange_idempotency import ask
from tests.engine.transports.test_redial import answer, streamed
from tests.faults.server import CLOSE, READ, Server, reply

from polydriver import (
    AI,
    AIError,
    AttemptFinished,
    ConfigurationError,
    LimitReached,
    LimitReachedError,
    MockDriver,
    OpenAIDriver,
)
from polydriver.data.usage import TokenUsage
from polydriver.engine.policies import Outcome
from polydriver.engine.policies.limits.estimates import Estimates
from polydriver.engine.policies.limits.limiter import Limiter, LimitSet
from polydriver.engine.policies.limits.meters import Told
from polydriver.engine.policies.limits.policy import Limits
from polydriver.engine.policies.limits.told import read_told
from polydriver.engine.waiting import no_waiting
from polydriver.errors import DeadlineExceededError


def limited(*replies: Any, delay: float = 0.0, **limits: Any) -> MockDriver:
    """A mock with limits; with a `delay`, calls of a loop run side by side."""
    return MockDriver(replies=list(replies), default="fine", rate_limiting=limits, retry_attempts=1, delay=delay)


def used(driver: MockDriver) -> dict[str, float]:
    (limits,) = [policy for policy in driver.connection.policies if isinstance(policy, Limits)]
    return {row["limit"].split(": ")[1]: row["used"] for row in limits.describe(driver._pipeline.port.now())}


def test_raise_says_when_there_is_room() -> None:
    driver = limited(requests_per_minute=1, mode="raise")
    driver.send_message("Hi", model="m")
    with pytest.raises(LimitReachedError, match="requests_per_minute") as caught:
        driver.send_message("Hi", model="m")
    assert caught.value.retry_after is not None
    assert 58 < caught.value.retry_after <= 61
    assert not caught.value.retryable
    assert len(driver.calls) == 1


def test_wait_is_told_and_counted() -> None:
    driver = limited(requests_per_minute=1)
    told: list[Any] = []
    driver.on(LimitReached, told.append)
    driver.on(AttemptFinished, told.append)
    with no_waiting() as waits:
        driver.send_message("Hi", model="m")
        driver.send_message("Hi", model="m")
    assert [type(event) for event in told] == [AttemptFinished, LimitReached, AttemptFinished]
    assert told[1].limit.endswith("requests_per_minute")
    assert 58 < told[1].wait <= 61
    assert waits


def test_a_wait_that_is_too_long_is_not_begun() -> None:
    driver = limited(requests_per_minute=1)
    driver.send_message("Hi", model="m")
    with pytest.raises(LimitReachedError, match="longer than the call may wait"):
        driver.send_message("Hi", model="m", deadline=5)
    slow = limited(requests_per_minute=1, max_wait=2.0)
    slow.send_message("Hi", model="m")
    with pytest.raises(LimitReachedError):
        slow.send_message("Hi", model="m")


async def test_the_line_is_bounded() -> None:
    driver = limited(delay=0.01, max_concurrent=1, max_waiting=1)
    provider = driver.asynchronous()
    with no_waiting():
        calls = (provider.send_message("Hi", model="m") for _ in range(4))
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(result, LimitReachedError) for result in results) == 2


async def test_a_call_at_a_time_in_order_over_many_tasks() -> None:
    order: list[str] = []

    def answer(call: Any) -> str:
        assert used(driver) == {"max_concurrent": 1}
        order.append(call.text)
        return "done"

    driver = MockDriver(default=answer, rate_limiting={"max_concurrent": 1}, delay=0.01)
    provider = driver.asynchronous()
    with no_waiting():
        await asyncio.gather(*(provider.send_message(str(number), model="m") for number in range(20)))
    assert order == [str(number) for number in range(20)]
    assert used(driver) == {"max_concurrent": 0}


def test_a_call_at_a_time_over_many_threads_and_loops() -> None:
    driver = limited(max_concurrent=2)
    assert call_from_everywhere(driver) == ["fine"] * 80
    assert used(driver) == {"max_concurrent": 0}


async def test_cancelled_in_line_and_anywhere() -> None:
    driver = limited(delay=0.01, max_concurrent=2, tokens_per_minute=10**9)
    provider = driver.asynchronous()

    async def stream() -> None:
        async with provider.send_streaming_message("Hi", model="m") as chunks:
            async for _ in chunks:
                pass

    with no_waiting():
        for turns in range(40):
            tasks = [asyncio.create_task(stream()) for _ in range(5)]
            for _ in range(turns % 20):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert used(driver)["max_concurrent"] == 0
    (limits,) = [policy for policy in driver.connection.policies if isinstance(policy, Limits)]
    assert limits.limiter.waiting == 0
    await asyncio.wait_for(stream(), 5)


def test_real_usage_takes_the_place_of_the_estimate() -> None:
    answer = {"content": "x", "usage": {"input_tokens": 7, "output_tokens": 3}}
    driver = limited(answer, tokens_per_minute=100_000, input_tokens_per_minute=100_000, output_tokens_per_minute=5000)
    driver.send_message("Hi", model="m", max_tokens=4000)
    assert used(driver) == {"tokens_per_minute": 10, "input_tokens_per_minute": 7, "output_tokens_per_minute": 3}


@pytest.mark.parametrize(
    ("failure", "requests", "has_tokens"),
    [("connection", 0, False), ("credentials", 1, False), ("rate_limit", 1, False), ("server_error", 1, False),
     ("timeout", 1, True)],
)  # fmt: skip
def test_failures_give_back_what_they_did_not_use(failure: str, requests: int, has_tokens: bool) -> None:
    driver = limited({"error": failure}, requests_per_day=100, tokens_per_day=100_000)
    with pytest.raises(AIError), no_waiting():
        driver.send_message("Hi", model="m")
    found = used(driver)
    assert found["requests_per_day"] == requests
    assert (found["tokens_per_day"] > 0) == has_tokens


def test_all_or_none() -> None:
    driver = limited(requests_per_minute=10, tokens_per_minute=100, mode="raise")
    driver.send_message("Hi", model="m", max_tokens=90)
    before = used(driver)
    with pytest.raises(LimitReachedError, match="tokens_per_minute"):
        driver.send_message("Hi", model="m", max_tokens=100)
    assert used(driver) == before


def test_models_and_shares() -> None:
    ai = AI(
        {
            "providers": {
                "a": {"driver": "mock", "rate_limiting": {"mode": "raise", "share": "t-org", "requests_per_minute": 3}},
                "b": {"driver": "mock", "rate_limiting": {"mode": "raise", "share": "t-org", "requests_per_minute": 3,
                                                          "models": {"big": {"requests_per_minute": 1}}}},
            }
        },
        env={},
    )  # fmt: skip
    ai.provider("b").send_message("Hi", model="big-1")
    with pytest.raises(LimitReachedError, match="b/big: requests_per_minute"):
        ai.provider("b").send_message("Hi", model="big-2")
    ai.provider("a").send_message("Hi", model="m")
    ai.provider("b").send_message("Hi", model="small")
    with pytest.raises(LimitReachedError, match="t-org: requests_per_minute"):
        ai.provider("a").send_message("Hi", model="m")
    with pytest.raises(ConfigurationError, match="t-org"):
        MockDriver(rate_limiting={"share": "t-org", "requests_per_minute": 4}).send_message("Hi", model="m")


def test_embeddings_count_and_lists_of_models_do_not() -> None:
    driver = limited(requests_per_minute=2, mode="raise")
    driver.embed("Hi", model="m")
    driver.get_available_models(refresh=True)
    driver.get_available_models(refresh=True)
    driver.embed("Hi", model="m")
    with pytest.raises(LimitReachedError):
        driver.embed("Hi", model="m")


def test_retry_after_is_learned() -> None:
    driver = limited({"error": "rate_limit", "retry_after": 30}, learn=True, mode="raise")
    with pytest.raises(AIError):
        driver.send_message("Hi", model="m")
    with pytest.raises(LimitReachedError, match="Retry-After") as caught:
        driver.send_message("Hi", model="m")
    assert caught.value.retry_after == pytest.approx(30, abs=1)


def test_what_has_ended_is_not_taken_off_what_is_left() -> None:
    """The provider has counted it; before it answers, it may not have."""
    told, other = Told("t", "requests"), Told("u", "tokens")
    limits, limiter = LimitSet([told, other]), Limiter()
    amounts = {"requests": 1.0, "tokens": 10.0}
    for left in range(100, 0, -1):
        taken = limiter.take(limits, amounts, 0.0)
        assert taken is not None
        limiter.hear(taken, {"requests": (left - 1, 60.0)}, 0.0)
        limiter.settle(taken, amounts, 0.0)
        assert (told.left, told.used, other.used) == (left - 1, 0.0, 0.0)
    assert limiter.take(limits, amounts, 0.0) is None
    assert limiter.take(limits, amounts, 60.0) is not None


def test_the_headers_of_a_long_stream_do_not_undo_what_came_later() -> None:
    told = Told("t", "requests")
    limits, limiter = LimitSet([told]), Limiter()
    stream = limiter.take(limits, {"requests": 1.0}, 0.0)
    assert stream is not None
    limiter.hear(stream, {"requests": (0.0, 1.0)}, 0.0)
    later = limiter.take(limits, {"requests": 1.0}, 5.0)
    assert later is not None
    limiter.hear(later, {"requests": (7.0, 60.0)}, 5.0)
    limiter.settle(later, {"requests": 1.0}, 5.0)
    limiter.settle(stream, {"requests": 1.0}, 6.0)
    assert (told.left, told.used) == (7.0, 0.0)
    assert limiter.take(limits, {"requests": 7.0}, 6.0) is not None


def test_what_never_was_answered_is_given_back() -> None:
    told = Told("t", "requests")
    limits, limiter = LimitSet([told]), Limiter()
    told.tell(3.0, 60.0, 0.0)
    taken = limiter.take(limits, {"requests": 2.0}, 0.0)
    assert taken is not None
    assert (told.left, told.used) == (1.0, 2.0)
    limiter.settle(taken, None, 0.0)
    assert (told.left, told.used) == (3.0, 0.0)


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_answers_tell_when_their_headers_come(colour: str, stream: bool) -> None:
    told = {"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1h"}
    good = reply(streamed(), headers={"content-type": "text/event-stream", **told}) if stream else None
    script = [READ, good or reply(answer(), headers={"content-type": "application/json", **told}), CLOSE]
    with Server(*[script] * 8) as server:
        settings = {"learn": True, "mode": "raise"}
        driver = OpenAIDriver({"api_key": "sk-0123456789abcdef"}, base_url=f"{server.url}/v1", rate_limiting=settings)
        for _ in range(8):  # more than are left: each answer says anew how many those are
            ask(driver, colour, stream)
        learner = driver.connection.learner
        assert learner is not None
        assert (learner._told["requests"].left, learner._told["requests"].used) == (5.0, 0.0)
        driver.close()


def test_headers_that_tell() -> None:
    openai = {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1m2s"}
    assert read_told(openai, 0.0) == {"requests": (59.0, 62.0)}
    anthropic = {
        "anthropic-ratelimit-input-tokens-remaining": "1000",
        "anthropic-ratelimit-input-tokens-reset": "1970-01-01T00:01:00Z",
    }
    assert read_told(anthropic, 20.0) == {"input_tokens": (1000.0, 40.0)}
    for junk in ("", "x", "-1", "nan", "1e99", "9" * 30):
        assert read_told({"x-ratelimit-remaining-tokens": junk, "x-ratelimit-reset-tokens": junk}, 0.0) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests_per_minute": 0}, {"mode": "no"}, {"models": 5}, {"models": {"m": 5}}, {"models": {"m": {"x": 1}}},
        {"models": {"m": {"tokens_per_day": True}}}, {"requests": 5}, {"max_wait": -1},
    ],
)  # fmt: skip
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="rate_limiting"):
        limited(**wrong)


def test_disabled_is_as_if_absent() -> None:
    policies = limited(requests_per_minute=1, enabled=False).connection.policies
    assert not any(isinstance(policy, Limits) for policy in policies)


def test_the_deadline_ends_the_wait() -> None:
    release = threading.Event()
    driver = MockDriver(default=lambda call: release.wait(20) and "fine", rate_limiting={"max_concurrent": 1})
    first = threading.Thread(target=lambda: driver.send_message("Hi", model="m"))
    first.start()
    while not driver.calls and first.is_alive():
        pass
    with pytest.raises(DeadlineExceededError):
        driver.send_message("Hi", model="m", deadline=0.05)
    release.set()
    first.join()
    assert used(driver) == {"max_concurrent": 0}


@pytest.mark.parametrize(
    ("operation", "tokens"),
    [
        ("embed", 25),
        ("rerank", 25),
        ("moderate", 25),
        ("generate_image", 25),
        ("speak", 25),
        ("edit_image", 0),
        ("transcribe", 0),
        ("ocr", 0),
        ("upload_file", 0),
        ("list_files", 0),
    ],
)
def test_operations_on_texts_reserve_their_tokens(operation: str, tokens: int) -> None:
    """A token for four bytes of the request; what was really read takes the place of that."""
    attempt = SimpleNamespace(model="m", prompt=None, size=99, call=SimpleNamespace(operation=operation))
    estimates = Estimates()
    taken = estimates.before(attempt, tokens=True)
    assert (taken["requests"], taken["tokens"], taken["input_tokens"], taken["output_tokens"]) == (1, tokens, tokens, 0)
    read = Outcome(kind="success", usage=TokenUsage(input_tokens=7, output_tokens=0))
    used_after = estimates.after("m", taken, read)
    assert used_after is not None
    assert used_after["tokens"] == 7
