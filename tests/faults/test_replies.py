"""Whole replies of a hostile server: which error, how many requests, what is kept secret."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from typing import Any

import pytest

from polydriver import (
    AIError,
    APIConnectionError,
    APITimeoutError,
    ContentFilterError,
    ContextLengthError,
    DeadlineExceededError,
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidResponseError,
    ModelNotFoundError,
    OpenAIDriver,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)

from .callers import CALLERS, KEY, SILENCE, STREAMERS, call
from .server import CLOSE, HANG, READ, Server, reply

ALL = (*CALLERS, *STREAMERS)


def error_body(message: str = "no", **fields: Any) -> bytes:
    """An error in OpenAI's form."""
    return json.dumps({"error": {"message": message, **fields}}).encode()


ONCE = [
    (400, error_body(), InvalidRequestError),
    (400, error_body(code="context_length_exceeded"), ContextLengthError),
    (400, error_body("This model's maximum context length is 8 tokens"), ContextLengthError),
    (
        400,
        b'{"errors": [{"message": "maximum model length is 8", "code": 5006}], "success": false}',
        ContextLengthError,
    ),
    (400, error_body(code="content_policy_violation"), ContentFilterError),
    (401, error_body(type="invalid_request_error", code="invalid_api_key"), InvalidCredentialsError),
    (401, b"", InvalidCredentialsError),
    (403, b"<html><title>Forbidden</title></html>", InvalidCredentialsError),
    (404, error_body(code="model_not_found"), ModelNotFoundError),
    (404, b"not found", InvalidRequestError),
    (413, b"too large", InvalidRequestError),
    (422, b'{"detail": [{"msg": "field required"}]}', InvalidRequestError),
    (402, b"", QuotaExceededError),
    (429, error_body(type="insufficient_quota", code="insufficient_quota"), QuotaExceededError),
    (302, b"", InvalidResponseError),
]
AGAIN_AND_AGAIN = [
    (408, b"", APITimeoutError),
    (429, error_body(code="rate_limit_exceeded"), RateLimitError),
    (500, b'"just a string"', ServerError),
    (502, b"<html><title>Bad gateway</title></html>", ServerError),
    (503, b'["a", "list"]', ServerError),
    (529, b'{"message": "overloaded"}', ServerError),
]


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize(("status", "body", "kind"), ONCE)
def test_what_cannot_be_helped_is_asked_once(how: str, status: int, body: bytes, kind: type[AIError]) -> None:
    with Server([READ, reply(body, status)]) as server:
        outcome = call(how, server.url, retry_attempts=3)
        assert type(outcome.error).__mro__[0].__name__ == f"OpenAI{kind.__name__}"
        assert isinstance(outcome.error, kind)
        assert outcome.error.status == status
        assert len(server.requests) == 1


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize(("status", "body", "kind"), AGAIN_AND_AGAIN)
def test_what_may_pass_is_tried_as_often_as_allowed(how: str, status: int, body: bytes, kind: type[AIError]) -> None:
    with Server([READ, reply(body, status)]) as server:
        outcome = call(how, server.url, retry_attempts=3)
        assert isinstance(outcome.error, kind)
        assert len(server.requests) == 3


@pytest.mark.parametrize("how", ALL)
def test_the_server_can_forbid_a_retry(how: str) -> None:
    with Server([READ, reply(b"", 500, {"x-should-retry": "false"})]) as server:
        assert isinstance(call(how, server.url).error, ServerError)
        assert len(server.requests) == 1


@pytest.mark.parametrize("how", ALL)
def test_a_wait_that_is_too_long_is_told_at_once(how: str) -> None:
    with Server([READ, reply(error_body(), 429, {"retry-after": "3600"})]) as server:
        outcome = call(how, server.url)
        assert isinstance(outcome.error, RateLimitError)
        assert outcome.error.retry_after == 3600
        assert len(server.requests) == 1


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize("value", ["soon", "-5", "1e999", "Wed, 99 Foo 9999 99:99:99 GMT", "\x00"[:0], "٣"])
def test_garbage_in_retry_after_is_harmless(how: str, value: str) -> None:
    head = f"HTTP/1.1 429 No\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n".encode()
    with Server([READ, head]) as server:
        assert isinstance(call(how, server.url).error, RateLimitError)
        assert len(server.requests) == 2


