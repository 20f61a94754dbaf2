"""Whole replies of a hostile server in the forms of every wire: which error, how many requests, what is kept secret."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from typing import Any

import pytest

from polydriver import (
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
)

from .asking import ask, refuse
from .callers import CALLERS, KEY, STREAMERS
from .scenarios import WIRES, Refusal, Wire
from .server import READ, Server

ALL = (*CALLERS, *STREAMERS)
WHOLE_WIRES = [wire for wire in WIRES if wire.name != "gemini array"]
every_wire = pytest.mark.parametrize("wire", WHOLE_WIRES, ids=[wire.name for wire in WHOLE_WIRES])


REFUSALS = [
    pytest.param(wire, refusal, id=f"{wire.name}-{refusal.status}-{refusal.kind.__name__}")
    for wire in WHOLE_WIRES
    for refusal in wire.refusals
]


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize(("wire", "refusal"), REFUSALS)
def test_each_refusal_has_its_class_and_its_number_of_requests(how: str, wire: Wire, refusal: Refusal) -> None:
    with Server([READ, refuse(refusal.content, refusal.status, refusal.headers)]) as server:
        outcome = ask(how, wire, server)
        assert type(outcome.error).__name__ == f"{wire.prefix}{refusal.kind.__name__}"
        assert isinstance(outcome.error, refusal.kind)
        assert outcome.error.status == refusal.status
        assert outcome.error.retryable is refusal.kind.retryable
        assert len(server.requests) == (2 if refusal.kind.retryable else 1)


ODD_BODIES = {
    "nothing": b"",
    "HTML": b"<html><title>Bad gateway</title></html>",
    "a list": b'["a", "list"]',
    "a string": b'"just a string"',
    "deep nesting": b"[" * 100_000,
    "wrong types": b'{"error": {"message": {"a": [1]}, "code": [], "type": 7, "status": {}, "details": 3}}',
    "invalid UTF-8": b'{"error": {"message": "\xff\xfe"}}',
}


@pytest.mark.parametrize("how", [CALLERS[0], STREAMERS[1]])
@every_wire
@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES.keys())
def test_the_status_decides_where_the_body_says_nothing(how: str, wire: Wire, body: bytes) -> None:
    with Server([READ, refuse(body, 503)], [READ, refuse(body, 401)]) as server:
        outcome = ask(how, wire, server)
        assert isinstance(outcome.error, InvalidCredentialsError), "the 503 was tried again"
        assert len(server.requests) == 2


@pytest.mark.parametrize("how", ALL)
@every_wire
def test_what_the_server_says_of_retrying_is_obeyed(how: str, wire: Wire) -> None:
    with Server([READ, refuse(b"", 500, {"x-should-retry": "false"})]) as server:
        assert isinstance(ask(how, wire, server).error, ServerError)
        assert len(server.requests) == 1
    with Server([READ, refuse(b"", 429, {"retry-after": "3600"})]) as server:
        outcome = ask(how, wire, server)
        assert isinstance(outcome.error, RateLimitError)
        assert outcome.error.retry_after == 3600
        assert len(server.requests) == 1
    with Server([READ, refuse(b"", 429, {"retry-after": "soon"})]) as server:
        assert isinstance(ask(how, wire, server).error, RateLimitError)
        assert len(server.requests) == 2


BODIES = {
    "nothing": b"",
    "HTML": b"<html></html>",
    "a list": b"[]",
    "a list of lists": b"[[[1]]]",
    "a string": b'"text"',
    "null": b"null",
    "an empty object": b"{}",
    "deep nesting": b"[" * 200_000,
    "an unfinished object": b"{" * 100_000,
    "invalid UTF-8": b'{"content": [\xff], "candidates": [\xff], "output": [\xff], "message": \xff}',
    "truncated JSON": b'{"id": "x", "content": [{"type": "te',
}


@pytest.mark.parametrize("how", CALLERS)
@every_wire
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_success_that_cannot_be_read_is_an_error_of_ours(how: str, wire: Wire, body: bytes) -> None:
    with Server([READ, refuse(body)]) as server:
        outcome = ask(how, wire, server)
        assert isinstance(outcome.error, InvalidResponseError), repr(outcome.error)
        assert len(server.requests) == 1


FOREIGN = [
    {"id": "c", "object": "chat.completion", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]},
    *(wire.whole() for wire in WHOLE_WIRES),
]


READ_TOO = {
    ("bedrock", "stop_reason"),
    ("responses", "choices"),
    ("chat", "choices"),
    ("chat", "output"),
    ("cohere", "done"),
}
"""What a wire reads on purpose: Claude's own API, either of OpenAI's, a text in place of a list."""


@pytest.mark.parametrize("how", CALLERS)
@every_wire
def test_the_reply_of_another_api_is_refused(how: str, wire: Wire) -> None:
    for body in FOREIGN:
        if set(body) == set(wire.whole()) or any((wire.name, field) in READ_TOO for field in body):
            continue
        with Server([READ, refuse(json.dumps(body).encode())]) as server:
            outcome = ask(how, wire, server)
            assert isinstance(outcome.error, InvalidResponseError), body
            assert len(server.requests) == 1


CORES: dict[str, tuple[str | int, ...]] = {
    "chat": ("choices", 0, "message"),
    "anthropic": ("content",),
    "gemini": ("candidates",),
    "responses": ("output",),
    "ollama": ("message",),
    "cohere": ("message",),
    "bedrock": ("output", "message"),
}
"""Where the answer stands in a reply."""


def hollow(wire: Wire) -> list[dict[str, Any]]:
    """Whole replies that have everything but the answer itself."""
    found = []
    path = CORES[wire.name]
    for depth, name in enumerate(path):
        for filling in (None, "x", ...):
            body = wire.whole()
            place: Any = body
            for step in path[:depth]:
                place = place[step]
            if filling is not ...:
                place[name] = filling
            elif isinstance(place, dict):
                del place[name]
            else:
                place.clear()
            found.append(body)
    return found


@pytest.mark.parametrize("how", ALL)
@every_wire
def test_a_reply_without_an_answer_is_no_success(how: str, wire: Wire) -> None:
    for body in hollow(wire):
        with Server([READ, refuse(json.dumps(body).encode())]) as server:
            outcome = ask(how, wire, server, retry_attempts=1)
        assert outcome.error is not None, body
        if how in CALLERS:
            assert type(outcome.error).__name__ == f"{wire.prefix}InvalidResponseError", body


@pytest.mark.parametrize("how", CALLERS)
@every_wire
def test_an_empty_answer_is_an_answer(how: str, wire: Wire) -> None:
    for body in wire.empty_replies:
        with Server([READ, refuse(json.dumps(body).encode())]) as server:
            outcome = ask(how, wire, server)
        assert outcome.response is not None, (body, outcome.error)
        assert outcome.response.content == ""
        assert outcome.response.tool_calls == []
        assert outcome.response.finish_reason in ("stop", "length", "content_filter")


@pytest.mark.parametrize("how", CALLERS)
@every_wire
def test_calls_of_a_whole_reply(how: str, wire: Wire) -> None:
    call = {"call_id": "a", "name": "pay", "arguments": {"amount": 1}}
    with Server([READ, refuse(json.dumps(wire.whole("So", "tool_calls", **call)).encode())]) as server:
        outcome = ask(how, wire, server)
    assert outcome.response is not None
    assert outcome.response.finish_reason == "tool_calls"
    assert [(made.id, made.name, made.arguments) for made in outcome.response.tool_calls] == [
        ("a", "pay", {"amount": 1})
    ]
    assert outcome.response.usage is not None
    assert (outcome.response.usage.input_tokens, outcome.response.usage.output_tokens) == (5, 7)


@pytest.mark.parametrize("how", CALLERS)
@every_wire
@pytest.mark.parametrize("depth", [150, 450, 900, 5000])
def test_deep_nesting_in_a_valid_reply_does_no_harm(how: str, wire: Wire, depth: int) -> None:
    body = json.dumps(wire.whole("So", "tool_calls", call_id="a", name="pay", arguments={"deep": "@"}))
    deep = "[" * depth + "]" * depth
    quoted = r"\"@\"" if r"\"@\"" in body else '"@"'
    with Server([READ, refuse(body.replace(quoted, deep).encode())]) as server:
        outcome = ask(how, wire, server)
    if outcome.response is None:
        assert isinstance(outcome.error, InvalidResponseError)
    else:
        assert [made.name for made in outcome.response.tool_calls] == ["pay"]
        repr(outcome.response)


@pytest.mark.parametrize("how", [CALLERS[0], STREAMERS[1]])
@every_wire
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(how: str, wire: Wire, status: int) -> None:
    with Server([READ, refuse(b"{}")]) as other:
        for target in (f"{other.url}/v1/messages", "/elsewhere"):
            with Server([READ, refuse(b"", status, {"location": target})]) as server:
                outcome = ask(how, wire, server)
                assert isinstance(outcome.error, InvalidResponseError)
                assert len(server.requests) == 1
        assert not other.requests


@pytest.mark.parametrize("how", ALL)
@every_wire
def test_the_key_is_nowhere_to_be_seen(how: str, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    words = {"message": f"invalid x-api-key: {KEY}", "type": KEY, "code": KEY, "status": KEY, "details": [{"k": KEY}]}
    echo = json.dumps({"type": "error", "error": words, "message": KEY, "request_id": KEY}).encode()
    headers = {"x-request-id": KEY, "request-id": KEY, "x-amzn-requestid": KEY, "x-amzn-errortype": KEY}
    with Server([READ, refuse(echo, 401, headers)]) as server:
        error = ask(how, wire, server).error
        sent = server.requests[0]
    assert KEY not in sent.target
    assert KEY.encode() not in sent.body
    assert sum(KEY in value for value in sent.headers.values()) == 1
    assert error is not None
    shown = "".join(traceback.format_exception(error))
    for place in (str(error), repr(error), repr(vars(error)), shown, caplog.text):
        assert KEY not in place
    assert KEY.encode() not in pickle.dumps(error)
    restored = pickle.loads(pickle.dumps(error))
    assert type(restored) is type(error)
    assert str(restored) == str(error)


GENERIC = ("server_error", "api_error", "INTERNAL", "internal_error", "InternalServerError", "timeout", "UNKNOWN")
"""Words that say only that something went wrong at the server."""

FIRM = {
    400: InvalidRequestError,
    403: InvalidCredentialsError,
    404: InvalidRequestError,
    413: InvalidRequestError,
    418: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
    500: ServerError,
    503: ServerError,
}


def failing(word: str, message: str = "no") -> bytes:
    """An error that has a word at every place where some service has one."""
    error = {"type": word, "code": word, "status": word, "message": message}
    return json.dumps({"type": "error", "error": error, "__type": word, "message": message}).encode()


@pytest.mark.parametrize("how", ALL)
@every_wire
@pytest.mark.parametrize("status", FIRM)
def test_a_generic_word_says_less_than_the_status(how: str, wire: Wire, status: int) -> None:
    for word in GENERIC:
        if word == "timeout" and status >= 500:
            continue  # it does say more
        with Server([READ, refuse(failing(word), status)]) as server:
            outcome = ask(how, wire, server)
            assert type(outcome.error).__name__ == f"{wire.prefix}{FIRM[status].__name__}", word
            assert outcome.error is not None
            assert outcome.error.status == status
            assert len(server.requests) == (2 if FIRM[status].retryable else 1), word


@pytest.mark.parametrize("how", ALL)
@every_wire
def test_a_request_that_is_too_large_is_not_sent_again(how: str, wire: Wire) -> None:
    with Server([READ, refuse(failing("rate_limit_exceeded", "Request too large: limit 6000 tokens"), 413)]) as server:
        assert isinstance(ask(how, wire, server).error, InvalidRequestError)
        assert len(server.requests) == 1


NOT_SUPPORTED = [
    (501, {}),
    (501, {"error": {"code": 501, "message": "This server does not support chat.", "type": "not_supported_error"}}),
    (501, {"error": {"code": 501, "message": "no", "type": "server_error"}}),
    (500, {"error": {"code": 500, "message": "image input is not supported - hint: ...", "type": "server_error"}}),
    (500, {"message": "Streaming is not currently supported for this model", "error": "It doesn't support streaming"}),
    (500, {"error": {"message": "Unsupported content", "status": "INTERNAL", "type": "api_error"}}),
    (500, {"error": {"message": "tools: not implemented"}}),
]


@pytest.mark.parametrize("how", ALL)
@every_wire
@pytest.mark.parametrize(("status", "body"), NOT_SUPPORTED)
def test_what_a_server_does_not_have_is_not_asked_for_again(how: str, wire: Wire, status: int, body: Any) -> None:
    with Server([READ, refuse(json.dumps(body).encode(), status)]) as server:
        outcome = ask(how, wire, server)
        assert type(outcome.error).__name__ == f"{wire.prefix}InvalidRequestError"
        assert outcome.error is not None
        assert not outcome.error.retryable
        assert len(server.requests) == 1


TOO_LONG = [
    (400, "no", "exceed_context_size_error"),
    (400, "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", "x"),
    (400, "the request exceeds the available context size. try increasing the context size", "x"),
    (500, "the request exceeds the available context size, try increasing it", "server_error"),
    (500, "input is too large to process. increase the physical batch size", "server_error"),
    (400, "the input length exceeds the context length", "api_error"),
    (400, "input length and `max_tokens` exceed context limit: 198000 + 8192 > 200000", "x"),
    (400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens.", "x"),
    (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096.", "BadRequestError"),
    (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000", "validation"),
    (422, "`inputs` must have less than 1024 tokens. Given: 3000", "validation"),
    (400, "Trying to keep the first 9 tokens when context the overflows. exceeds the context window", "x"),
]


@pytest.mark.parametrize("how", ALL)
@every_wire
@pytest.mark.parametrize(("status", "message", "word"), TOO_LONG)
def test_a_context_that_is_exceeded(how: str, wire: Wire, status: int, message: str, word: str) -> None:
    with Server([READ, refuse(failing(word, message), status)]) as server:
        outcome = ask(how, wire, server)
        assert type(outcome.error).__name__ == f"{wire.prefix}ContextLengthError"
        assert len(server.requests) == 1


def framings(body: bytes) -> list[bytes]:
    """A body framed as the streams of different servers."""
    return [
        b"data: " + body + b"\n\n",
        b"data:" + body + b"\r\n\r\ndata: [DONE]\r\n\r\n",
        b": wait\n\nevent: error\nid: 7\ndata: " + body + b"\n\n",
        b"error: " + body + b"\n\n",
        body + b"\n" + b'{"done": true}\n',
    ]


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize(("wire", "refusal"), REFUSALS)
def test_a_refusal_framed_as_a_stream(how: str, wire: Wire, refusal: Refusal) -> None:
    if not isinstance(refusal.body, dict):
        return
    headers = {"content-type": "text/event-stream", **refusal.headers}
    for body in framings(refusal.content):
        with Server([READ, refuse(body, refusal.status, headers)]) as server:
            error = ask(how, wire, server, retry_attempts=1).error
        assert type(error).__name__ == f"{wire.prefix}{refusal.kind.__name__}"
        assert error is not None
        assert "data:" not in error.message
        assert "{" not in error.message


@pytest.mark.parametrize("how", CALLERS)
@every_wire
def test_an_error_framed_as_a_stream_inside_a_success(how: str, wire: Wire) -> None:
    for body in framings(json.dumps({"error": {"message": "slow down", "code": "429"}}).encode()):
        with Server([READ, refuse(body)]) as server:
            outcome = ask(how, wire, server)
            assert isinstance(outcome.error, RateLimitError), body
            assert len(server.requests) == 2


@pytest.mark.parametrize("how", CALLERS)
@every_wire
@pytest.mark.parametrize("code", [400, "400"])
def test_a_status_is_said_once(how: str, wire: Wire, code: Any) -> None:
    for more in ({}, {"type": "None", "param": "None"}):
        with Server(
            [READ, refuse(json.dumps({"error": {"message": "no", "code": code, **more}}).encode(), 400)]
        ) as server:
            text = str(ask(how, wire, server).error)
        assert text.count("400") == 1, text
        assert "None" not in text
