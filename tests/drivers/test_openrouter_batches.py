"""OpenRouter's batches: prompts and results inside, errors, and what a batch cost in all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.server import Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.wires.operations.test_batches import connect

from polydriver import (
    AIResponse,
    BatchProblem,
    InvalidRequestError,
    RateLimitError,
    TokenUsage,
    UnsupportedFeatureError,
)
from polydriver.driver import Driver
from polydriver.drivers.openrouter_batches import _share_cost
from polydriver.testing import no_waiting

both = pytest.mark.parametrize("colour", ["blocking", "async"])

MODEL = "openai/gpt-4o-mini"


def batch(status: str, results: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "b1", "object": "batch", "endpoint": "/v1/chat/completions", "model": MODEL, "status": status,
        "created_at": 1768487400, "finalized_at": 1768487460, "expires_at": None, "error": None, "results": results,
        "request_counts": {"total": 2, "completed": 1, "failed": 1}, "usage": None, **more,
    }  # fmt: skip


def answer(custom_id: str, text: str, **usage: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    told = {"prompt_tokens": 30, "completion_tokens": 10, "total_tokens": 40, **usage}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    body = {"model": MODEL, "object": "chat.completion", "choices": choices, "usage": told}
    return {"id": "r", "custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None}


def openrouter(server: Server) -> Driver:
    return connect("openrouter", f"{server.url}/v1")


@both
def test_prompts_go_along_with_the_model_said_once(colour: Colour) -> None:
    with Server(*one_by_one(json_reply(batch("validating"), 202))) as server:
        given = {"custom_ids": ["a"], "model": MODEL, "labels": {"x": "1"}, "callback_url": "https://x.example/done"}
        made = ask(colour, openrouter(server), "create_batch", ["Hi"], **given)
        (created,) = server.requests
    sent = sent_json(created)
    assert created.target == "/api/v1/batches"
    assert list(sent) == ["endpoint", "model", "callback_url", "requests"]
    (prompt,) = sent["requests"]
    assert (prompt["custom_id"], "model" in prompt["body"]) == ("a", False)
    assert prompt["body"]["messages"] == [{"role": "user", "content": "Hi"}]
    assert (made.id, made.status, made.model) == ("b1", "pending", MODEL)
    assert any("metadata" in warning for warning in made.warnings)


@both
def test_results_are_in_the_batch(colour: Colour) -> None:
    failed = {"id": "r", "custom_id": "b", "response": None, "error": {"code": 429, "message": "slow down"}}
    refused = {"status_code": 400, "body": {"error": {"code": 400, "message": "no pictures"}}}
    odd = {"id": "r", "custom_id": "c", "response": refused, "error": None}
    told = batch("completed", [odd, answer("a", "1"), failed], usage={"cost": 0.25})
    with Server(*one_by_one(json_reply(told))) as server:
        results = ask(colour, openrouter(server), "get_batch_results", "b1")
    assert [item.custom_id for item in results.items] == list("abc")
    assert (results["a"].response.content, results["a"].response.cost.total) == ("1", Decimal("0.25"))
    assert isinstance(results["b"].error, RateLimitError)
    assert isinstance(results["c"].error, InvalidRequestError)
    assert results.raw["results"] is None


def test_costs_of_answers_go_before_that_of_the_batch() -> None:
    told = batch("completed", [answer("a", "1", cost=0.1), answer("b", "2", cost=0.2)], usage={"cost": 9})
    with Server(*one_by_one(json_reply(told))) as server:
        results = ask("blocking", openrouter(server), "get_batch_results", "b1")
    assert [item.response.cost.total for item in results.items] == [Decimal("0.1"), Decimal("0.2")]
    assert not results.items[0].response.cost.estimated


@settings(max_examples=40)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.decimals(0, 10**6, places=9))
def test_the_shares_of_a_cost_are_the_cost(counts: list[int], cost: Decimal) -> None:
    answers = [AIResponse(usage=TokenUsage(input_tokens=count, output_tokens=0)) for count in counts]
    _share_cost("openrouter", {"cost": str(cost)}, answers)
    costs = [answer.cost for answer in answers]
    if not sum(counts):
        assert costs == [None] * len(counts)
        return
    assert sum(found.total for found in costs if found is not None) == cost
    assert all(found is not None and found.estimated and found.is_reported for found in costs)


@pytest.mark.parametrize("usage", [{}, {"cost": None}, {"cost": "?"}])
def test_no_cost_is_none(usage: dict[str, Any]) -> None:
    answers = [AIResponse(usage=TokenUsage(input_tokens=1, output_tokens=1))]
    _share_cost("openrouter", usage, answers)
    assert answers[0].cost is None


def test_an_answer_without_usage_leaves_all_without_cost() -> None:
    answers = [AIResponse(), AIResponse(usage=TokenUsage(input_tokens=1, output_tokens=1))]
    _share_cost("openrouter", {"cost": 1}, answers)
    assert [answer.cost for answer in answers] == [None, None]


@both
def test_a_batch_that_failed_says_why(colour: Colour) -> None:
    failed = json_reply(batch("failed", error={"message": "the model has no batch variant"}))
    with Server(*one_by_one(failed, failed)) as server:
        found = ask(colour, openrouter(server), "get_batch", "b1")
        with pytest.raises(InvalidRequestError, match="no batch variant"):
            ask(colour, openrouter(server), "get_batch_results", "b1")
    assert (found.status, found.errors) == ("failed", [BatchProblem(message="the model has no batch variant")])


@both
def test_it_cannot_be_cancelled(colour: Colour) -> None:
    with Server() as server, pytest.raises(UnsupportedFeatureError, match="cancelling batches"):
        ask(colour, openrouter(server), "cancel_batch", "b1")


@both
def test_what_expired_is_sent_again_alone(colour: Colour) -> None:
    rounds = []
    for status, result in (("expired", answer("x", "1")), ("completed", answer("y", "2"))):
        told = json_reply(batch(status, [result], usage={"cost": 0.5}))
        rounds += [json_reply(batch("validating"), 202), told, told]
    with no_waiting(), Server(*one_by_one(*rounds)) as server:
        given = {"custom_ids": ["x", "y"], "model": MODEL}
        results = ask(colour, openrouter(server), "run_batch", ["a", "b"], **given)
        sent = [len(sent_json(request)["requests"]) for request in server.requests if request.method == "POST"]
    assert [item.response.content for item in results.items] == ["1", "2"]
    assert sent == [2, 1]
    assert results.cost.total == 1
