"""Streams of a hostile server in the forms of every wire, through the whole pipeline, blocking and async."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from polydriver import (
    AIError,
    APITimeoutError,
    DeadlineExceededError,
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)

from .asking import END, ask, cut, head, hello, stream
from .callers import KEY, STREAMERS, Outcome
from .scenarios import WIRES, StreamError, Wire
from .server import CLOSE, HANG, READ, RESET, Server, Step, chunked, drip, reply

pytestmark = pytest.mark.parametrize("how", STREAMERS)
TEXT_WIRES = [wire for wire in WIRES if wire.name != "bedrock"]
PIECEWISE_WIRES = [wire for wire in WIRES if wire.streams_calls]
every_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
every_text_wire = pytest.mark.parametrize("wire", TEXT_WIRES, ids=[wire.name for wire in TEXT_WIRES])
wires_with_pieces = pytest.mark.parametrize("wire", PIECEWISE_WIRES, ids=[wire.name for wire in PIECEWISE_WIRES])


ENDS: dict[str, Sequence[Step]] = {
    "a clean end of the body": [END],
    "a closed connection": [CLOSE],
    "a reset connection": [0.03, RESET],
    "a stall": [HANG],
}
NONSENSE = {
    "no JSON": b"{nonsense",
    "a list": b"[1, 2]",
    "a number": b"7",
    "null": b"null",
    "nesting without end": b'{"a":' + b"[" * 100_000,
    "invalid UTF-8": b'{"type": "\xff\xfe", "delta": {"text": "\xff"}, "responseId": "\xff"}',
}


@every_wire
@pytest.mark.parametrize("then", ENDS.values(), ids=ENDS.keys())
def test_a_stream_that_is_cut_keeps_what_came_and_is_never_a_success(
    how: str, wire: Wire, then: Sequence[Step]
) -> None:
    with Server(cut(wire, *hello(wire), then=then)) as server:
        outcome = ask(how, wire, server, idle_timeout=0.4)
        check_cut(outcome, wire)
        assert len(server.requests) == 1, "after the first content nothing is sent again"


def check_cut(outcome: Outcome, wire: Wire, finish: tuple[str | None, ...] = (None,)) -> None:
    """Check what is left of an answer that said "Hello"."""
    assert type(outcome.error).__name__ == f"{wire.prefix}StreamInterruptedError"
    assert isinstance(outcome.error, StreamInterruptedError)
    assert not outcome.error.retryable
    assert outcome.error.partial is not None
    assert outcome.error.partial.content == outcome.text == "Hello"
    assert outcome.error.partial.finish_reason in finish, "nothing invents a finish reason"


@every_wire
@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_after_content_breaks_the_stream(how: str, wire: Wire, nonsense: bytes) -> None:
    with Server(stream(wire, *hello(wire), nonsense, *wire.end())) as server:
        outcome = ask(how, wire, server)
        check_cut(outcome, wire)
        assert len(server.requests) == 1


@every_wire
@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_before_content_is_an_error_of_ours(how: str, wire: Wire, nonsense: bytes) -> None:
    with Server(stream(wire, nonsense, *hello(wire), *wire.end())) as server:
        outcome = ask(how, wire, server)
    assert type(outcome.error).__name__.startswith(wire.prefix)
    assert not outcome.chunks


def errors_of(wires: Sequence[Wire]) -> list[Any]:
    """Every wire with each of its errors."""
    return [
        pytest.param(wire, error, id=f"{wire.name}-{place}")
        for wire in wires
        for place, error in enumerate(wire.stream_errors)
    ]


@pytest.mark.parametrize(("wire", "error"), errors_of(WIRES))
def test_an_error_in_the_middle_interrupts(how: str, wire: Wire, error: StreamError) -> None:
    with Server(stream(wire, *hello(wire), error.event)) as server:
        outcome = ask(how, wire, server)
        check_cut(outcome, wire, (None, "error"))
        assert isinstance(outcome.error.__cause__ if outcome.error else None, error.kind)
        assert len(server.requests) == 1


@pytest.mark.parametrize(("wire", "error"), errors_of(WIRES))
def test_an_error_before_content_is_mapped_and_tried_again_if_that_can_help(
    how: str, wire: Wire, error: StreamError
) -> None:
    begun = wire.begin() if error is not wire.stream_errors[0] else []
    with Server(stream(wire, *begun, error.event)) as server:
        outcome = ask(how, wire, server)
        assert isinstance(outcome.error, error.kind)
        assert not isinstance(outcome.error, StreamInterruptedError)
        assert type(outcome.error).__name__ == wire.prefix + error.kind.__name__.removeprefix("Provider")
        assert len(server.requests) == (2 if error.kind.retryable else 1)


@every_wire
@pytest.mark.parametrize("begun", [False, True], ids=["empty", "begun"])
@pytest.mark.parametrize("last", [END, b""], ids=["clean", "closed"])
def test_before_the_first_content_a_cut_stream_is_tried_again(how: str, wire: Wire, begun: bool, last: bytes) -> None:
    broken = cut(wire, *(wire.begin() if begun else []), then=[last, CLOSE])
    with Server(broken, stream(wire, *hello(wire), *wire.end())) as server:
        outcome = ask(how, wire, server)
        assert outcome.error is None
        assert outcome.text == "Hello", "and nothing of the first attempt is spliced in"
        assert len(server.requests) == 2
    with Server(broken) as server:
        outcome = ask(how, wire, server, retry_attempts=3)
        assert outcome.error is not None
        partial = getattr(outcome.error, "partial", None)
        assert partial is None or not partial.content
        assert len(server.requests) == 3


@every_wire
def test_reasoning_is_content_too(how: str, wire: Wire) -> None:
    with Server(cut(wire, *wire.begin(), *wire.thought("Hm", "m."), then=[END])) as server:
        outcome = ask(how, wire, server, retry_attempts=3)
        assert isinstance(outcome.error, StreamInterruptedError)
        assert outcome.error.partial is not None
        assert outcome.error.partial.reasoning == "Hmm."
        assert "".join(chunk.reasoning for chunk in outcome.chunks) == "Hmm."
        assert len(server.requests) == 1


@every_wire
def test_a_whole_stream_is_a_success(how: str, wire: Wire) -> None:
    events = [*wire.begin(), *wire.thought("Hmm."), *wire.text("Hel", "lo"), *wire.end()]
    quiet = b"".join(wire.keep_alive())
    pieces = [piece for frame in wire.frames(*events) for piece in (frame, quiet) if piece]
    closing = wire.frame(*events).removeprefix(b"".join(wire.frames(*events)))
    with Server([READ, head(wire) + chunked(*pieces, *([closing] if closing else []))]) as server:
        outcome = ask(how, wire, server)
    assert outcome.error is None
    assert outcome.response is not None
    assert (outcome.response.content, outcome.response.reasoning) == ("Hello", "Hmm.")
    assert outcome.text == "Hello"
    assert outcome.response.finish_reason == "stop"
    usage = outcome.response.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (5, 7), "the last usage replaces those before"
    assert outcome.chunks[-1].finish_reason == "stop"
    assert outcome.chunks[-1].usage == usage


@every_wire
def test_keep_alive_alone_is_a_timeout_and_does_not_feed_the_idle_timer(how: str, wire: Wire) -> None:
    quiet = wire.keep_alive()
    steps: list[Step] = [step for _ in range(6) for piece in quiet for step in (chunked(piece, end=False), 0.03)]
    with Server([READ, head(wire), *steps, HANG]) as server:
        assert isinstance(ask(how, wire, server, retry_attempts=1, timeout=0.12).error, APITimeoutError)
    begun = chunked(*filter(None, wire.frames(*hello(wire))), end=False)
    with Server([READ, head(wire) + begun, *steps, HANG]) as server:
        outcome = ask(how, wire, server, idle_timeout=0.4)
        check_cut(outcome, wire)
        assert isinstance(outcome.error.__cause__ if outcome.error else None, APITimeoutError)


@every_wire
def test_an_endless_stream_ends_with_the_deadline(how: str, wire: Wire) -> None:
    frames = [frame for frame in wire.frames(*wire.begin(), *wire.text(*("x" for _ in range(200)))) if frame]
    steps: list[Step] = [step for frame in frames for step in (chunked(frame, end=False), 0.01)]
    with Server([READ, head(wire), *steps]) as server:
        outcome = ask(how, wire, server, deadline=0.2)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert isinstance(outcome.error.__cause__, DeadlineExceededError)
    assert outcome.error.partial is not None
    assert outcome.error.partial.content.startswith("x")


@every_wire
def test_a_slow_drip_is_put_together(how: str, wire: Wire) -> None:
    body = wire.frame(*hello(wire), *wire.end())
    step = max(1, len(body) // 150)
    pieces = [body[place : place + step] for place in range(0, len(body), step)]
    steps: list[Step] = [part for piece in pieces for part in (chunked(piece, end=False), 0.0005)]
    with Server([READ, head(wire), *steps, END]) as server:
        outcome = ask(how, wire, server)
    assert outcome.error is None
    assert outcome.text == "Hello"


@every_wire
def test_a_dripping_head_is_a_timeout(how: str, wire: Wire) -> None:
    with Server([READ, *drip(head(wire), 0.01), HANG]) as server:
        assert isinstance(ask(how, wire, server, retry_attempts=1, timeout=0.12).error, APITimeoutError)


@every_wire
def test_a_huge_event_is_taken_and_one_above_the_limit_is_not(how: str, wire: Wire) -> None:
    large = "x" * 2_000_000
    script = stream(wire, *wire.begin(), *wire.text(large), *wire.end())
    with Server(script) as server:
        outcome = ask(how, wire, server, timeout=20.0)
        assert outcome.text == large
    with Server(script) as server:
        outcome = ask(how, wire, server, timeout=20.0, max_event_bytes=100_000)
        assert isinstance(outcome.error, InvalidResponseError)
        assert outcome.error.partial is None


RUBBISH = [
    b"<html><title>Log in</title></html>",
    b"plain text",
    b"null",
    b"[]",
    b"{}",
    b'{"foo": 1}',
    b"data: x\n\n",
    b"data: {}\n\n",
    b'data: {"foo": 1}\n\n',
    b'event: foo\ndata: {"type": "foo"}\n\n',
    b": hi\n\ndata: [DONE]\n\n",
    b'{"a": 1}\n{"b": 2}\n',
]


@every_wire
@pytest.mark.parametrize("body", RUBBISH)
def test_a_body_that_is_no_stream(how: str, wire: Wire, body: bytes) -> None:
    with Server([READ, reply(body)]) as server:
        outcome = ask(how, wire, server)
        assert type(outcome.error).__name__ == f"{wire.prefix}InvalidResponseError"
        assert len(server.requests) == 1
    assert not outcome.chunks


@every_wire
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("event", [b"{}", b'{"foo": 1}', b'{"type": "foo"}', b"[]", b"7", b"no JSON", b"[DONE]"])
def test_events_that_are_no_pieces_of_an_answer(how: str, wire: Wire, event: bytes, times: int) -> None:
    with Server(stream(wire, *([event] * times))) as server:
        outcome = ask(how, wire, server)
        assert type(outcome.error).__name__ == f"{wire.prefix}InvalidResponseError"
        assert len(server.requests) == 1
    assert not outcome.chunks


@every_wire
def test_an_empty_body_is_a_stream_that_was_cut(how: str, wire: Wire) -> None:
    with Server([READ, reply(b"")], stream(wire, *hello(wire), *wire.end())) as server:
        outcome = ask(how, wire, server)
        assert outcome.text == "Hello"
        assert len(server.requests) == 2


@every_text_wire
def test_a_bare_string_is_taken_for_the_words_of_an_error(how: str, wire: Wire) -> None:
    with Server(stream(wire, b'"overloaded"')) as server:
        assert str(ask(how, wire, server).error).startswith("overloaded")


@every_text_wire
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("400", InvalidRequestError),
        ("401", InvalidCredentialsError),
        ("403", InvalidCredentialsError),
        ("408", APITimeoutError),
        ("429", RateLimitError),
        ("500", ServerError),
        ("501", InvalidRequestError),
        ("503", ServerError),
        ("529", ServerError),
    ],
)
def test_a_code_is_the_same_as_a_number_or_as_digits(how: str, wire: Wire, code: str, kind: type[AIError]) -> None:
    for said in (code, int(code)):
        for more in ({}, {"type": "server_error"}, {"type": "None"}, {"param": "None"}):
            event = json.dumps({"error": {"message": "no", "code": said, **more}}).encode()
            with Server(stream(wire, event)) as server:
                outcome = ask(how, wire, server)
                assert type(outcome.error).__name__ == wire.prefix + kind.__name__, event
                assert outcome.error is not None
                assert outcome.error.status == int(code)
                assert len(server.requests) == (2 if kind.retryable else 1)


@every_text_wire
def test_the_stream_of_another_api_is_refused(how: str, wire: Wire) -> None:
    foreign = {"id": "c", "object": "text_completion", "choices": [{"text": "Hello", "finish_reason": "stop"}]}
    with Server(stream(wire, *([foreign] * 3))) as server:
        outcome = ask(how, wire, server)
        if wire.name == "responses":  # OpenAI's driver knows both of its wires, whichever it asked for
            assert outcome.text == ""
        else:
            assert isinstance(outcome.error, InvalidResponseError)


@every_text_wire
def test_a_refusal_as_plain_json_in_a_200(how: str, wire: Wire) -> None:
    refusal = next(found for found in wire.refusals if found.kind is InvalidCredentialsError)
    error = {**refusal.body, **({"error": f"unauthorized {KEY}"} if wire.name == "ollama" else {})}
    with Server([READ, reply(json.dumps(error).encode())]) as server:
        outcome = ask(how, wire, server)
        assert outcome.error is not None
        assert not isinstance(outcome.error, StreamInterruptedError)
        assert KEY not in f"{outcome.error} {outcome.error!r} {vars(outcome.error)}"


@every_text_wire
def test_a_whole_answer_in_place_of_a_stream_is_taken(how: str, wire: Wire) -> None:
    with Server([READ, reply(json.dumps(wire.whole()).encode())]) as server:
        outcome = ask(how, wire, server)
    assert outcome.error is None
    assert outcome.text == "Hello"
    assert outcome.response is not None
    assert outcome.response.finish_reason == "stop"


@every_wire
def test_parallel_calls_are_handed_out_whole_and_once(how: str, wire: Wire) -> None:
    events = [*wire.begin(), *wire.calls(("a", "one", '{"x": 1}'), ("b", "two", '{"y": 2}')), *wire.end("tool_calls")]
    with Server(stream(wire, *events)) as server:
        outcome = ask(how, wire, server)
    assert outcome.response is not None
    wanted = [("a", "one", {"x": 1}), ("b", "two", {"y": 2})]
    assert [(made.id, made.name, made.arguments) for made in outcome.response.tool_calls] == wanted
    shown = [made for chunk in outcome.chunks for made in chunk.tool_calls]
    assert [(made.id, made.name, made.arguments) for made in shown] == wanted
    assert outcome.response.finish_reason == "tool_calls"


@wires_with_pieces
def test_parallel_calls_never_glue_together(how: str, wire: Wire) -> None:
    events = [
        *wire.begin(),
        *wire.call_start(0, "a", "one"),
        *wire.call_start(1, "b", "two"),
        *wire.call_piece(0, '{"x":'),
        *wire.call_piece(1, '{"y": 2}'),
        *wire.call_piece(0, " 1}"),
        *wire.call_end(1, "b", "two", '{"y": 2}'),
        *wire.call_end(0, "a", "one", '{"x": 1}'),
        *wire.end("tool_calls"),
    ]
    with Server(stream(wire, *events)) as server:
        outcome = ask(how, wire, server)
    assert outcome.response is not None
    assert sorted((made.id, made.name, made.arguments) for made in outcome.response.tool_calls) == [
        ("a", "one", {"x": 1}),
        ("b", "two", {"y": 2}),
    ]


@wires_with_pieces
@pytest.mark.parametrize("piece", ["", '{"amount": 1', '{"amount": 1}', "{}"])
def test_a_call_that_was_cut_is_never_handed_out_as_complete(how: str, wire: Wire, piece: str) -> None:
    pieces = wire.call_piece(0, piece) if piece else []
    begun = [*wire.begin(), *wire.text("So"), *wire.call_start(0, "a", "pay"), *pieces]
    with Server(cut(wire, *begun, then=[END])) as server:
        outcome = ask(how, wire, server)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.error.partial is not None
    assert [made.is_complete for made in outcome.error.partial.tool_calls] == [False]
    assert not any(chunk.tool_calls for chunk in outcome.chunks)


@wires_with_pieces
def test_a_call_that_was_cut_before_any_content_is_not_spliced_with_the_next_attempt(how: str, wire: Wire) -> None:
    begun = [*wire.begin(), *wire.call_start(0, "old", "pay"), *wire.call_piece(0, '{"amount": 1')]
    good = [*wire.begin(), *wire.calls(("new", "pay", '{"amount": 2}')), *wire.end("tool_calls")]
    with Server(cut(wire, *begun, then=[END]), stream(wire, *good)) as server:
        outcome = ask(how, wire, server)
        assert len(server.requests) == 2
    assert outcome.response is not None
    assert [(made.id, made.arguments) for made in outcome.response.tool_calls] == [("new", {"amount": 2})]


@wires_with_pieces
@pytest.mark.parametrize("piece", ["", '{"amount": 1'])
def test_a_call_that_the_token_limit_cut_is_incomplete(how: str, wire: Wire, piece: str) -> None:
    events = [*wire.begin(), *wire.call_start(0, "a", "pay"), *wire.call_piece(0, piece), *wire.end("length")]
    with Server(stream(wire, *events)) as server:
        outcome = ask(how, wire, server)
    assert outcome.response is not None
    assert outcome.response.finish_reason == "length"
    assert [(made.is_complete, made.arguments_text) for made in outcome.response.tool_calls] == [(False, piece)]


@every_wire
def test_the_key_is_not_shown_when_an_event_echoes_it(how: str, wire: Wire) -> None:
    for events in ([], hello(wire)):
        echoed = json.dumps({"error": {"message": f"bad key {KEY}", "type": KEY, "details": [KEY]}}).encode()
        with Server(stream(wire, *events, echoed)) as server:
            error = ask(how, wire, server, retry_attempts=1).error
        assert error is not None
        cause = error.__cause__
        places = f"{error} {error!r} {vars(error)} {cause} {cause!r} {vars(cause) if cause else ''}"
        assert KEY not in places


@every_wire
@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (("a\ud83d", "\ude00b"), "a\U0001f600b"),
        (("\ud83d", "\ude00"), "\U0001f600"),
        (("a\ud83d", "", "\ude00", "b"), "a\U0001f600b"),
        (("\ud83d", "\ude00\ud83d", "\ude01"), "\U0001f600\U0001f601"),
        (("a\ud83d", "b"), "a\ufffdb"),
        (("a", "\ude00b"), "a\ufffdb"),
    ],
)
def test_halves_of_a_character_in_two_events(how: str, wire: Wire, pieces: tuple[str, ...], whole: str) -> None:
    for thought in (True, False):
        said = wire.thought(*pieces) if thought else wire.text(*pieces)
        with Server(stream(wire, *wire.begin(), *said, *(wire.text("x") if thought else []), *wire.end())) as server:
            outcome = ask(how, wire, server)
        assert outcome.response is not None
        assert (outcome.response.reasoning if thought else outcome.response.content) == whole
        assert "".join(chunk.reasoning if thought else chunk.content for chunk in outcome.chunks if chunk) in (
            whole,
            whole + "x",
        )


@wires_with_pieces
def test_halves_of_a_character_in_the_arguments_of_calls_side_by_side(how: str, wire: Wire) -> None:
    whole = ['{"x": "\U0001f600"}', '{"x": "\U0001f601"}']
    events = [
        *wire.begin(),
        *wire.call_start(0, "a", "one"),
        *wire.call_start(1, "b", "two"),
        *wire.call_piece(0, '{"x": "\ud83d'),
        *wire.call_piece(1, '{"x": "\ud83d'),
        *wire.call_piece(1, '\ude01"}'),
        *wire.call_piece(0, '\ude00"}'),
        *wire.call_end(0, "a", "one", whole[0]),
        *wire.call_end(1, "b", "two", whole[1]),
        *wire.end("tool_calls"),
    ]
    with Server(stream(wire, *events)) as server:
        outcome = ask(how, wire, server)
    assert outcome.response is not None
    assert [made.arguments for made in outcome.response.tool_calls] == [json.loads(text) for text in whole]


@wires_with_pieces
@pytest.mark.parametrize("piece", ["{}", '{"y": 2}', '{"y"', " "])
@pytest.mark.parametrize("place", ["before", "after", "alone"])
def test_pieces_of_arguments_alone_begin_no_call(how: str, wire: Wire, piece: str, place: str) -> None:
    good = [] if place == "alone" else wire.calls(("a", "pay", '{"x": 1}'))
    stray = wire.call_piece(5, piece)
    events = [*wire.text("So"), *stray, *good] if place == "before" else [*wire.text("So"), *good, *stray]
    with Server(stream(wire, *wire.begin(), *events, *wire.end("tool_calls"))) as server:
        outcome = ask(how, wire, server)
    assert outcome.response is not None
    wanted = [] if place == "alone" else [("a", "pay", {"x": 1})]
    assert [(made.id, made.name, made.arguments) for made in outcome.response.tool_calls] == wanted
    with Server(cut(wire, *wire.begin(), *wire.text("So"), *stray, then=[END])) as server:
        outcome = ask(how, wire, server)
    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.error.partial is not None
    assert outcome.error.partial.tool_calls == []
