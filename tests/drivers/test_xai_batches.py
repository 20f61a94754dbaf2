"""xAI's batches: states from counters, labels in names, results in pages, errors of gRPC, reported costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.server import Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.wires.operations.test_batches import connect

from polydriver import InvalidRequestError, RateLimitError, ServerError
from polydriver.driver import Driver
from polydriver.testing import no_waiting
from polydriver.wires.operations.batch_hooks import labels_in_name, name_for_labels

both = pytest.mark.parametrize("colour", ["blocking", "async"])


def batch(requests: int = 0, pending: int = 0, success: int = 0, error: int = 0, **more: Any) -> dict[str, Any]:
    counts = {"requests": requests, "pending": pending, "success": success, "error": error}
    state = {f"num_{name}": count for name, count in counts.items()}
    return {"batch_id": "b1", "name": "n", "create_time": "2026-02-03", "state": state, **more}


def result(custom_id: str, **outcome: Any) -> dict[str, Any]:
    return {"batch_request_id": custom_id, "batch_result": outcome}


def answer(text: str, **usage: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    told = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, **usage}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {"chat_get_completion": {"model": "grok-4.20", "choices": choices, "usage": told}}


def xai(server: Server) -> Driver:
    return connect("xai", f"{server.url}/v1")


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (batch(), "pending"), (batch(2, 1, 1), "running"), (batch(2, 0, 1, 1), "completed"),
        (batch(2, 1, 1, cancel_time="2026-02-03T00:00:00Z"), "cancelling"),
        (batch(2, 0, 1, cancel_time="2026-02-03T00:00:00Z"), "cancelled"),
        (batch(cancel_time="2026-02-03T00:00:00Z", cancel_by_xai_message="line 1 is not valid"), "failed"),
    ],
)  # fmt: skip
def test_states(told: dict[str, Any], status: str) -> None:
    with Server(*one_by_one(json_reply(told))) as server:
        found = ask("blocking", xai(server), "get_batch", "b1")
        assert server.requests[0].target == "/xai/v1/batches/b1"
    assert (found.status, found.created.isoformat()) == (status, "2026-02-03T00:00:00+00:00")


@both
def test_a_batch_that_xai_cancelled_says_why(colour: Colour) -> None:
    failed = batch(cancel_time="2026-02-03T00:00:00Z", cancel_by_xai_message="line 1 is not valid")
    with (
        Server(*one_by_one(json_reply(failed))) as server,
        pytest.raises(InvalidRequestError, match="b1 failed: line 1 is not valid"),
    ):
        ask(colour, xai(server), "get_batch_results", "b1")


@both
def test_results_come_in_pages(colour: Colour) -> None:
    first = {"results": [result("c", response=answer("3")), result("a", response=answer("1"))], "pagination_token": "t"}
    failures = [result("b", error={"code": 3, "message": "bad"}), result("d", error={"code": 8, "message": "slow"})]
    rest = [result("e", error={"code": 1, "message": "gone"}), result("f", error={"code": 13, "message": "oh"})]
    second = {"results": [*failures, *rest, result("g")], "pagination_token": None}
    with Server(*one_by_one(*map(json_reply, (batch(7, 0, 2, 5), first, second)))) as server:
        results = ask(colour, xai(server), "get_batch_results", "b1")
        assert [request.target.partition("?")[2] for request in server.requests] == [
            "", "limit=1000", "limit=1000&pagination_token=t"
        ]  # fmt: skip
    assert [item.custom_id for item in results.items] == list("abcdefg")
    assert [item.response and item.response.content for item in results.items][:3] == ["1", None, "3"]
    kinds = {"b": InvalidRequestError, "d": RateLimitError, "f": ServerError, "g": ServerError}
    assert all(isinstance(results[name].error, kind) for name, kind in kinds.items())
    assert [item.custom_id for item in results.items if item.unsent] == ["e"]
    assert "bad" in str(results["b"].error)
    assert results["a"].response.cost.total == Decimal("0.00012")  # a fifth less than 100 at 1.25 and 10 at 2.50


def test_a_cost_that_xai_reports_goes_before_ours() -> None:
    told = {"results": [result("a", response=answer("1", cost_in_usd_ticks=2_000_000_000))]}
    with Server(*one_by_one(json_reply(batch(1, 0, 1)), json_reply(told))) as server:
        (item,) = ask("blocking", xai(server), "get_batch_results", "b1").items
    assert (item.response.cost.total, item.response.cost.calculated) == (Decimal("0.2"), Decimal("0.00012"))


def test_labels_are_in_the_name() -> None:
    uploaded = json_reply({"id": "file-1", "filename": "batch.jsonl", "bytes": 3, "created_at": 1, "purpose": ""})
    with Server(*one_by_one(uploaded, json_reply(batch()))) as server:
        ask("blocking", xai(server), "create_batch", ["Hi"], model="grok-4.20", labels={"night": "1"})
        sent = sent_json(server.requests[1])
    assert sent == {"name": '{"night":"1"}', "input_file_id": "file-1"}
    with Server(*one_by_one(json_reply({"batches": [batch(name=sent["name"]), batch()]}))) as server:
        found = ask("blocking", xai(server), "list_batches")
    assert [one.metadata for one in found] == [{"night": "1"}, {"name": "n"}]


@settings(max_examples=40)
@given(st.dictionaries(st.text(), st.text(), min_size=1), st.text())
def test_any_labels_and_any_name(labels: dict[str, str], name: str) -> None:
    assert labels_in_name(name_for_labels(labels)) == labels
    assert isinstance(labels_in_name(name), dict)


@both
def test_what_failed_for_a_passing_reason_is_sent_again_alone(colour: Colour) -> None:
    uploaded = json_reply({"id": "file-1"})
    first = {"results": [result("x", response=answer("1")), result("y", error={"code": 14, "message": "busy"})]}
    second = {"results": [result("y", response=answer("2"))]}
    rounds = ((batch(2, 0, 1, 1), first), (batch(1, 0, 1), second))
    replies = [
        reply for state, results in rounds for reply in (uploaded, *map(json_reply, (batch(), state, state, results)))
    ]
    with no_waiting(), Server(*one_by_one(*replies)) as server:
        given = {"custom_ids": ["x", "y"], "model": "grok-4.20"}
        results = ask(colour, xai(server), "run_batch", ["a", "b"], **given)
        uploads = [request.body for request in server.requests if request.target.endswith("/files")]
    assert [item.response.content for item in results.items] == ["1", "2"]
    assert [body.count(b'"custom_id"') for body in uploads] == [2, 1]
