"""Operations end to end over loopback, in both colours: retry, pages, flows, the deadline, cost and events."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, cast

import pytest
from tests.faults.server import READ, Script, Server, reply
from tests.operations.asking import Colour, ask, json_reply, one_by_one, openai, sent_json

from polydriver.data.messages import AIMessage
from polydriver.errors import (
    AIError,
    DeadlineExceededError,
    InvalidRequestError,
    InvalidResponseError,
    RateLimitError,
    UnsupportedFeatureError,
)
from polydriver.events import CostCalculated, Event, MessageSent, RequestFailed, RequestRetried, ResponseGenerated
from polydriver.operations.results import BatchResults

EMBEDDING = {
    "object": "list",
    "data": [{"object": "embedding", "index": 1, "embedding": [0.5, 1]}, {"index": 0, "embedding": [0.25, -0.5]}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
}
BATCH = {"id": "batch_1", "object": "batch", "status": "completed", "created_at": 1700000000, "metadata": {"k": "v"}}


@pytest.fixture(params=["blocking", "async"])
def colour(request: pytest.FixtureRequest) -> Colour:
    """Give both colours, one after the other."""
    return cast(Colour, request.param)


def test_embeddings_with_cost_and_events(colour: Colour) -> None:
    with Server([READ, json_reply(EMBEDDING, x_request_id="req_1")]) as server:
        driver = openai(server)
        events: list[Event] = []
        for kind in (CostCalculated, MessageSent, ResponseGenerated, RequestFailed):
            driver.on(kind, events.append)
        options = {"model": "text-embedding-3-small", "dimensions": 2, "metadata": {"job": 7}}
        result = ask(colour, driver, "embed", ["a", "b"], **options)
    assert result.embeddings == [[0.25, -0.5], [0.5, 1.0]]
    assert result.embedding == [0.25, -0.5]
    assert (result.provider, result.requested_model, result.request_id) == ("openai", options["model"], "req_1")
    assert result.response_time > 0
    assert result.usage.input_tokens == 1000
    assert result.cost.total == Decimal("0.00002")
    assert sent_json(server.requests[0]) == {
        "model": "text-embedding-3-small",
        "input": ["a", "b"],
        "encoding_format": "base64",
        "dimensions": 2,
    }
    assert server.requests[0].target == "/v1/embeddings"
    (event,) = events
    assert isinstance(event, CostCalculated)
    assert (event.cost, event.usage, event.metadata) == (result.cost, result.usage, {"job": 7})


def test_a_failure_is_retried_and_said(colour: Colour) -> None:
    limited = json_reply({"error": {"message": "slow down"}}, 429, retry_after_ms="1")
    with Server(*one_by_one(limited, json_reply(EMBEDDING))) as server:
        driver = openai(server)
        events: list[Event] = []
        driver.on(RequestRetried, events.append)
        assert ask(colour, driver, "embed", ["a", "b"], model="m").embeddings
        assert len(server.requests) == 2
    assert [event.name for event in events] == ["RequestRetried"]


def test_the_last_failure_is_raised(colour: Colour) -> None:
    with Server([READ, json_reply({"error": {"message": "slow down"}}, 429)]) as server:
        driver = openai(server)
        events: list[Any] = []
        driver.on(RequestFailed, events.append)
        with pytest.raises(RateLimitError) as caught:
            ask(colour, driver, "moderate", "a", retry_attempts=1)
        assert len(server.requests) == 1
    assert caught.value.provider == "openai"
    assert [event.error for event in events] == [caught.value]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data": 3}', b'{"data": [3]}', b'{"data": [{}]}', b"<html>", b"\xff"]
)
def test_an_unreadable_answer_is_an_error_of_ours(colour: Colour, body: bytes) -> None:
    with Server([READ, reply(body)]) as server, pytest.raises(InvalidResponseError):
        ask(colour, openai(server), "embed", "a", model="m")


def test_nothing_is_sent_for_what_the_driver_does_not_do(colour: Colour) -> None:
    with Server([READ, reply()]) as server:
        with pytest.raises(UnsupportedFeatureError):
            ask(colour, openai(server), "rerank", "q", ["a"], model="m")
        assert server.requests == []


def test_all_pages_of_a_list(colour: Colour) -> None:
    first = {"data": [{"id": "a"}, {"id": "b"}], "has_more": True}
    second = {"data": [{"id": "c", "filename": "c.txt", "bytes": 3}], "has_more": False}
    with Server(*one_by_one(json_reply(first), json_reply(second))) as server:
        files = ask(colour, openai(server), "list_files")
        targets = [request.target for request in server.requests]
    assert [file.id for file in files] == ["a", "b", "c"]
    assert (files[2].name, files[2].size, files[2].provider) == ("c.txt", 3, "openai")
    assert targets == ["/v1/files", "/v1/files?after=b"]


def test_a_list_ends_at_its_limit_and_at_a_cursor_that_comes_again(colour: Colour) -> None:
    page = json_reply({"data": [{"id": "a"}, {"id": "b"}], "has_more": True, "last_id": "b"})
    with Server(*one_by_one(page, page, page, page)) as server:
        assert len(ask(colour, openai(server), "list_batches", limit=1)) == 1
        assert len(server.requests) == 1
        assert len(ask(colour, openai(server), "list_batches")) == 4
        assert len(server.requests) == 3


def test_a_batch_is_made_of_a_file(colour: Colour) -> None:
    replies = one_by_one(json_reply({"id": "file-1"}), json_reply({**BATCH, "status": "validating"}))
    with Server(*replies) as server:
        prompts = ["one", [AIMessage.system("be brief"), AIMessage.user("two")]]
        options = {"model": "gpt-4o-mini", "max_tokens": 5, "labels": {"k": "v"}}
        batch = ask(colour, openai(server), "create_batch", prompts, **options)
        upload, created = server.requests
    assert (batch.id, batch.status, batch.raw_status, batch.done) == ("batch_1", "pending", "validating", False)
    assert batch.metadata == {"k": "v"}
    lines = [json.loads(line) for line in upload.body.splitlines() if line.startswith(b"{")]
    assert [(line["custom_id"], line["method"], line["url"]) for line in lines] == [
        ("prompt-0", "POST", "/v1/chat/completions"),
        ("prompt-1", "POST", "/v1/chat/completions"),
    ]
    assert lines[0]["body"]["messages"] == [{"role": "user", "content": "one"}]
    assert len(lines[1]["body"]["messages"]) == 2
    assert sent_json(created) == {
        "input_file_id": "file-1",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"k": "v"},
    }


def test_the_results_of_a_batch(colour: Colour) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    answer = {
        "object": "chat.completion",
        "model": "gpt-4o-mini",
        "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
        "usage": usage,
    }
    item = {"object": "response", "status": "completed", "model": "gpt-4o-mini", "output": []}
    ended = {"status_code": 200, "request_id": "req_9", "body": answer}
    lines = [
        {"custom_id": "prompt-10", "response": ended, "error": None},
        {"custom_id": "prompt-2", "response": {"status_code": 400, "body": {"error": {"message": "no"}}}},
        {"custom_id": "prompt-1", "response": {"status_code": 200, "body": item}},
    ]
    failed = {"custom_id": "prompt-3", "response": None, "error": {"code": "batch_expired", "message": "late"}}
    replies = one_by_one(
        json_reply({**BATCH, "output_file_id": "file-o", "error_file_id": "file-e"}),
        reply(b"\n".join(json.dumps(line).encode() for line in lines)),
        reply(json.dumps(failed).encode() + b"\n"),
    )
    with Server(*replies) as server:
        driver = openai(server)
        events: list[Any] = []
        driver.on(CostCalculated, events.append)
        results: BatchResults = ask(colour, driver, "get_batch_results", "batch_1")
        targets = [request.target for request in server.requests]
    assert targets == ["/v1/batches/batch_1", "/v1/files/file-o/content", "/v1/files/file-e/content"]
    assert [item.custom_id for item in results.items] == ["prompt-1", "prompt-2", "prompt-3", "prompt-10"]
    response = results["prompt-10"].response
    assert response is not None
    assert (response.content, response.request_id, response.provider) == ("hi", "req_9", "openai")
    assert response.cost is not None
    assert response.cost.total == Decimal("0.000105")  # half of the usual price
    assert isinstance(results["prompt-2"].error, InvalidRequestError)
    assert isinstance(results["prompt-3"].error, AIError)
    assert results["prompt-3"].error.code == "batch_expired"
    assert results["prompt-1"].response is not None
    with pytest.raises(KeyError):
        results["prompt-0"]


def test_a_batch_that_is_running_has_no_results(colour: Colour) -> None:
    with Server([READ, json_reply({**BATCH, "status": "in_progress"})]) as server:
        driver = openai(server)
        events: list[Any] = []
        driver.on(RequestFailed, events.append)
        with pytest.raises(InvalidRequestError, match="in_progress"):
            ask(colour, driver, "get_batch_results", "batch_1")
    assert len(events) == 1


def test_a_batch_is_cancelled(colour: Colour) -> None:
    with Server(
        [READ, json_reply({**BATCH, "status": "cancelling", "request_counts": {"total": 3, "completed": 1}})]
    ) as server:
        batch = ask(colour, openai(server), "cancel_batch", "batch_1")
        (sent,) = server.requests
    assert (sent.method, sent.target, sent.body) == ("POST", "/v1/batches/batch_1/cancel", b"")
    assert sent.headers["content-length"] == "0"
    assert (batch.status, batch.done, batch.counts.total, batch.counts.completed) == ("cancelling", False, 3, 1)


def test_what_a_batch_cannot_do_as_asked_is_said(colour: Colour) -> None:
    with Server(*one_by_one(json_reply({"id": "file-1"}), json_reply(BATCH))) as server:
        batch = ask(colour, openai(server), "create_batch", ["a", "b"], model="gpt-4o-mini", top_k=3)
    assert batch.warnings == ["openai does not support top_k; it was left out."]


def test_each_exchange_of_a_flow_is_retried_on_its_own(colour: Colour) -> None:
    busy = json_reply({"error": {"message": "busy"}}, 503, retry_after_ms="1")
    replies = one_by_one(busy, json_reply({"id": "file-1"}), busy, json_reply(BATCH))
    with Server(*replies) as server:
        batch = ask(colour, openai(server), "create_batch", ["a"], model="gpt-4o-mini", retry_attempts=2)
        targets = [request.target for request in server.requests]
    assert batch.done
    assert targets == ["/v1/files", "/v1/files", "/v1/batches", "/v1/batches"]


def test_one_deadline_spans_a_flow(colour: Colour) -> None:
    late: Script = [READ, 0.15, json_reply({"id": "file-1"})]
    with Server(late, late) as server, pytest.raises(DeadlineExceededError, match=r"0\.2 s"):
        ask(colour, openai(server), "create_batch", ["a"], model="gpt-4o-mini", deadline=0.2)


def test_a_file_comes_and_goes(colour: Colour) -> None:
    stored = {"id": "file/1", "filename": "a.txt", "bytes": 3, "created_at": 1700000000, "purpose": "user_data"}
    replies = one_by_one(
        json_reply(stored), json_reply(stored), reply(b"abc"), json_reply({"id": "file/1", "deleted": True})
    )
    with Server(*replies) as server:
        driver = openai(server)
        file = ask(colour, driver, "upload_file", b"abc", name="a.txt")
        assert ask(colour, driver, "get_file", "file/1").created == file.created
        assert ask(colour, driver, "download_file", "file/1").data == b"abc"
        assert ask(colour, driver, "delete_file", "file/1")
        sent = [(request.method, request.target) for request in server.requests]
        upload = server.requests[0].body
    assert (file.id, file.name, file.size) == ("file/1", "a.txt", 3)
    assert b'name="purpose"\r\n\r\nuser_data\r\n' in upload
    assert b'name="file"; filename="a.txt"' in upload
    assert sent == [
        ("POST", "/v1/files"),
        ("GET", "/v1/files/file%2F1"),
        ("GET", "/v1/files/file%2F1/content"),
        ("DELETE", "/v1/files/file%2F1"),
    ]


def test_speech_is_priced_by_its_characters(colour: Colour) -> None:
    with Server([READ, reply(b"\xff\xf3sound", headers={"content-type": "audio/mpeg"})]) as server:
        result = ask(colour, openai(server), "speak", "a" * 1000, model="tts-1")
        body = sent_json(server.requests[0])
    assert (result.audio.data, result.audio.format) == (b"\xff\xf3sound", "mp3")
    assert result.cost.total == Decimal("0.015")
    assert body == {"model": "tts-1", "input": "a" * 1000, "voice": "alloy"}


def test_a_transcript_is_priced_by_its_length(colour: Colour) -> None:
    payload = {"text": "hello", "duration": 59.2, "usage": {"type": "duration", "seconds": 60}}
    with Server([READ, json_reply(payload)]) as server:
        result = ask(colour, openai(server), "transcribe", b"RIFF0000WAVE", model="whisper-1")
    assert (result.text, result.duration) == ("hello", 59.2)
    assert result.cost.total == Decimal("0.006")


def test_tokens_are_counted(colour: Colour) -> None:
    with Server([READ, json_reply({"object": "response.input_tokens", "input_tokens": 11})]) as server:
        count = ask(colour, openai(server), "count_tokens", "hello", model="gpt-4o-mini", temperature=0)
        assert server.requests[0].target == "/v1/responses/input_tokens"
        assert "temperature" not in sent_json(server.requests[0])
    assert (count.input_tokens, count.cost) == (11, None)


def test_warnings_come_back(colour: Colour) -> None:
    with Server([READ, json_reply(EMBEDDING)]) as server:
        result = ask(colour, openai(server), "embed", "a", model="m", input_type="query")
    assert result.warnings == [
        "openai does not support input_type here; it was left out.",
        "1 inputs came back as 2 embeddings",
    ]
