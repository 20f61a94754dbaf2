"""Pools: several keys or regions under one name, in both colours."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from polydriver import AI, AsyncAI, ConfigurationError, Event, MessageSent, ProviderFellBack, ServerError
from polydriver.engine.waiting import no_waiting


@pytest.fixture(autouse=True)
def instant() -> Iterator[list[float]]:
    with no_waiting() as waits:
        yield waits


def pool(**failing: list[Any]) -> dict[str, Any]:
    members = {
        name: {"driver": "mock", "default": f"from {name}", "replies": failing.get(name, [])} for name in ("eu", "us")
    }
    targets = [{"connection": "eu", "weight": 2}, "us"]
    other = {"driver": "mock", "default": "from other"}
    return {"default": "pool", "providers": {**members, "other": other, "pool": {"targets": targets}}}


def test_calls_are_spread_by_weight() -> None:
    with AI(pool(), env={}) as ai:
        assert ai.provider().name == "pool"
        count = Counter(ai.provider().send_message("Hi").provider for _ in range(9))
        assert count == {"eu": 6, "us": 3}


def test_the_member_with_the_fewest_attempts_under_way_is_asked() -> None:
    with AI(pool(), env={}) as ai:
        streams = [ai.provider().send_streaming_message("Hi") for _ in range(6)]
        for stream in streams:
            next(stream)
        assert len(ai.provider("eu").connection.outstanding) == 4
        assert len(ai.provider("us").connection.outstanding) == 2
        for stream in streams:
            stream.close()
        assert not ai.provider("eu").connection.outstanding


def test_the_next_member_is_asked_at_once_and_then_the_fallbacks(instant: list[float]) -> None:
    with AI(pool(eu=[{"error": 500}], us=[{"error": 500}] * 3), env={}) as ai:
        events: list[Event] = []
        ai.provider().on("*", events.append)
        answer = ai.provider().send_message("Hi", fallback="other")
        assert [a.provider for a in answer.attempts] == ["eu", "us", "us", "us", "other"]
        assert sum(isinstance(event, MessageSent) for event in events) == 1
        assert sum(isinstance(event, ProviderFellBack) for event in events) == 2
        assert len(instant) == 2


def test_when_all_members_fail_the_last_error_is_raised() -> None:
    with AI(pool(eu=[{"error": 500}], us=[{"error": 500}] * 3), env={}) as ai, pytest.raises(ServerError) as caught:
        ai.provider().send_streaming_message("Hi").until_done()
    assert [a.provider for a in caught.value.attempts] == ["eu", "us", "us", "us"]


def test_a_pool_is_a_fallback_with_all_its_members() -> None:
    given = pool(eu=[{"error": 500}])
    given["providers"]["other"] |= {"replies": [{"error": 500}], "retry_attempts": 1}
    with AI(given, env={}) as ai:
        answer = ai.provider("other").send_message("Hi", fallback="pool")
        assert [a.provider for a in answer.attempts] == ["other", "eu", "us"]


async def test_async_callers_use_the_same_pool() -> None:
    async with AsyncAI(pool(eu=[{"error": "rate_limit"}]), env={}) as ai:
        assert (await ai.provider().send_message("Hi")).provider == "us"
        answers = await asyncio.gather(*(ai.provider().send_message("Hi") for _ in range(9)))
        assert Counter(answer.provider for answer in answers)["us"] >= 3
        async with ai.provider().send_streaming_message("Hi") as stream:
            assert (await stream.until_done()).content.startswith("from ")
        assert (await ai.provider().embed(["x"], model="mock-embedding")).embeddings
        assert await ai.provider().get_available_models()


def test_keys_make_a_pool_and_stay_hidden() -> None:
    settings = {"k": {"driver": "mock", "default": "x", "api_keys": ["secret-key-number-1", "secret-key-number-2"]}}
    with AI({"providers": settings}, env={}) as ai:
        names = [ai.provider("k").send_message("Hi").provider for _ in range(4)]
        assert names == ["k#1", "k#2", "k#1", "k#2"]
        shown = str(ai.provider("k").get_config())
        assert "secret-key" not in shown
        assert ai.provider("k").embed("x", model="mock-embedding").embeddings


@pytest.mark.parametrize(
    "settings",
    [
        {"targets": []},
        {"targets": "eu"},
        {"targets": [{"connection": "eu", "weight": 0}]},
        {"targets": [{"connection": "eu", "share": 1}]},
        {"targets": ["pool"]},
        {"targets": ["eu"], "api_keys": ["a"]},
        {"api_keys": "one"},
    ],
)
def test_pools_that_cannot_be(settings: dict[str, Any]) -> None:
    given = pool()
    given["providers"]["pool"] = settings
    with AI(given, env={}) as ai, pytest.raises(ConfigurationError):
        ai.provider()
