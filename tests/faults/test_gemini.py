"""What only Gemini's streams and replies can do wrong, in both framings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polydriver import QuotaExceededError, RateLimitError, ServerError, StreamInterruptedError

from .asking import END, ask, cut, head, hello, refuse, stream
from .callers import CALLERS, KEY, STREAMERS
from .scenarios.gemini import GeminiArrayWire, GeminiWire, failure, retry_info
from .server import CLOSE, READ, Server, chunked

SSE, ARRAY = GeminiWire(), GeminiArrayWire()
both = pytest.mark.parametrize("how", STREAMERS)
framings = pytest.mark.parametrize("wire", [SSE, ARRAY], ids=["sse", "array"])


@both
@framings
def test_without_a_finish_reason_the_answer_was_cut(how: str, wire: GeminiWire) -> None:
    with Server(stream(wire, *hello(wire))) as server:  # the array is closed, the answer is not
        outcome = ask(how, wire, server)
        assert isinstance(outcome.error, StreamInterruptedError)
        assert outcome.error.partial is not None
        assert outcome.error.partial.content == "Hello"
        assert outcome.error.partial.finish_reason is None
        assert len(server.requests) == 1


@both
def test_an_array_whose_bracket_is_missing_is_whole_when_its_answer_is(how: str) -> None:
    with Server(cut(ARRAY, *hello(ARRAY), *ARRAY.end(), then=[END])) as server:
        outcome = ask(how, ARRAY, server)
    assert outcome.response is not None
    assert outcome.response.finish_reason == "stop"


@both
@pytest.mark.parametrize("position", [1, 0.3, 0.6, 0.9])
def test_an_array_that_is_cut_anywhere_keeps_what_was_whole(how: str, position: float) -> None:
    frames = ARRAY.frames(*hello(ARRAY), *ARRAY.end())
    last = frames[-1][: max(1, int(len(frames[-1]) * position))] if position != 1 else b","
    with Server([READ, head(ARRAY) + chunked(*frames[:-1], last)]) as server:
        outcome = ask(how, ARRAY, server)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.error.partial is not None
    assert outcome.error.partial.content == "Hello"


@both
@framings
def test_a_bare_error_object_in_place_of_a_stream(how: str, wire: GeminiWire) -> None:
    body = json.dumps(failure(503, "UNAVAILABLE", f"overloaded {KEY}")).encode()
    for shown in (body, b"[" + body + b"]"):
        with Server([READ, refuse(shown, 200, {"content-type": wire.content_type})]) as server:
            outcome = ask(how, wire, server)
            assert isinstance(outcome.error, ServerError)
            assert KEY not in f"{outcome.error} {vars(outcome.error)}"
            assert len(server.requests) == 2


@both
@framings
def test_a_blocked_prompt_is_an_empty_answer(how: str, wire: GeminiWire) -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 5}}
    with Server(stream(wire, blocked)) as server:
        outcome = ask(how, wire, server)
        assert len(server.requests) == 1
    assert outcome.response is not None
    assert outcome.response.content == ""
    assert (outcome.response.finish_reason, outcome.response.raw_finish_reason) == (
        "content_filter",
        "PROHIBITED_CONTENT",
    )


@both
@framings
def test_a_call_whose_streamed_arguments_were_cut_is_incomplete(how: str, wire: GeminiWire) -> None:
    pieces: list[dict[str, Any]] = [
        {"functionCall": {"id": "a", "name": "pay", "willContinue": True}},
        {"functionCall": {"partialArgs": [{"jsonPath": "$.amount", "numberValue": 1}], "willContinue": True}},
    ]
    events = [{"candidates": [{"content": {"parts": [piece]}, "index": 0}], "responseId": "r"} for piece in pieces]
    with Server(stream(wire, *wire.begin(), *wire.text("So"), *events)) as server:
        outcome = ask(how, wire, server)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.error.partial is not None
    assert [call.is_complete for call in outcome.error.partial.tool_calls] == [False]
    assert not any(chunk.tool_calls for chunk in outcome.chunks)
    with Server(stream(wire, *wire.begin(), *events, *wire.end("length"))) as server:
        outcome = ask(how, wire, server)
    assert outcome.response is not None
    assert [(call.name, call.is_complete) for call in outcome.response.tool_calls] == [("pay", False)]


@pytest.mark.parametrize("how", [*CALLERS, *STREAMERS])
@pytest.mark.parametrize(
    ("delay", "after", "requests"),
    [("0.01s", 0.01, 2), ("41s", 41, 1), ({"seconds": 41}, 41, 1), ("soon", None, 2), (-3, None, 2), (None, None, 2)],
)
def test_what_the_details_say_of_retrying_is_obeyed(how: str, delay: Any, after: float | None, requests: int) -> None:
    body = json.dumps(failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded", retry_info(delay))).encode()
    with Server([READ, refuse(body, 429)]) as server:
        outcome = ask(how, SSE, server)
        assert isinstance(outcome.error, RateLimitError)
        assert outcome.error.retry_after == after
        assert len(server.requests) == requests


@pytest.mark.parametrize("how", CALLERS)
def test_a_quota_by_the_day_is_asked_once(how: str) -> None:
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "250"}
    quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    body = json.dumps(failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded", quota, retry_info("1s"))).encode()
    with Server([READ, refuse(body, 429)]) as server:
        assert isinstance(ask(how, SSE, server).error, QuotaExceededError)
        assert len(server.requests) == 1


@pytest.mark.parametrize("how", CALLERS)
@pytest.mark.parametrize("details", [7, "x", [1], [[]], [{"@type": 5}], [{"@type": ".RetryInfo", "retryDelay": []}]])
def test_odd_details_do_no_harm(how: str, details: Any) -> None:
    body = json.dumps({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE", "details": details}}).encode()
    with Server([READ, refuse(body, 503)]) as server:
        assert isinstance(ask(how, SSE, server).error, ServerError)
        assert len(server.requests) == 2


@both
def test_the_key_goes_in_a_header_of_its_own(how: str) -> None:
    with Server([READ, CLOSE]) as server:
        ask(how, SSE, server, retry_attempts=1)
        request = server.requests[0]
    assert request.headers["x-goog-api-key"] == KEY
    assert request.target == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


@pytest.mark.parametrize("how", [*CALLERS, *STREAMERS])
@pytest.mark.parametrize(
    "word", ["STOP", "OTHER", "TOOL_CALLS", "FINISH_REASON_UNSPECIFIED", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"]
)
def test_any_word_but_an_error_means_calls_where_there_are_calls(how: str, word: str) -> None:
    whole = SSE.whole(None, "tool_calls", call_id="a", name="pay", arguments={"x": 1})
    whole["candidates"][0]["finishReason"] = word
    body = json.dumps(whole).encode()
    if how in CALLERS:
        script: Any = [READ, refuse(body)]
    else:
        end = SSE.end()
        end[0]["candidates"][0]["finishReason"] = word
        script = stream(SSE, *SSE.calls(("a", "pay", '{"x": 1}')), *end)
        if word == "FINISH_REASON_UNSPECIFIED":
            script = stream(SSE, *SSE.calls(("a", "pay", '{"x": 1}')), *end, *SSE.end())
    with Server(script) as server:
        outcome = ask(how, SSE, server)
    assert outcome.response is not None
    assert outcome.response.finish_reason == "tool_calls"
    assert [(made.name, made.is_complete) for made in outcome.response.tool_calls] == [("pay", True)]
