"""Together's batches: uploads with a name, jobs inside replies, lists without pages, errors as a text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.faults.server import Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.provider.test_batch_runs import answer_line, lines
from tests.wires.operations.test_batches import connect

from polydriver import BatchProblem, InvalidRequestError, InvalidResponseError, RateLimitError
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.prices import catalog
from polydriver.testing import no_waiting

both = pytest.mark.parametrize("colour", ["blocking", "async"])
MODEL = "meta-llama/Llama-3.3-70B-Instruct-Turbo"


def job(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "b1", "status": status, "created_at": "2026-01-15T14:30:00Z", "job_deadline": "2026-01-16T14:30:00Z",
        "completed_at": None, "output_file_id": None, "error_file_id": None, "error": None, "progress": 7.5, **more,
    }  # fmt: skip


def together(server: Server) -> Driver:
    return connect("together", f"{server.url}/v1")


@both
def test_a_job_is_made_of_an_uploaded_file(colour: Colour) -> None:
    made = {"job": job("VALIDATING"), "warning": None}
    with Server(*one_by_one(json_reply({"id": "file-1"}), json_reply(made))) as server:
        batch = ask(colour, together(server), "create_batch", ["Hi"], custom_ids=["a"], model=MODEL, labels={"x": "1"})
        uploaded, created = server.requests
    assert uploaded.target == "/together/v1/files/upload"
    assert all(text in uploaded.body for text in (b'name="file_name"\r\n\r\nbatch.jsonl', b"batch-api"))
    assert b'{"custom_id":"a","body":{"model":' in uploaded.body
    assert sent_json(created) == {
        "input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"
    }  # fmt: skip
    assert (batch.id, batch.status, batch.expires.isoformat()) == ("b1", "pending", "2026-01-16T14:30:00+00:00")
    assert any("metadata" in warning for warning in batch.warnings)


@both
def test_a_job_that_failed_says_why(colour: Colour) -> None:
    failed = json_reply(job("FAILED", error="line 2 has no custom_id"))
    with Server(*one_by_one(failed, failed)) as server:
        batch = ask(colour, together(server), "get_batch", "b1")
        with pytest.raises(InvalidRequestError, match="line 2 has no custom_id"):
            ask(colour, together(server), "get_batch_results", "b1")
    assert (batch.status, batch.errors) == ("failed", [BatchProblem(message="line 2 has no custom_id")])


@both
def test_all_jobs_are_on_one_page(colour: Colour) -> None:
    with Server(*one_by_one(json_reply([job("COMPLETED"), job("CANCELLED"), 7]))) as server:
        found = ask(colour, together(server), "list_batches")
    assert [batch.status for batch in found] == ["completed", "cancelled"]
    with Server(*one_by_one(json_reply({"data": []}))) as server, pytest.raises(InvalidResponseError):
        ask(colour, together(server), "list_batches")


@both
def test_an_error_in_place_of_a_job(colour: Colour) -> None:
    told = json_reply({"error": {"message": "slow down", "type": "rate_limit", "code": "rate_limit_exceeded"}})
    with Server(*one_by_one(told)) as server, pytest.raises(RateLimitError):
        ask(colour, together(server), "get_batch", "b1")


@both
def test_what_expired_is_sent_again_alone(colour: Colour) -> None:
    """Requests that were not finished in time are in neither file."""
    uploaded, made = json_reply({"id": "file-1"}), json_reply({"job": job("VALIDATING")})
    expired = json_reply(job("EXPIRED", output_file_id="f"))
    done = json_reply(job("COMPLETED", output_file_id="g"))
    first, second = lines(answer_line("x", "1")), lines(answer_line("y", "2"))
    replies = (uploaded, made, expired, expired, first, uploaded, made, done, done, second)
    with no_waiting(), Server(*one_by_one(*replies)) as server:
        results = ask(colour, together(server), "run_batch", ["a", "b"], custom_ids=["x", "y"], model=MODEL)
        uploads = [request.body for request in server.requests if request.target.endswith("/upload")]
    assert [item.response.content for item in results.items] == ["1", "2"]
    assert [body.count(b'"custom_id"') for body in uploads] == [2, 1]


@pytest.mark.parametrize("name", ["together", "anthropic"])
def test_an_id_that_is_too_long_is_an_error_in_its_place(name: str) -> None:
    driver = driver_class(name)({"api_key": "k" * 64, "base_url": "http://127.0.0.1:9"})
    results = driver.run_batch(["a"], custom_ids=["i" * 65], model="m")
    assert "the prompt's id has 65 characters, and 64 are the most here" in str(results.items[0].error)


def test_six_models_have_a_discount() -> None:
    discounted = catalog.find_pricing("together", MODEL, variant="batch")
    usual = catalog.find_pricing("together", "Qwen/Qwen3.5-397B-A17B", variant="batch")
    assert discounted is not None
    assert discounted.input == Decimal("0.44")
    assert "docs.together.ai" in discounted.source
    assert usual == catalog.find_pricing("together", "Qwen/Qwen3.5-397B-A17B")
