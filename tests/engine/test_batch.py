"""Batches: what they take, and that each failure keeps its place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from polydriver import AI, AIResponse, AsyncAI, ConfigurationError


@pytest.mark.parametrize("messages", ["abc", b"abc", None, 5, {"role": "user", "content": "Hi"}])
def test_one_text_is_no_batch(messages: Any) -> None:
    with pytest.raises(ConfigurationError, match="takes a list of messages"):
        AI.fake().provider().send_batch(messages, model="m")
    with pytest.raises(ConfigurationError, match="takes a list of messages"):
        asyncio.run(AsyncAI.fake().provider().send_batch(messages, model="m"))


@pytest.mark.parametrize("limit", [0, -1, "2", True, 1.5, None])
def test_the_limit_is_a_count(limit: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_concurrency must be a whole number"):
        AI.fake().provider().send_batch(["a"], max_concurrency=limit, model="m")


def test_each_failure_keeps_its_place() -> None:
    prompts: Any = ["a", None, "b"]
    first, second, third = AI.fake().provider().send_batch(prompts, return_exceptions=True, model="m")
    assert isinstance(first, AIResponse)
    assert first.content == "a"
    assert isinstance(second, ConfigurationError)
    assert isinstance(third, AIResponse)
    assert third.content == "b"
