"""What only Anthropic's streams and replies can do wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polydriver import InvalidCredentialsError, StreamInterruptedError
from polydriver.drivers.anthropic import AnthropicDriver

from .asking import END, ask, cut, hello, stream
from .callers import KEY, STREAMERS, call_driver
from .scenarios.anthropic import AnthropicWire
from .server import CLOSE, READ, Server, reply

WIRE = AnthropicWire()
both = pytest.mark.parametrize("how", STREAMERS)


@both
def test_a_stop_reason_alone_is_no_end(how: str) -> None:
    *_, before, _stop = WIRE.end()
    with Server(stream(WIRE, *hello(WIRE), before)) as server:
        outcome = ask(how, WIRE, server)
        assert isinstance(outcome.error, StreamInterruptedError)
        assert outcome.error.partial is not None
        assert outcome.error.partial.content == "Hello"
        assert outcome.error.partial.finish_reason == "stop", "the provider's own word"
        assert outcome.error.partial.usage is not None
        assert outcome.error.partial.usage.output_tokens == 7
        assert len(server.requests) == 1


@both
def test_an_end_without_a_stop_reason_invents_none(how: str) -> None:
    with Server(stream(WIRE, *hello(WIRE), {"type": "message_stop"})) as server:
        outcome = ask(how, WIRE, server)
    assert outcome.response is not None
    assert outcome.response.finish_reason is None


@both
def test_a_call_without_input_that_was_cut_before_the_stop_reason_is_not_complete(how: str) -> None:
    """A block that the token limit cut is ended like any other: only the stop reason tells."""
    events = [*WIRE.begin(), *WIRE.text("So"), *WIRE.call_start(0, "a", "pay"), *WIRE.call_end(0, "a", "pay", "")]
    with Server(cut(WIRE, *events, then=[END])) as server:
        outcome = ask(how, WIRE, server)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.error.partial is not None
    assert [call.is_complete for call in outcome.error.partial.tool_calls] == [False]
    with Server(stream(WIRE, *events, *WIRE.end("tool_calls"))) as server:
        outcome = ask(how, WIRE, server)
    assert outcome.response is not None
    assert [call.arguments for call in outcome.response.tool_calls] == [{}]


@both
def test_a_call_that_the_token_limit_cut_in_a_whole_reply_is_incomplete(how: str) -> None:
    call = {"call_id": "a", "name": "pay", "arguments": {"amount": 1}}
    with Server([READ, reply(json.dumps(WIRE.whole("So", "length", **call)).encode())]) as server:
        outcome = ask(how.removesuffix(" stream"), WIRE, server)
    assert outcome.response is not None
    assert outcome.response.finish_reason == "length"
    assert [made.is_complete for made in outcome.response.tool_calls] == [False], "it only looks whole"


@both
def test_usage_is_cumulative_and_cached_input_is_part_of_the_input(how: str) -> None:
    start = {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 10, "output_tokens": 1}
    begin: list[Any] = [{"type": "message_start", "message": {"id": "m", "content": [], "usage": start}}]
    counted = [
        {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 5}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
    ]
    with Server(stream(WIRE, *begin, *WIRE.text("Hello"), *counted, {"type": "message_stop"})) as server:
        outcome = ask(how, WIRE, server)
    assert outcome.response is not None
    usage = outcome.response.usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_input_tokens, usage.cache_write_tokens) == (113, 100, 10)
    assert (usage.output_tokens, usage.total_tokens) == (9, 122)


@both
def test_a_partial_answer_has_its_usage_and_cost(how: str) -> None:
    with Server(cut(WIRE, *hello(WIRE), then=[CLOSE])) as server:
        outcome = ask(how, WIRE, server)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.error.partial is not None
    assert outcome.error.partial.usage is not None
    assert outcome.error.partial.usage.input_tokens == 5
    assert outcome.error.partial.cost is not None


@pytest.mark.parametrize("how", ["blocking", "async stream"])
def test_a_token_is_kept_secret_like_a_key(how: str) -> None:
    body = json.dumps({"type": "error", "error": {"type": "authentication_error", "message": f"bad {KEY}"}}).encode()
    with Server([READ, reply(body, 401)]) as server:
        outcome = call_driver(
            how, lambda settings: AnthropicDriver({"auth_token": KEY, "base_url": server.url, **settings}), WIRE.model
        )
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert "x-api-key" not in server.requests[0].headers
    assert isinstance(outcome.error, InvalidCredentialsError)
    assert KEY not in f"{outcome.error} {outcome.error!r} {vars(outcome.error)}"


@pytest.mark.parametrize("how", STREAMERS)
@pytest.mark.parametrize("delta", [None, {}, {"stop_reason": None}])
def test_a_stop_reason_that_only_the_first_event_says(how: str, delta: Any) -> None:
    start, *_ = WIRE.begin()
    start["message"]["stop_reason"] = "tool_use"
    ended = [] if delta is None else [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}]
    events = [start, *WIRE.calls(("a", "pay", '{"x": 1}')), *ended, {"type": "message_stop"}]
    with Server(stream(WIRE, *events)) as server:
        outcome = ask(how, WIRE, server)
    assert outcome.response is not None
    assert outcome.response.finish_reason == "tool_calls"
    assert outcome.response.raw_finish_reason == "tool_use"
    assert [(made.name, made.is_complete) for made in outcome.response.tool_calls] == [("pay", True)]
    assert outcome.chunks[-1].finish_reason == "tool_calls"
