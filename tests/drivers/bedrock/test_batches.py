"""Bedrock's batches: files in S3 by signed requests, jobs by ARN, both of its APIs, states and what failed."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.faults.server import Received, Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.provider.test_batch_runs import lines

from polydriver import BatchProblem, ConfigurationError, InvalidRequestError, RateLimitError
from polydriver.drivers.bedrock import BedrockDriver
from polydriver.testing import no_waiting

both = pytest.mark.parametrize("colour", ["blocking", "async"])

MODEL = "amazon.nova-lite-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abc123"
PATH = "/model-invocation-job/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Amodel-invocation-job%2Fabc123"
WRITTEN = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def bedrock(server: Server, **settings: Any) -> BedrockDriver:
    given = {
        "region": "us-east-1", "access_key": "AKIAMOCK", "secret_key": "s", "base_url": server.url,
        "s3_url": f"{server.url}/s3", "batch_location": "s3://bucket/night/", "retry_delay": 0.001,
        "batch_role": "arn:aws:iam::123456789012:role/batch", **settings,
    }  # fmt: skip
    return BedrockDriver(given, env={})


def job(status: str, **more: Any) -> dict[str, Any]:
    return {
        "jobArn": ARN, "jobName": "polydriver-t-0", "modelId": MODEL, "status": status,
        "submitTime": "2026-01-15T14:30:00Z", "jobExpirationTime": 1768573800,
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/night/n/input.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/night/n/output/"}}, **more,
    }  # fmt: skip


def answer(custom_id: str, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": text}]}
    usage = {"inputTokens": 1000, "outputTokens": 0, "totalTokens": 1000}
    said = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}
    return {"recordId": custom_id, "modelInput": {}, "modelOutput": said}


def scope(request: Received) -> str:
    """Region and service that a request is signed for."""
    return request.headers["authorization"].split("Credential=")[1].split(",")[0].split("/", 2)[2]


@both
@pytest.mark.parametrize("invoke", [False, True])
def test_a_job_is_made_of_a_file_in_the_bucket(colour: Colour, invoke: bool) -> None:
    model = "anthropic.claude-haiku-4-5-20251001-v1:0" if invoke else MODEL
    with Server(*one_by_one(WRITTEN, json_reply({"jobArn": ARN}))) as server:
        driver = bedrock(server, api="invoke" if invoke else "converse")
        given = {"custom_ids": ["a"], "model": model, "labels": {"polydriver": "t-0", "night": "1"}}
        batch = ask(colour, driver, "create_batch", ["Hi"], timeout_hours=48, **given)
        stored, created = server.requests
    assert (stored.method, scope(stored)) == ("PUT", f"{scope(stored)[:8]}/us-east-1/s3/aws4_request"[9:])
    assert scope(created).endswith("us-east-1/bedrock/aws4_request")
    assert stored.headers["x-amz-content-sha256"] == hashlib.sha256(stored.body).hexdigest()
    assert "x-amz-content-sha256" in stored.headers["authorization"]
    line = json.loads(stored.body)
    assert line["recordId"] == "a"
    assert "model" not in line["modelInput"]
    assert ("anthropic_version" in line["modelInput"]) == invoke
    uri = stored.target.removeprefix("/s3/")
    sent = sent_json(created)
    assert sent.pop("inputDataConfig") == {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": f"s3://{uri}"}}
    folder = f"s3://{uri.removesuffix('input.jsonl')}output/"
    assert folder.startswith("s3://bucket/night/polydriver-")
    assert sent.pop("outputDataConfig") == {"s3OutputDataConfig": {"s3Uri": folder}}
    assert sent == {
        "jobName": "polydriver-t-0", "clientRequestToken": "polydriver-t-0", "modelId": model,
        "roleArn": "arn:aws:iam::123456789012:role/batch", "timeoutDurationInHours": 48,
        "modelInvocationType": "InvokeModel" if invoke else "Converse", "tags": [{"key": "night", "value": "1"}],
    }  # fmt: skip
    assert (batch.id, batch.status, batch.metadata) == (ARN, "pending", {"polydriver": "t-0"})


def test_files_are_signed_as_s3_wants_it() -> None:
    """By the rules of AWS, worked out anew: S3's paths are encoded once."""
    with Server(*one_by_one(WRITTEN, json_reply({"jobArn": ARN}))) as server:
        driver = bedrock(server, batch_location="s3://bucket/a night+1")
        ask("blocking", driver, "create_batch", ["Hi"], model=MODEL)
        stored = server.requests[0]
    assert stored.target.startswith("/s3/bucket/a%20night%2B1/polydriver-")
    told = stored.headers["authorization"]
    place, names, signature = re.findall(r"Credential=AKIAMOCK/(\S+), SignedHeaders=(\S+), Signature=(\w+)", told)[0]
    headers = "".join(f"{name}:{stored.headers[name]}\n" for name in names.split(";"))
    canonical = "\n".join(["PUT", stored.target, "", headers, names, hashlib.sha256(stored.body).hexdigest()])
    wanted = ["AWS4-HMAC-SHA256", stored.headers["x-amz-date"], place, hashlib.sha256(canonical.encode()).hexdigest()]
    key = b"AWS4s"
    for part in place.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    assert hmac.digest(key, "\n".join(wanted).encode(), "sha256").hex() == signature


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Submitted", "pending"), ("Validating", "pending"), ("Scheduled", "pending"), ("InProgress", "running"),
        ("Completed", "completed"), ("PartiallyCompleted", "completed"), ("Failed", "failed"),
        ("Stopping", "cancelling"), ("Stopped", "cancelled"), ("Expired", "expired"), ("New", "running"),
    ],
)  # fmt: skip
def test_states(word: str, status: str) -> None:
    with Server(*one_by_one(json_reply(job(word)))) as server:
        batch = ask("blocking", bedrock(server), "get_batch", ARN)
        assert server.requests[0].target == PATH
    assert (batch.status, batch.expires) == (status, datetime(2026, 1, 16, 14, 30, tzinfo=UTC))


