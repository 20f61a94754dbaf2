"""Streams of a hostile server, through the whole pipeline, blocking and async."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polydriver import (
    APITimeoutError,
    DeadlineExceededError,
    InvalidCredentialsError,
    InvalidResponseError,
    ServerError,
    StreamInterruptedError,
)

from .callers import KEY, SILENCE, STREAMERS, call
from .server import CLOSE, HANG, READ, RESET, Server, reply

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"

pytestmark = pytest.mark.parametrize("how", STREAMERS)


def event(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One chunk of a completion as an event."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c1", "model": "m", "choices": [choice], **more}).encode() + b"\n\n"


def framed(*events: bytes) -> bytes:
    """Events as HTTP chunks, without the last one."""
    return b"".join(b"%x\r\n%b\r\n" % (len(data), data) for data in events)


HELLO = framed(event({"content": "Hel"}), event({"content": "lo"}))

CUTS = {
    "a clean end of the body": [READ, HEAD + HELLO + END],
    "a closed connection": [READ, HEAD + HELLO, CLOSE],
    "a reset connection": [READ, HEAD + HELLO, 0.05, RESET],
    "an event that is not JSON": [READ, HEAD + HELLO + framed(b"data: {nonsense\n\n") + END],
    "an event that is a list": [READ, HEAD + HELLO + framed(b"data: [1, 2]\n\n") + END],
    "an event that is a number": [READ, HEAD + HELLO + framed(b"data: 7\n\n") + END],
    "choices that are a number": [READ, HEAD + HELLO + framed(b'data: {"choices": 7}\n\n') + END],
    "nesting without end": [READ, HEAD + HELLO + framed(b"data: " + b"[" * 200_000 + b"\n\n") + END],
    "invalid UTF-8": [READ, HEAD + HELLO + framed(b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n') + END],
    "a stall": [READ, HEAD + HELLO, HANG],
    "an error as an object": [READ, HEAD + HELLO + framed(b'data: {"error": {"message": "overloaded"}}\n\n') + END],
    "an error as a string": [READ, HEAD + HELLO + framed(b'data: {"error": "overloaded"}\n\n') + END],
    "an error beside choices": [READ, HEAD + HELLO + framed(event({"content": ""}, error={"message": "x"})) + END],
    "an error event": [READ, HEAD + HELLO + framed(b'event: error\ndata: {"message": "overloaded"}\n\n') + END],
    "an error as the finish reason": [READ, HEAD + HELLO + framed(event({}, "error")) + END],
}


@pytest.mark.parametrize("script", CUTS.values(), ids=CUTS.keys())
def test_a_broken_stream_keeps_what_came_and_is_never_a_success(how: str, script: list[Any]) -> None:
    with Server(script) as server:
        outcome = call(how, server.url, idle_timeout=1.0)
        assert isinstance(outcome.error, StreamInterruptedError)
        assert outcome.error.partial is not None
        assert outcome.error.partial.content == "Hello"
        assert outcome.error.partial.finish_reason in (None, "error"), "nothing invents a finish reason"
        assert outcome.text == "Hello"
        assert len(server.requests) == 1, "after the first content nothing is sent again"


@pytest.mark.parametrize(
    "ending", [framed(event({}, "stop"), DONE) + END, framed(event({}, "stop")) + END, framed(DONE) + END]
)
def test_each_end_mark_is_a_success(how: str, ending: bytes) -> None:
    with Server([READ, HEAD + HELLO + ending]) as server:
        outcome = call(how, server.url)
    assert outcome.error is None
    assert outcome.response is not None
    assert outcome.response.content == outcome.text == "Hello"


def test_a_connection_that_breaks_after_the_end_of_the_answer_is_a_warning(how: str) -> None:
    with Server([READ, HEAD + HELLO + framed(event({}, "stop")), 0.05, RESET]) as server:
        outcome = call(how, server.url)
    assert outcome.response is not None
    assert outcome.response.finish_reason == "stop"
    assert len(outcome.response.warnings) == 1


@pytest.mark.parametrize(
    "empty", [END, framed(event({"role": "assistant", "content": ""})) + END, framed(b": hello\n\n") + END]
)
def test_before_the_first_content_a_cut_stream_is_tried_again(how: str, empty: bytes) -> None:
    good = [READ, HEAD + HELLO + framed(event({}, "stop"), DONE) + END]
    with Server([READ, HEAD + empty, CLOSE], good) as server:
        outcome = call(how, server.url)
        assert outcome.error is None
        assert outcome.text == "Hello", "and nothing of the first attempt is spliced in"
        assert len(server.requests) == 2


def test_no_more_requests_than_attempts(how: str) -> None:
    with Server([READ, HEAD + END, CLOSE]) as server:
        outcome = call(how, server.url, retry_attempts=3)
        assert isinstance(outcome.error, StreamInterruptedError)
        assert len(server.requests) == 3


COMMENT = framed(b": still here\n\n")
LAST = event({"content": "!"}, "stop")
SIGNS = {
    "comments": ([COMMENT] * 8, LAST),
    "pings": ([framed(b'event: ping\ndata: {"choices": []}\n\n')] * 8, LAST),
    "parts of an event": ([framed(LAST[:6]), *[framed(b" ")] * 8], LAST[6:]),
    "empty lines": ([framed(b"\n")] * 8, LAST),
}


@pytest.mark.parametrize(("signs", "last"), SIGNS.values(), ids=SIGNS.keys())
@pytest.mark.parametrize("before", [HEAD, HEAD + HELLO], ids=["thinking", "writing"])
def test_whatever_comes_is_a_sign_of_life(how: str, before: bytes, signs: list[bytes], last: bytes) -> None:
    waiting = [step for sign in signs for step in (sign, 0.1)]
    with Server([READ, before, *waiting, framed(last) + END]) as server:
        outcome = call(how, server.url, **SILENCE)
        assert outcome.error is None
        assert outcome.text.endswith("!")
        assert len(server.requests) == 1, "a model that thinks is asked once"


@pytest.mark.parametrize("before", [HEAD, HEAD + HELLO], ids=["thinking", "writing"])
def test_silence_after_signs_of_life_is_a_timeout(how: str, before: bytes) -> None:
    with Server([READ, before, 0.1, COMMENT, HANG]) as server:
        outcome = call(how, server.url, retry_attempts=1, **SILENCE)
    error = outcome.error.__cause__ if before != HEAD and outcome.error is not None else outcome.error
    assert isinstance(error, APITimeoutError)


@pytest.mark.parametrize("before", [HEAD, HEAD + HELLO], ids=["thinking", "writing"])
def test_a_stream_that_only_ever_pings_ends_with_the_deadline(how: str, before: bytes) -> None:
    endless = [step for _ in range(200) for step in (COMMENT, 0.05)]
    with Server([READ, before, *endless]) as server:
        outcome = call(how, server.url, deadline=0.7, **SILENCE)
        assert len(server.requests) == 1
    error = outcome.error.__cause__ if before != HEAD and outcome.error is not None else outcome.error
    assert isinstance(error, DeadlineExceededError)


def test_an_endless_stream_ends_with_the_deadline(how: str) -> None:
    endless = [step for _ in range(200) for step in (framed(event({"content": "x"})), 0.05)]
    with Server([READ, HEAD, *endless]) as server:
        outcome = call(how, server.url, deadline=0.5)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert isinstance(outcome.error.__cause__, DeadlineExceededError)
    assert outcome.error.partial is not None
    assert outcome.error.partial.content.startswith("x")


def test_a_huge_event_is_taken_and_one_above_the_limit_is_not(how: str) -> None:
    large = "x" * 10_000_000
    script = [READ, HEAD + framed(event({"content": large}), event({}, "stop"), DONE) + END]
    with Server(script) as server:
        outcome = call(how, server.url, timeout=20.0)
    assert outcome.text == large
    with Server(script) as server:
        outcome = call(how, server.url, timeout=20.0, max_event_bytes=1_000_000)
    assert isinstance(outcome.error, InvalidResponseError)


def test_an_error_first_of_all_is_mapped_and_tried_again_if_that_can_help(how: str) -> None:
    error = b'data: {"error": {"message": "busy", "type": "server_error"}}\n\n'
    with Server([READ, HEAD + framed(error) + END]) as server:
        outcome = call(how, server.url)
        assert isinstance(outcome.error, ServerError)
        assert len(server.requests) == 2


def test_a_plain_json_error_in_place_of_a_stream(how: str) -> None:
    body = json.dumps({"error": {"message": f"bad key {KEY}", "code": "invalid_api_key"}}).encode()
    with Server([READ, reply(body)]) as server:
        outcome = call(how, server.url)
        assert isinstance(outcome.error, InvalidCredentialsError)
        assert KEY not in f"{outcome.error} {outcome.error!r} {vars(outcome.error)}"
        assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html><title>Log in</title></html>", b"plain text", b"[]", b"null", b'"text"'])
def test_a_body_that_is_no_stream(how: str, body: bytes) -> None:
    with Server([READ, reply(body)]) as server:
        outcome = call(how, server.url)
    assert isinstance(outcome.error, InvalidResponseError)


def test_a_whole_completion_in_place_of_a_stream_is_taken(how: str) -> None:
    message = {"role": "assistant", "content": "Hello"}
    body = json.dumps({"id": "c", "choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    with Server([READ, reply(body)]) as server:
        outcome = call(how, server.url)
    assert outcome.text == "Hello"
    assert outcome.response is not None
    assert outcome.response.finish_reason == "stop"


def test_a_call_that_was_cut_is_never_handed_out_as_complete(how: str) -> None:
    delta = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "pay", "arguments": '{"amount": 1'}}]}
    with Server([READ, HEAD + framed(event({"content": "So"}), event(delta)) + END]) as server:
        outcome = call(how, server.url)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.error.partial is not None
    assert [made.is_complete for made in outcome.error.partial.tool_calls] == [False]
    assert not any(chunk.tool_calls for chunk in outcome.chunks)
    with Server([READ, HEAD + framed(event(delta), event({}, "length"), DONE) + END]) as server:
        outcome = call(how, server.url)
    assert outcome.response is not None
    assert [(made.is_complete, made.arguments_text) for made in outcome.response.tool_calls] == [
        (False, '{"amount": 1')
    ]


def test_parallel_calls_never_glue_together(how: str) -> None:
    deltas = [
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "one", "arguments": '{"x":'}}]},
        {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "two", "arguments": ""}}]},
        {
            "tool_calls": [
                {"index": 1, "function": {"arguments": '{"y": 2}'}},
                {"index": 0, "function": {"arguments": "1}"}},
            ]
        },
    ]
    with Server([READ, HEAD + framed(*map(event, deltas), event({}, "tool_calls"), DONE) + END]) as server:
        outcome = call(how, server.url)
    assert outcome.response is not None
    assert [(made.id, made.name, made.arguments) for made in outcome.response.tool_calls] == [
        ("a", "one", {"x": 1}),
        ("b", "two", {"y": 2}),
    ]