BODIES = [
    b"",
    b"<html></html>",
    b"[]",
    b'"text"',
    b"null",
    b"{}",
    b'{"choices": []}',
    b'{"choices": {}}',
    b'{"choices": "x"}',
    b"{" * 100_000,
    b"[" * 200_000,
    b'{"choices": [\xff]}',
    b'{"object": "error", "message": "no"}',
]


@pytest.mark.parametrize("how", CALLERS)
@pytest.mark.parametrize("body", BODIES)
def test_a_success_that_cannot_be_read_is_an_error_of_ours(how: str, body: bytes) -> None:
    with Server([READ, reply(body)]) as server:
        outcome = call(how, server.url)
        assert outcome.error is not None
        assert len(server.requests) == 1


@pytest.mark.parametrize("how", CALLERS)
def test_an_error_inside_a_success_is_mapped(how: str) -> None:
    with Server([READ, reply(error_body(code="invalid_api_key"))]) as server:
        assert isinstance(call(how, server.url).error, InvalidCredentialsError)


@pytest.mark.parametrize("how", CALLERS)
def test_wrong_types_in_every_place_do_no_harm(how: str) -> None:
    odd = {
        "id": 5,
        "model": [],
        "usage": {"prompt_tokens": "many", "completion_tokens": -1, "total_tokens": 1.5, "prompt_tokens_details": 3},
        "choices": [{"index": "x", "message": {"content": {"a": 1}, "tool_calls": 9, "audio": 1}, "finish_reason": 4}],
    }
    with Server([READ, reply(json.dumps(odd).encode())]) as server:
        outcome = call(how, server.url)
    assert outcome.response is not None
    assert outcome.response.content == ""
    assert outcome.response.usage is not None
    assert outcome.response.usage.input_tokens is None


@pytest.mark.parametrize("how", ALL)
def test_no_answer_is_a_timeout_and_a_closed_connection_a_connection_error(how: str) -> None:
    with Server([READ, HANG]) as server:
        assert isinstance(call(how, server.url, retry_attempts=1, **SILENCE).error, APITimeoutError)
    with Server([READ, CLOSE]) as server:
        assert isinstance(call(how, server.url).error, APIConnectionError)
        assert len(server.requests) == 2
    assert isinstance(call(how, server.url, retry_attempts=1).error, APIConnectionError), "nobody listens"


@pytest.mark.parametrize("how", ALL)
def test_an_error_whose_body_never_ends_is_told_by_its_status(how: str) -> None:
    with Server([READ, b"HTTP/1.1 401 No\r\ncontent-length: 500\r\n\r\nhalf of", HANG]) as server:
        error = call(how, server.url, retry_attempts=1, **SILENCE).error
    assert isinstance(error, InvalidCredentialsError)


@pytest.mark.parametrize("how", ALL)
def test_one_deadline_spans_all_attempts(how: str) -> None:
    with Server([READ, HANG]) as server:
        outcome = call(how, server.url, deadline=0.6, retry_attempts=10, **SILENCE)
        assert isinstance(outcome.error, DeadlineExceededError | APITimeoutError)
        assert len(server.requests) <= 3


@pytest.mark.parametrize("how", ALL)
def test_the_key_is_nowhere_to_be_seen(how: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = error_body(f"Incorrect API key provided: {KEY}", code=KEY, param=KEY, more={"deep": [KEY]})
    with Server([READ, reply(echo, 401, {"x-request-id": KEY})]) as server:
        error = call(how, server.url).error
    assert error is not None
    shown = "".join(traceback.format_exception(error))
    for place in (str(error), repr(error), repr(vars(error)), shown, caplog.text):
        assert KEY not in place
    assert KEY.encode() not in pickle.dumps(error)
    restored = pickle.loads(pickle.dumps(error))
    assert type(restored) is type(error)
    assert str(restored) == str(error)


@pytest.mark.parametrize("key", [f"{KEY}\nx-evil: 1", f"{KEY}\r\n", f" {KEY}\x00"])
def test_a_key_with_a_line_break_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(AIError) as caught:
        OpenAIDriver({"api_key": key})
    assert KEY not in f"{caught.value} {caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize("how", ALL)
def test_half_of_a_character_goes_out_as_a_replacement(how: str) -> None:
    with Server([READ, reply(b"{}")]) as server:
        call(how, server.url, user="a\ud800b")
        assert "a\ufffdb".encode() in server.requests[0].body
