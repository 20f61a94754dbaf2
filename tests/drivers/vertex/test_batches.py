"""Vertex AI's batches: files in Cloud Storage, ids as labels, Gemini and Claude, states and what failed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.server import Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.provider.test_batch_runs import lines

from polydriver import BatchProblem, ConfigurationError, InvalidRequestError, ServerError
from polydriver.drivers.vertex import VertexAIDriver
from polydriver.drivers.vertex.batches import _id_in, _labels_of
from polydriver.testing import no_waiting

both = pytest.mark.parametrize("colour", ["blocking", "async"])

MODEL = "gemini-2.5-flash"
NAME = "projects/123/locations/us-central1/batchPredictionJobs/456"
HOME = "/v1/projects/p/locations/us-central1/batchPredictionJobs"
STORED = json_reply({"name": "x"})


def vertex(server: Server, **settings: Any) -> VertexAIDriver:
    given = {
        "project": "p", "location": "us-central1", "access_token": "ya29.mock", "base_url": server.url,
        "gcs_url": server.url, "batch_location": "gs://bucket/night/", "retry_delay": 0.001, **settings,
    }  # fmt: skip
    return VertexAIDriver(given, env={})


def job(state: str, **more: Any) -> dict[str, Any]:
    return {
        "name": NAME, "state": f"JOB_STATE_{state}", "model": f"publishers/google/models/{MODEL}",
        "createTime": "2026-01-15T14:30:00.123456789Z", **more,
    }  # fmt: skip


def answer(custom_id: str, text: str) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 0, "totalTokenCount": 1000}
    response = {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}
    return {"status": "", "request": {"labels": _labels_of(custom_id)}, "response": response}


FOLDER = {"outputInfo": {"gcsOutputDirectory": "gs://bucket/night/n/output/prediction-1"}}
LISTED = json_reply({"items": [{"name": "night/n/output/prediction-1/predictions.jsonl"}]})


@both
@pytest.mark.parametrize("claude", [False, True])
def test_a_job_is_made_of_a_file_in_the_bucket(colour: Colour, claude: bool) -> None:
    model = "claude-haiku-4-5@20251001" if claude else MODEL
    with Server(*one_by_one(STORED, json_reply(job("PENDING")))) as server:
        given = {"custom_ids": ["A b"], "model": model, "labels": {"night": "1"}}
        batch = ask(colour, vertex(server), "create_batch", ["Hi"], **given)
        stored, created = server.requests
    sent = sent_json(created)
    name = sent.pop("displayName")
    assert stored.target == f"/upload/storage/v1/b/bucket/o?uploadType=media&name=night%2F{name}%2Finput.jsonl"
    assert stored.headers["authorization"] == "Bearer ya29.mock"
    line = json.loads(stored.body)
    assert ("custom_id" in line, "labels" in line["request"]) == (claude, not claude)
    assert (line["custom_id"] if claude else _id_in(line["request"]["labels"])) == "A b"
    assert "model" not in line["request"]
    assert created.target == HOME
    assert sent == {
        "model": f"publishers/{'anthropic' if claude else 'google'}/models/{model}",
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [f"gs://bucket/night/{name}/input.jsonl"]}},
        "outputConfig": {
            "predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": f"gs://bucket/night/{name}/output"}
        },
        "labels": {"night": "1"},
    }  # fmt: skip
    assert (batch.id, batch.status) == (NAME, "pending")


@settings(max_examples=40)
@given(st.text())
def test_any_id_becomes_labels_and_back(custom_id: str) -> None:
    labels = _labels_of(custom_id)
    assert _id_in(labels) == custom_id
    assert all(re.fullmatch("[a-z0-9]{0,63}", value) for value in labels.values())


@pytest.mark.parametrize("labels", [{}, {"polydriver_id_0": "1!"}, {"polydriver_id_0": 7}])
def test_labels_of_others_are_no_id(labels: dict[str, Any]) -> None:
    assert _id_in(labels) == ""


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("QUEUED", "pending"), ("PENDING", "pending"), ("RUNNING", "running"), ("SUCCEEDED", "completed"),
        ("PARTIALLY_SUCCEEDED", "completed"), ("FAILED", "failed"), ("CANCELLING", "cancelling"),
        ("CANCELLED", "cancelled"), ("PAUSED", "pending"), ("EXPIRED", "expired"), ("NEW", "running"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("batch_id", ["456", NAME])
def test_states(state: str, status: str, batch_id: str) -> None:
    with Server(*one_by_one(json_reply(job(state)))) as server:
        batch = ask("blocking", vertex(server), "get_batch", batch_id)
        assert server.requests[0].target == (f"{HOME}/456" if batch_id == "456" else f"/v1/{NAME}")
    assert (batch.status, batch.model) == (status, MODEL)


@both
def test_results_are_read_from_all_files(colour: Colour) -> None:
    told = '{"error": {"code": 400, "message": "Please use a valid role", "status": "INVALID_ARGUMENT"}}'
    bad = {"status": f"Bad Request: {told}", "request": {"labels": _labels_of("b")}, "response": {}}
    odd = {"status": "it broke", "request": {"labels": _labels_of("c")}}
    done = job("SUCCEEDED", **FOLDER, completionStats={"successfulCount": "1", "failedCount": "2"})
    pages = [
        {"items": [{"name": "night/n/output/prediction-1/b.jsonl"}, {"name": "x/manifest"}], "nextPageToken": "t"},
        {"items": [{"name": "night/n/output/prediction-1/a.jsonl"}]},
    ]
    files = (lines(bad, odd), lines(answer("a", "1")))
    with Server(*one_by_one(json_reply(done), *map(json_reply, pages), *files)) as server:
        results = ask(colour, vertex(server), "get_batch_results", NAME)
        assert [request.target for request in server.requests[1:]] == [
            "/storage/v1/b/bucket/o?prefix=night%2Fn%2Foutput%2Fprediction-1%2F",
            "/storage/v1/b/bucket/o?prefix=night%2Fn%2Foutput%2Fprediction-1%2F&pageToken=t",
            "/storage/v1/b/bucket/o/night%2Fn%2Foutput%2Fprediction-1%2Fa.jsonl?alt=media",
            "/storage/v1/b/bucket/o/night%2Fn%2Foutput%2Fprediction-1%2Fb.jsonl?alt=media",
        ]
    assert [item.custom_id for item in results.items] == list("abc")
    assert results["a"].response.content == "1"
    assert results["a"].response.cost.total * 1_000_000 == 150  # half of 0.30 dollars for a million tokens
    assert isinstance(results["b"].error, InvalidRequestError)
    assert "valid role" in str(results["b"].error)
    assert isinstance(results["c"].error, ServerError)
    assert "it broke" in str(results["c"].error)


@both
def test_a_job_that_failed_says_why(colour: Colour) -> None:
    failed = json_reply(job("FAILED", error={"code": 7, "message": "no access to the bucket"}))
    with Server(*one_by_one(failed, failed)) as server:
        batch = ask(colour, vertex(server), "get_batch", NAME)
        with pytest.raises(InvalidRequestError, match="no access to the bucket"):
            ask(colour, vertex(server), "get_batch_results", NAME)
    assert batch.errors == [BatchProblem(message="no access to the bucket", code="PERMISSION_DENIED")]


@both
def test_a_job_is_cancelled_and_asked_for(colour: Colour) -> None:
    with Server(*one_by_one(json_reply({}), json_reply(job("CANCELLING")))) as server:
        assert ask(colour, vertex(server), "cancel_batch", NAME).status == "cancelling"
        assert server.requests[0].target == f"/v1/{NAME}:cancel"


@both
def test_what_expired_is_sent_again_alone(colour: Colour) -> None:
    rounds = []
    for state, record in (("EXPIRED", answer("x", "1")), ("SUCCEEDED", answer("y", "2"))):
        told = json_reply(job(state, **FOLDER))
        rounds += [STORED, json_reply(job("PENDING")), told, told, LISTED, lines(record)]
    with no_waiting(), Server(*one_by_one(*rounds)) as server:
        results = ask(colour, vertex(server), "run_batch", ["a", "b"], custom_ids=["x", "y"], model=MODEL)
        files = [request.body for request in server.requests if request.target.startswith("/upload")]
    assert [item.response.content for item in results.items] == ["1", "2"]
    assert [len(body.splitlines()) for body in files] == [2, 1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_location": None}, "need batch_location"), ({"batch_location": "gs://bucket"}, "as gs://bucket/folder"),
        ({"access_token": None, "api_key": "k"}, "an API key is not enough"),
        ({"access_token": None, "api_key": "k", "project": None}, "an API key is not enough"),
    ],
)  # fmt: skip
def test_what_batches_need_is_said(settings: dict[str, Any], words: str) -> None:
    with Server() as server, pytest.raises(ConfigurationError, match=words):
        ask("blocking", vertex(server, **settings), "create_batch", ["a"], model=MODEL)
