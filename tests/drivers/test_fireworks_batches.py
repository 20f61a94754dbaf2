"""Fireworks' batches: data sets, jobs by account, signed addresses, states, and what failed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.faults.server import Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.provider.test_batch_runs import lines
from tests.wires.operations.test_batches import connect

from polydriver import BatchProblem, ConfigurationError, InvalidRequestError, RateLimitError
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.testing import no_waiting

both = pytest.mark.parametrize("colour", ["blocking", "async"])
MODEL = "accounts/fireworks/models/deepseek-v3p1"
PLACE = "/v1/accounts/acme"


def job(state: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "accounts/acme/batchInferenceJobs/j1", "state": f"JOB_STATE_{state}", "model": MODEL,
        "displayName": "", "createTime": "2026-01-15T14:30:00Z", "updateTime": "2026-01-15T15:30:00Z",
        "status": {"code": "OK", "message": ""}, "outputDatasetId": "accounts/acme/datasets/out",
        "jobProgress": {"totalInputRequests": 1, "totalProcessedRequests": 3}, **more,
    }  # fmt: skip


def answer(custom_id: str, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 400}}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {"custom_id": custom_id, "response": {"model": MODEL, "choices": choices, "usage": usage}}


def fireworks(server: Server) -> Driver:
    return connect("fireworks", f"{server.url}/v1")


@both
def test_a_job_is_made_of_a_data_set(colour: Colour) -> None:
    empty = json_reply({})
    with Server(*one_by_one(empty, empty, json_reply(job("VALIDATING")))) as server:
        given = {"custom_ids": ["a"], "model": MODEL, "labels": {"polydriver": "t-0", "night": "1"}}
        batch = ask(colour, fireworks(server), "create_batch", ["Hi"], **given)
        dataset, upload, created = server.requests
    name = sent_json(dataset)["datasetId"]
    assert sent_json(dataset) == {"datasetId": name, "dataset": {"userUploaded": {}, "exampleCount": "1"}}
    assert [request.target for request in server.requests] == [
        f"{PLACE}/datasets", f"{PLACE}/datasets/{name}:upload",
        f"{PLACE}/batchInferenceJobs?batchInferenceJobId=polydriver-t-0",
    ]  # fmt: skip
    assert b'{"custom_id":"a","body":{"messages":[{"role":"user","content":"Hi"}]}}' in upload.body
    assert sent_json(created) == {
        "model": MODEL, "inputDatasetId": f"accounts/acme/datasets/{name}", "displayName": '{"night":"1"}'
    }  # fmt: skip
    assert (batch.id, batch.status, batch.counts.total) == ("j1", "pending", 3)


def test_labels_are_found_again() -> None:
    mine = job("RUNNING", name="accounts/acme/batchInferenceJobs/polydriver-t-0", displayName='{"night":"1"}')
    with Server(*one_by_one(json_reply({"batchInferenceJobs": [mine, job("IDLE")], "nextPageToken": ""}))) as server:
        found = ask("blocking", fireworks(server), "list_batches")
        assert server.requests[0].target == f"{PLACE}/batchInferenceJobs?pageSize=200"
    assert [batch.metadata for batch in found] == [{"night": "1", "polydriver": "t-0"}, {}]


@both
def test_results_are_at_signed_addresses_that_get_no_key(colour: Colour) -> None:
    bad = {"custom_id": "b", "error": {"code": 429, "message": "slow down", "type": "rate_limit"}}
    odd = {"custom_id": "c", "error": "no answer"}
    with Server(*one_by_one(lines(answer("d", "4"), answer("a", "1")), lines(bad, odd))) as storage:
        urls = {"x/BIJOutputSet.jsonl": f"{storage.url}/one?sig=1", "x/error-data": f"{storage.url}/two?sig=2"}
        replies = (json_reply(job("COMPLETED")), json_reply({"filenameToSignedUrls": urls}))
        with Server(*one_by_one(*replies)) as server:
            results = ask(colour, fireworks(server), "get_batch_results", "j1")
            assert server.requests[1].target == f"{PLACE}/datasets/out:getDownloadEndpoint"
        assert [request.target for request in storage.requests] == ["/one?sig=1", "/two?sig=2"]
        assert all("authorization" not in request.headers for request in storage.requests)
    assert [item.custom_id for item in results.items] == list("abcd")
    assert isinstance(results["b"].error, RateLimitError)
    assert "no answer" in str(results["c"].error)
    usual = results["a"].response.cost
    assert usual.items["cached_input"] + usual.items["input"] == usual.total


@both
def test_a_job_that_failed_says_why_and_is_not_downloaded(colour: Colour) -> None:
    words = "Dataset has a syntax error: invalid role bananas"
    failed = json_reply(job("FAILED", status={"code": "INVALID_ARGUMENT", "message": words}))
    with Server(*one_by_one(failed, failed)) as server:
        batch = ask(colour, fireworks(server), "get_batch", "accounts/acme/batchInferenceJobs/j1")
        with pytest.raises(InvalidRequestError, match="invalid role bananas"):
            ask(colour, fireworks(server), "get_batch_results", "j1")
        assert [request.target for request in server.requests] == [f"{PLACE}/batchInferenceJobs/j1"] * 2
    assert (batch.status, batch.errors) == ("failed", [BatchProblem(message=words)])


@both
def test_a_job_is_cancelled_by_deleting_it_unless_it_is_done(colour: Colour) -> None:
    with Server(*one_by_one(json_reply(job("RUNNING")), json_reply({}))) as server:
        assert ask(colour, fireworks(server), "cancel_batch", "j1").status == "cancelling"
        assert server.requests[1].method == "DELETE"
    with Server(*one_by_one(json_reply(job("COMPLETED")))) as server:
        assert ask(colour, fireworks(server), "cancel_batch", "j1").status == "completed"


@both
def test_what_expired_is_sent_again_alone(colour: Colour) -> None:
    empty, made = json_reply({}), json_reply(job("VALIDATING"))
    with Server(*one_by_one(lines(answer("x", "1")), lines(answer("y", "2")))) as storage:
        addressed = json_reply({"filenameToSignedUrls": {"BIJOutputSet.jsonl": f"{storage.url}/one"}})
        rounds = [
            reply
            for state in ("EXPIRED", "COMPLETED")
            for reply in (empty, empty, made, json_reply(job(state)), json_reply(job(state)), addressed)
        ]
        with no_waiting(), Server(*one_by_one(*rounds)) as server:
            given = {"custom_ids": ["x", "y"], "model": MODEL}
            results = ask(colour, fireworks(server), "run_batch", ["a", "b"], **given)
            uploads = [request.body for request in server.requests if request.target.endswith(":upload")]
    assert [item.response.content for item in results.items] == ["1", "2"]
    assert [body.count(b'"custom_id"') for body in uploads] == [2, 1]
    assert results.cost.total == 2 * results.items[0].response.cost.total


def test_the_account_is_needed() -> None:
    driver = driver_class("fireworks")({"api_key": "fw_x", "base_url": "http://127.0.0.1:9"}, env={})
    with pytest.raises(ConfigurationError, match="account_id is missing"):
        driver.create_batch(["a"], model=MODEL)


def test_batches_cost_half_and_so_does_the_cache() -> None:
    driver: Any = connect("fireworks", "http://127.0.0.1:9/v1")
    usual, batch = driver.pricing(MODEL), driver.pricing(MODEL, "batch")
    assert (batch.input, batch.output) == (usual.input / 2, usual.output / 2)
    assert batch.cached_input == (None if usual.cached_input is None else usual.cached_input * Decimal("0.5"))


def test_labels_that_are_too_long_are_told() -> None:
    empty = json_reply({})
    with Server(*one_by_one(empty, empty, json_reply(job("VALIDATING")))) as server:
        batch = ask("blocking", fireworks(server), "create_batch", ["Hi"], model=MODEL, labels={"night": "x" * 60})
        assert "displayName" not in sent_json(server.requests[2])
    assert any("63 characters of labels" in warning for warning in batch.warnings)
