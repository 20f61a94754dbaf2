"""What only OpenAI's Responses API can do wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polydriver import ServerError, StreamInterruptedError

from .asking import END, ask, cut, hello, stream
from .callers import STREAMERS
from .scenarios.responses import ResponsesWire, failed
from .server import READ, Server, reply

WIRE = ResponsesWire()
pytestmark = pytest.mark.parametrize("how", STREAMERS)


def test_items_that_are_done_are_not_yet_an_answer(how: str) -> None:
    done = {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "text": "Hello"}]},
    }
    with Server(stream(WIRE, *hello(WIRE), done, b"[DONE]")) as server:
        outcome = ask(how, WIRE, server)
        assert isinstance(outcome.error, StreamInterruptedError)
        assert outcome.error.partial is not None
        assert outcome.error.partial.content == "Hello"
        assert outcome.error.partial.finish_reason is None
        assert len(server.requests) == 1


def test_an_answer_that_only_the_last_event_holds_is_shown_once(how: str) -> None:
    whole: dict[str, Any] = WIRE.whole("Hello")
    for events in (WIRE.begin(), hello(WIRE)):
        with Server(stream(WIRE, *events, {"type": "response.completed", "response": whole})) as server:
            outcome = ask(how, WIRE, server)
        assert outcome.response is not None
        assert outcome.text == outcome.response.content == "Hello"


@pytest.mark.parametrize("status", ["incomplete", "completed"])
def test_a_call_that_the_token_limit_cut_is_incomplete(how: str, status: str) -> None:
    """Its item is done, and still cut: its own status tells, or that of the response."""
    item = {"id": "fc_1", "type": "function_call", "call_id": "a", "name": "pay", "arguments": ""}
    begun = {"type": "response.output_item.added", "output_index": 1, "item": item}
    done = {"type": "response.output_item.done", "output_index": 1, "item": {**item, "status": "incomplete"}}
    end = [{"type": f"response.{status}", "response": {"status": status, "output": []}}]
    with Server(stream(WIRE, *WIRE.begin(), begun, done, *end)) as server:
        outcome = ask(how, WIRE, server)
    assert outcome.response is not None
    assert [call.is_complete for call in outcome.response.tool_calls] == [False]
    assert not any(call.is_complete for chunk in outcome.chunks for call in chunk.tool_calls)


def test_whole_arguments_are_no_call_before_the_item_is_done(how: str) -> None:
    events = [*WIRE.begin(), *WIRE.text("So"), *WIRE.call_start(0, "a", "pay"), *WIRE.call_piece(0, "{}")]
    with Server(cut(WIRE, *events, then=[END])) as server:
        outcome = ask(how, WIRE, server)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.error.partial is not None
    assert [call.is_complete for call in outcome.error.partial.tool_calls] == [False]


def test_a_response_that_failed_whole_or_streamed(how: str) -> None:
    response = failed("server_error", "The model failed")["response"]
    with Server([READ, reply(json.dumps(response).encode())]) as server:
        for way in (how, how.removesuffix(" stream")):
            outcome = ask(way, WIRE, server, retry_attempts=1)
            assert isinstance(outcome.error, ServerError)
            assert outcome.error.code == "server_error"


def test_a_failure_after_content_keeps_what_came(how: str) -> None:
    with Server(stream(WIRE, *hello(WIRE), failed("rate_limit_exceeded", "slow down"))) as server:
        outcome = ask(how, WIRE, server)
        assert isinstance(outcome.error, StreamInterruptedError)
        assert outcome.error.code == "rate_limit_exceeded"
        assert outcome.error.partial is not None
        assert outcome.error.partial.content == "Hello"
        assert len(server.requests) == 1


@pytest.mark.parametrize("last", ["{}", "", " {} ", "null", None])
@pytest.mark.parametrize("done", [True, False])
def test_arguments_that_were_streamed_are_not_lost_by_the_end_of_the_item(how: str, last: Any, done: bool) -> None:
    *_, item = WIRE.call_end(0, "a", "pay", "{}")
    item["item"]["arguments"] = last
    whole = {"type": "response.function_call_arguments.done", "output_index": 1, "arguments": last}
    events = [*WIRE.begin(), *WIRE.call_start(0, "a", "pay"), *WIRE.call_piece(0, '{"x":'), *WIRE.call_piece(0, " 1}")]
    with Server(stream(WIRE, *events, *([whole] if done else []), item, *WIRE.end("tool_calls"))) as server:
        outcome = ask(how, WIRE, server)
    assert outcome.response is not None
    assert [made.arguments for made in outcome.response.tool_calls] == [{"x": 1}]
