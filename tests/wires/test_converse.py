"""The Converse wire: recorded traffic, streams of our own, and what odd servers send."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wires.bedrock import chunk, event, exception, frame
from tests.wires.replay import (
    at_random,
    body_bytes,
    compare,
    in_two,
    is_stream,
    read_stream,
    records,
    replay,
    reply_of,
    whole,
)

from polydriver.data.http import Reply
from polydriver.data.messages import Image, ProviderPart, Reasoning, Text
from polydriver.data.prompt import OutputFormat, Prompt
from polydriver.data.responses import AIResponse
from polydriver.drivers.bedrock import BedrockDriver
from polydriver.errors import (
    AIError,
    APITimeoutError,
    ContextLengthError,
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidResponseError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)

DRIVER = BedrockDriver({"api_key": "bedrock-key-0123456789", "region": "us-east-1"})
API = "bedrock-converse"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}


def prompt(*, stream: bool = False, **fields: Any) -> Prompt:
    return Prompt(messages=[], model="amazon.nova-lite-v1:0", stream=stream, **fields)


def answer(*blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(blocks)}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": USAGE, **fields}


def parse(payload: Any, **fields: Any) -> AIResponse:
    return DRIVER.parse_response(Reply(status=200, body=json.dumps(payload).encode()), prompt(**fields))


def delta(index: int, **fields: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=fields)


def start(index: int, **fields: Any) -> bytes:
    return event("contentBlockStart", contentBlockIndex=index, start=fields)


def stop(index: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=index)


def end(reason: str, **usage: Any) -> bytes:
    return event("messageStop", stopReason=reason) + event(
        "metadata", usage={**USAGE, **usage}, metrics={"latencyMs": 1}
    )


BEGIN = event("messageStart", role="assistant")
CALL = {"toolUse": {"toolUseId": "tooluse_1", "name": "add"}}


def stream(*events: bytes, **fields: Any) -> AIResponse:
    found = read_stream(DRIVER, [b"".join(events)], prompt(stream=True, **fields))
    assert isinstance(found, AIResponse), found
    return found


def failure(*events: bytes) -> AIError:
    found = read_stream(DRIVER, [b"".join(events)], prompt(stream=True))
    assert isinstance(found, AIError), found
    return found


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_recorded_traffic_is_read_as_its_sdk_reads_it(wire_dir: Path, seed: int | None) -> None:
    found = records(wire_dir, API)
    assert found
    wrong = {}
    for record in found:
        if difference := compare(
            replay(DRIVER, record, whole if seed is None else at_random(seed)), record["expected"]
        ):
            wrong[record["id"]] = difference
    assert not wrong


def test_a_recorded_stream_can_be_cut_anywhere(wire_dir: Path) -> None:
    record = min((found for found in records(wire_dir, API) if is_stream(found) and found["response"]["status"] == 200),
                 key=lambda found: len(body_bytes(found)))  # fmt: skip
    for pieces in in_two(body_bytes(record)):
        assert not compare(read_stream(DRIVER, pieces), record["expected"])


def test_every_kind_of_block_of_a_whole_answer() -> None:
    server = {"toolUse": {"toolUseId": "t0", "name": "nova_grounding", "input": {"q": "x"}, "type": "server_tool_use"}}
    cited = {"content": [{"text": "Paris"}], "citations": [{"title": "Atlas"}]}
    response = parse(
        answer(
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
            {"reasoningContent": {"redactedContent": "AAEC"}},
            {"text": ""},
            {"text": "It is "},
            {"citationsContent": cited},
            {"image": {"format": "png", "source": {"bytes": PIXEL}}},
            server,
            {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 1}, "type": "tool_use"}},
            stopReason="tool_use",
        )
    )
    assert response.parts[:4] == [
        Reasoning("hm", {"bedrock": {"signature": "sig"}}),
        Reasoning("", {"bedrock": {"redactedContent": "AAEC"}}),
        Text("It is "),
        Text("Paris", [{"title": "Atlas"}], {"bedrock": {}}),
    ]
    assert response.parts[4] == Image(data=base64.b64decode(PIXEL), media_type="image/png")
    assert response.parts[5] == ProviderPart("bedrock", "server_tool_use", server)
    assert [(call.id, call.name, call.arguments) for call in response.tool_calls] == [("t1", "add", {"a": 1})]
    assert (response.finish_reason, response.raw_finish_reason) == ("tool_calls", "tool_use")


def test_the_same_blocks_in_a_stream() -> None:
    response = stream(
        BEGIN,
        delta(0, reasoningContent={"text": "h"}),
        delta(0, reasoningContent={"text": "m"}),
        delta(0, reasoningContent={"signature": "sig"}),
        stop(0),
        delta(1, reasoningContent={"redactedContent": "AAEC"}),
        stop(1),
        delta(2, text="It is "),
        stop(2),
        delta(3, text="Paris"),
        delta(3, citation={"title": "Atlas"}),
        stop(3),
        start(4, image={"format": "png"}),
        delta(4, image={"source": {"bytes": PIXEL}}),
        stop(4),
        start(5, toolUse={"toolUseId": "t0", "name": "nova_grounding", "type": "server_tool_use"}),
        delta(5, toolUse={"input": '{"q":"x"}'}),
        stop(5),
        start(6, toolResult={"toolUseId": "t0", "type": "nova_grounding_result", "status": "success"}),
        delta(6, toolResult=[{"json": {"a": 1}}]),
        stop(6),
        start(7, toolUse={"toolUseId": "t1", "name": "add"}),
        delta(7, toolUse={"input": '{"a":'}),
        delta(7, toolUse={"input": "1}"}),
        stop(7),
        end("tool_use"),
    )
    assert response.parts[:2] == [
        Reasoning("hm", {"bedrock": {"signature": "sig"}}),
        Reasoning("", {"bedrock": {"redactedContent": "AAEC"}}),
    ]
    assert response.content == "It is Paris"
    assert [part.citations for part in response.parts if isinstance(part, Text)] == [[{"title": "Atlas"}]]
    own = [part for part in response.parts if isinstance(part, ProviderPart)]
    assert [(part.kind, part.data) for part in own] == [
        (
            "server_tool_use",
            {"toolUse": {"toolUseId": "t0", "name": "nova_grounding", "type": "server_tool_use", "input": {"q": "x"}}},
        ),
        (
            "toolResult",
            {"toolResult": {"toolUseId": "t0", "type": "nova_grounding_result", "status": "success",
                            "content": [{"json": {"a": 1}}]}},
        ),
    ]  # fmt: skip
    assert any(isinstance(part, Image) for part in response.parts)
    assert [(call.id, call.arguments) for call in response.tool_calls] == [("t1", {"a": 1})]
    assert response.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "error"),
        ("malformed_tool_use", "error"),
        ("something_new", "other"),
    ],
)
def test_stop_reasons(raw: str, word: str) -> None:
    for response in (
        parse(answer({"text": "x"}, stopReason=raw)),
        stream(BEGIN, delta(0, text="x"), stop(0), end(raw)),
    ):
        assert (response.finish_reason, response.raw_finish_reason) == (word, raw)


def test_input_contains_what_the_cache_was_read_and_written_for() -> None:
    counts = {"cacheReadInputTokens": 100, "cacheWriteInputTokens": 20,
              "cacheDetails": [{"ttl": "5m", "inputTokens": 5}, {"ttl": "1h", "inputTokens": 15}]}  # fmt: skip
    for usage in (
        parse(answer({"text": "x"}, usage={**USAGE, **counts})).usage,
        stream(BEGIN, end("end_turn", **counts)).usage,
    ):
        assert usage is not None
        assert (usage.input_tokens, usage.cached_input_tokens, usage.cache_write_tokens) == (125, 100, 20)
        assert (usage.cache_write_1h_tokens, usage.output_tokens, usage.total_tokens) == (15, 7, 12)
        assert usage.uncached_input_tokens == 5


def test_absent_counts_stay_unknown() -> None:
    response = parse(answer({"text": "x"}, usage={"inputTokens": 3}))
    assert response.usage is not None
    assert (response.usage.output_tokens, response.usage.cached_input_tokens) == (None, None)
    assert parse({"output": {"message": {"content": []}}}).usage is None


def test_the_prompt_router_tells_the_model() -> None:
    trace = {
        "promptRouter": {"invokedModelId": "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0"}
    }
    assert parse(answer({"text": "x"}, trace=trace)).model == "us.amazon.nova-lite-v1:0"
    routed = stream(
        BEGIN, delta(0, text="x"), event("messageStop", stopReason="end_turn"), event("metadata", trace=trace)
    )
    assert routed.model == "us.amazon.nova-lite-v1:0"


@pytest.mark.parametrize("pieces", [(), ("",), ("{}",), ("null",)])
def test_a_call_without_arguments(pieces: tuple[str, ...]) -> None:
    deltas = [delta(0, toolUse={"input": piece}) for piece in pieces]
    response = stream(BEGIN, start(0, **CALL), *deltas, stop(0), end("tool_use"))
    assert [(call.arguments, call.is_complete) for call in response.tool_calls] == [({}, True)]


def test_a_call_cut_by_the_limit_is_not_run() -> None:
    response = stream(BEGIN, start(0, **CALL), delta(0, toolUse={"input": '{"a": '}), stop(0), end("max_tokens"))
    assert [(call.is_complete, call.arguments_text) for call in response.tool_calls] == [(False, '{"a": ')]
    whole_answer = parse(answer({**CALL, "toolUse": {**CALL["toolUse"], "input": {"a": 1}}}, stopReason="max_tokens"))
    assert [call.is_complete for call in whole_answer.tool_calls] == [False]


def test_calls_side_by_side_keep_their_order() -> None:
    pieces = [
        start(index, toolUse={"toolUseId": f"t{index}", "name": "add"})
        + delta(index, toolUse={"input": json.dumps({"n": index})})
        + stop(index)
        for index in (1, 3, 2)
    ]
    response = stream(BEGIN, *pieces, end("tool_use"))
    assert [(call.id, call.arguments) for call in response.tool_calls] == [
        ("t1", {"n": 1}), ("t3", {"n": 3}), ("t2", {"n": 2}),
    ]  # fmt: skip


def test_the_tool_that_stands_in_for_structured_output_is_the_answer() -> None:
    wanted = OutputFormat(name="city", schema={"type": "object", "properties": {"name": {"type": "string"}}})
    call = {"toolUseId": "t1", "name": "city"}
    whole_answer = parse(
        answer({"toolUse": {**call, "input": {"name": "Paris"}}}, stopReason="tool_use"), response_format=wanted
    )
    streamed = stream(
        BEGIN,
        start(0, toolUse=call),
        delta(0, toolUse={"input": '{"name":'}),
        delta(0, toolUse={"input": '"Paris"}'}),
        stop(0),
        end("tool_use"),
        response_format=wanted,
    )
    for response in (whole_answer, streamed):
        assert response.content == '{"name":"Paris"}'
        assert (response.tool_calls, response.finish_reason) == ([], "stop")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttlingException", RateLimitError),
        ("modelStreamErrorException", ServerError),
        ("internalServerException", ServerError),
        ("serviceUnavailableException", ServerError),
        ("validationException", InvalidRequestError),
        ("modelTimeoutException", APITimeoutError),
        ("somethingNewException", ProviderError),
    ],
)
def test_exceptions_in_a_stream(kind: str, error: type[AIError]) -> None:
    found = failure(BEGIN, delta(0, text="Par"), exception(kind, "no more"))
    assert isinstance(found, error)
    assert found.message == "no more"
    assert found.type == kind[0].upper() + kind[1:]
    assert found.partial is not None
    assert found.partial.content == "Par"


def test_an_exception_can_say_that_the_context_is_too_long() -> None:
    assert isinstance(
        failure(exception("validationException", "Input is too long for requested model.")), ContextLengthError
    )


def test_an_unmodelled_error_in_a_stream() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "oops"}
    found = failure(BEGIN, frame(headers, b""))
    assert isinstance(found, ServerError)
    assert found.message == "oops"


def test_a_cut_stream_is_not_complete() -> None:
    body = BEGIN + delta(0, text="Paris") + stop(0)
    for position in range(len(body) + 1):
        decoder = DRIVER.decoder(prompt(stream=True))
        decoder.feed(body[:position])
        decoder.finish()
        assert not decoder.complete
    assert decoder.build().content == "Paris"


def test_the_end_mark_and_the_last_word() -> None:
    decoder = DRIVER.decoder(prompt(stream=True))
    decoder.feed(BEGIN + event("messageStop", stopReason="end_turn"))
    assert (decoder.complete, decoder.closed) == (True, False)
    decoder.feed(event("metadata", usage=USAGE))
    assert decoder.closed


@pytest.mark.parametrize(
    ("status", "kind", "message", "error"),
    [
        (400, "ValidationException:http://x/", "The provided model identifier is invalid.", ModelNotFoundError),
        (400, "ValidationException", "Input is too long for requested model.", ContextLengthError),
        (400, None, "prompt is too long: 201000 tokens > 200000 maximum", ContextLengthError),
        (400, "ValidationException", "1 validation error detected", InvalidRequestError),
        (400, "ServiceQuotaExceededException", "x", QuotaExceededError),
        (429, "ThrottlingException", "Too many requests", RateLimitError),
        (429, None, "Too many tokens, please wait before trying again.", RateLimitError),
        (429, "ModelNotReadyException", "loading", ServerError),
        (408, "ModelTimeoutException", "slow", APITimeoutError),
        (424, "ModelErrorException", "broke", ServerError),
        (404, "ResourceNotFoundException", "end of its life", ModelNotFoundError),
        (403, "AccessDeniedException", "no access", InvalidCredentialsError),
        (403, None, "The request signature we calculated does not match", InvalidCredentialsError),
        (503, None, "busy", ServerError),
    ],
)
def test_error_replies(status: int, kind: str | None, message: str, error: type[AIError]) -> None:
    headers = {"x-amzn-errortype": kind} if kind else {}
    for name in ("message", "Message"):
        body = json.dumps({name: message}).encode()
        found = DRIVER.map_error(Reply(status=status, headers=headers, body=body))
        assert isinstance(found, error)
        assert (found.status, found.message) == (status, message)
        assert found.type == (kind.partition(":")[0] if kind else None)
        assert type(found).__name__.startswith("Bedrock")


def test_error_replies_of_other_shapes() -> None:
    expired = b'{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"expired"}'
    assert DRIVER.map_error(Reply(status=403, body=expired)).type == "ExpiredTokenException"
    for body in (b"", b"<html><title>503</title></html>", b"[]", b"3"):
        assert isinstance(DRIVER.map_error(Reply(status=503, body=body)), ServerError)


@pytest.mark.parametrize("payload", [{}, [], "x", None, {"output": {}}, {"output": {"message": {"content": "x"}}}])
def test_answers_of_another_shape(payload: Any) -> None:
    with pytest.raises(InvalidResponseError):
        parse(payload)


def test_an_error_in_a_success() -> None:
    with pytest.raises(RateLimitError):
        parse({"__type": "ThrottlingException", "message": "slow down"})


def test_what_is_no_event_stream() -> None:
    for body in (b"{}", b"<html>" * 10, b"\x00" * 40):
        decoder = DRIVER.decoder(prompt(stream=True))
        decoder.feed(body)
        decoder.finish()
        assert decoder.failure is None or isinstance(decoder.failure, InvalidResponseError)
        assert not decoder.complete


def test_lone_surrogates_in_a_delta() -> None:
    headers = {":event-type": "contentBlockDelta", ":message-type": "event"}
    broken = frame(headers, b'{"contentBlockIndex":0,"delta":{"text":"a\\ud83d"}}')
    assert stream(BEGIN, broken, stop(0), end("end_turn")).content == "a�"


def test_invoke_streams_the_same_events_in_chunks() -> None:
    response = stream(
        chunk({"messageStart": {"role": "assistant"}}),
        chunk({"contentBlockDelta": {"delta": {"text": "Hi"}, "contentBlockIndex": 0}}),
        chunk({"contentBlockStop": {"contentBlockIndex": 0}}),
        chunk({"messageStop": {"stopReason": "end_turn"}}),
        chunk({"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokenCount": 0}}}),
    )
    assert response.content == "Hi"
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.total_tokens) == (1, 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
SAMPLE = answer(
    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
    {"text": "x"},
    {"toolUse": {"toolUseId": "t", "name": "add", "input": {"a": 1}}},
    {"citationsContent": {"content": [{"text": "a"}], "citations": [{"title": "b"}]}},
    {"image": {"format": "png", "source": {"bytes": PIXEL}}},
    trace={"promptRouter": {"invokedModelId": "a/b"}},
)
EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "a", "signature": "b"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"redactedContent": "AAEC"}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "a", "citation": {"title": "t"}}}),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": CALL}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{}"}}}),
    ("contentBlockStop", {"contentBlockIndex": 2}),
    ("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolResult": {"toolUseId": "t", "type": "x"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolResult": [{"json": {}}]}}),
    ("contentBlockDelta", {"contentBlockIndex": 4, "delta": {"image": {"source": {"bytes": PIXEL}}}}),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": USAGE, "trace": {"promptRouter": {"invokedModelId": "a/b"}}}),
]


def nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in inner for found in nodes(child, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@settings(max_examples=200)
@given(st.data())
def test_odd_types_in_a_whole_answer_raise_only_our_errors(data: st.DataObject) -> None:
    payload = SAMPLE
    for _ in range(data.draw(st.integers(1, 3))):
        payload = replaced(payload, data.draw(st.sampled_from(nodes(payload))), data.draw(JSON))
    with contextlib.suppress(AIError):
        response = parse(payload)
        assert isinstance(response.content, str)
        assert isinstance(response.reasoning, str)


@settings(max_examples=200)
@given(st.data(), st.booleans())
def test_odd_types_in_a_stream_end_in_our_errors_or_in_an_answer(data: st.DataObject, wrapped: bool) -> None:
    events: Any = [[kind, payload] for kind, payload in EVENTS]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(events) - 1))
        kind, payload = events[at]
        events[at] = [kind, replaced(payload, data.draw(st.sampled_from(nodes(payload))), data.draw(JSON))]
    decoder = DRIVER.decoder(prompt(stream=True))
    for kind, payload in events:
        headers = {":event-type": kind, ":message-type": "event"}
        decoder.feed(chunk({kind: payload}) if wrapped else frame(headers, json.dumps(payload).encode()))
        if decoder.failure is not None:
            break
    decoder.finish()
    assert decoder.failure is None or isinstance(decoder.failure, AIError)
    assert isinstance(decoder.build().content, str)


def test_recorded_replies_survive_odd_types(wire_dir: Path) -> None:
    found = [
        record for record in records(wire_dir, API) if record["response"]["status"] == 200 and not is_stream(record)
    ]
    for record in found[:10]:
        payload = json.loads(reply_of(record).body)
        for path in nodes(payload):
            odds: list[Any] = [None, 0, "x", [], {}, [{}], True]
            for odd in odds:
                with contextlib.suppress(AIError):
                    parse(replaced(payload, path, odd))