@both
def test_results_are_read_from_the_bucket(colour: Colour) -> None:
    slow = {"recordId": "b", "modelInput": {}, "error": {"errorCode": 429, "errorMessage": "slow down"}}
    bad = {"recordId": "c", "modelInput": {}, "error": {"errorCode": 400, "errorMessage": "no tools here"}}
    replies = (json_reply(job("PartiallyCompleted", processedRecordCount=3)), lines(bad, answer("a", "1"), slow))
    with Server(*one_by_one(*replies)) as server:
        results = ask(colour, bedrock(server), "get_batch_results", ARN)
        assert server.requests[1].target == "/s3/bucket/night/n/output/abc123/input.jsonl.out"
        assert scope(server.requests[1]).endswith("us-east-1/s3/aws4_request")
    assert [item.custom_id for item in results.items] == list("abc")
    assert (results["a"].response.content, results["a"].response.model) == ("1", MODEL)
    assert isinstance(results["b"].error, RateLimitError)
    assert isinstance(results["c"].error, InvalidRequestError)
    assert "no tools here" in str(results["c"].error)
    assert results["a"].response.cost.total * 1_000_000 == 30  # half of 0.06 dollars for a million tokens


@both
def test_a_job_that_failed_says_why(colour: Colour) -> None:
    failed = json_reply(job("Failed", message="the file has fewer than 100 records"))
    with Server(*one_by_one(failed, failed)) as server:
        batch = ask(colour, bedrock(server), "get_batch", ARN)
        with pytest.raises(InvalidRequestError, match="fewer than 100 records"):
            ask(colour, bedrock(server), "get_batch_results", ARN)
    assert batch.errors == [BatchProblem(message="the file has fewer than 100 records")]


@both
def test_a_job_is_stopped_and_asked_for(colour: Colour) -> None:
    with Server(*one_by_one(json_reply({}), json_reply(job("Stopping")))) as server:
        assert ask(colour, bedrock(server), "cancel_batch", ARN).status == "cancelling"
        assert [request.target for request in server.requests] == [f"{PATH}/stop", PATH]


@both
def test_what_expired_is_sent_again_alone(colour: Colour) -> None:
    made = json_reply({"jobArn": ARN})
    rounds = []
    for word, record in (("Expired", answer("x", "1")), ("Completed", answer("y", "2"))):
        state = json_reply(job(word, processedRecordCount=1))
        rounds += [WRITTEN, made, state, state, lines(record)]
    with no_waiting(), Server(*one_by_one(*rounds)) as server:
        results = ask(colour, bedrock(server), "run_batch", ["a", "b"], custom_ids=["x", "y"], model=MODEL)
        files = [request.body for request in server.requests if request.method == "PUT"]
    assert [item.response.content for item in results.items] == ["1", "2"]
    assert [body.count(b'"recordId"') for body in files] == [2, 1]


def test_nothing_was_processed_before_it_expired() -> None:
    with Server(*one_by_one(json_reply(job("Expired", processedRecordCount=0)))) as server:
        assert ask("blocking", bedrock(server), "get_batch_results", ARN).items == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_role": None}, "need batch_role"), ({"batch_location": None}, "need batch_location"),
        ({"batch_location": "bucket"}, "must be like s3://bucket/folder"),
        ({"access_key": None, "secret_key": None, "api_key": "k"}, "an API key is not enough"),
    ],
)  # fmt: skip
def test_what_batches_need_is_said(settings: dict[str, Any], words: str) -> None:
    with Server() as server, pytest.raises(ConfigurationError, match=words):
        ask("blocking", bedrock(server, **settings), "create_batch", ["a"], model=MODEL)
