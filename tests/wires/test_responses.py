"""The Responses wire: recorded traffic, streams of our own, and what odd servers send."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wires.replay import at_random, compare, in_two, is_stream, read_stream, records, replay, reply_of, whole

from polydriver.data.http import Reply
from polydriver.data.messages import Image, ProviderPart, Reasoning, Refusal, Text
from polydriver.data.prompt import Prompt
from polydriver.data.responses import AIChunk, AIResponse
from polydriver.drivers.openai import OpenAIDriver
from polydriver.errors import (
    AIError,
    ContentFilterError,
    InvalidRequestError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
)

DRIVER = OpenAIDriver({"api_key": "sk-test-0123456789", "api": "responses"})
API = "openai-responses"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


def prompt(*, stream: bool = False) -> Prompt:
    return Prompt(messages=[], model="gpt-5", stream=stream)


def event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def message(text: str, **fields: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content, **fields}


def call(arguments: Any, **fields: Any) -> dict[str, Any]:
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": arguments}
    return {**item, "status": "completed", **fields}


def response(*output: Any, **fields: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 12,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 21,
    }
    base = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5-2025-08-07", "store": True}
    return {**base, "error": None, "incomplete_details": None, "output": list(output), "usage": usage, **fields}


def parse(payload: Any) -> AIResponse:
    return DRIVER.parse_response(Reply(status=200, body=json.dumps(payload).encode()), prompt())


def stream(*events: bytes) -> AIResponse:
    answer = read_stream(DRIVER, [b"".join(events)], prompt(stream=True))
    assert isinstance(answer, AIResponse), answer
    return answer


def feed(*events: bytes) -> tuple[Any, list[AIChunk]]:
    decoder = DRIVER.decoder(prompt(stream=True))
    chunks = [chunk for piece in events for chunk in decoder.feed(piece)]
    return decoder, chunks + decoder.finish()


# Recorded traffic


def test_every_recorded_reply_is_read_as_expected(wire_dir: Path) -> None:
    wrong = {}
    for record in records(wire_dir, API):
        for split in (whole, at_random(1), at_random(2)) if is_stream(record) else (whole,):
            if found := compare(replay(DRIVER, record, split), record["expected"]):
                wrong[record["id"]] = found
    assert not wrong


def test_a_recorded_stream_reads_the_same_however_it_is_cut(wire_dir: Path) -> None:
    streams = [record for record in records(wire_dir, API) if is_stream(record) and reply_of(record).ok]
    shortest = min(streams, key=lambda record: len(reply_of(record).body))
    for pieces in in_two(reply_of(shortest).body):
        answer = read_stream(DRIVER, pieces)
        assert answer.partial if isinstance(answer, AIError) else not compare(answer, shortest["expected"])


def test_what_came_before_an_error_in_a_recorded_stream_is_kept(wire_dir: Path) -> None:
    broken = [record for record in records(wire_dir, API) if "in_stream_error" in record["kind"]]
    assert broken
    for record in broken:
        error = replay(DRIVER, record)
        assert isinstance(error, RateLimitError)
        assert error.partial is not None
        assert error.partial.id == record["expected"]["partial"]["response_id"]
        assert error.partial.model == record["expected"]["partial"]["model"]
        assert error.partial.raw_finish_reason == record["expected"]["partial"]["finish_reason"]


# Whole replies


@pytest.mark.parametrize(
    ("payload", "reason", "raw"),
    [
        (response(message("Hi")), "stop", "completed"),
        (response(message("Hi"), status=None), "stop", None),
        (response(call("{}")), "tool_calls", "completed"),
        (response(message("", content=[{"type": "refusal", "refusal": "No."}])), "content_filter", "completed"),
        (response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length", "incomplete"),
        (
            response(status="incomplete", incomplete_details={"reason": "content_filter"}),
            "content_filter",
            "incomplete",
        ),
        (response(status="incomplete", incomplete_details=None), "other", "incomplete"),
        (response(status="cancelled"), "other", "cancelled"),
        (response(status="queued", usage=None), None, "queued"),
        ({"id": "resp_1", "status": "in_progress"}, None, "in_progress"),
    ],
)
def test_how_a_response_ended(payload: dict[str, Any], reason: str | None, raw: str | None) -> None:
    answer = parse(payload)
    assert (answer.finish_reason, answer.raw_finish_reason) == (reason, raw)


def test_usage_goes_into_its_buckets() -> None:
    usage = parse(response(message("Hi"))).usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_input_tokens, usage.uncached_input_tokens) == (12, 4, 8)
    assert (usage.output_tokens, usage.reasoning_tokens, usage.total_tokens) == (9, 5, 21)
    assert parse(response(usage=None)).usage is None


def test_a_refusal_is_a_part_of_its_own() -> None:
    answer = parse(response(message("", content=[{"type": "refusal", "refusal": "No."}])))
    assert answer.refusal == "No."
    assert answer.content == ""


def test_calls_without_arguments_and_parallel_calls() -> None:
    empty: list[Any] = [None, "", "null", "{}", {}]
    answer = parse(response(*(call(arguments, call_id=f"call_{n}") for n, arguments in enumerate(empty))))
    assert [(made.id, made.arguments) for made in answer.tool_calls] == [(f"call_{n}", {}) for n in range(5)]


def test_a_call_that_was_cut_off_is_incomplete() -> None:
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    for text in ('{"a": 1', ""):
        answer = parse(response(message("Hi"), call(text, status="incomplete"), **cut))
        assert answer.finish_reason == "length"
        assert [(made.is_complete, made.arguments_text) for made in answer.tool_calls] == [(False, text)]
    whole_call, cut_call = parse(response(call(""), call("", id="fc_2", call_id="c2"), **cut)).tool_calls
    assert whole_call.is_complete
    assert not cut_call.is_complete


def test_calls_without_a_call_id_get_one_of_their_own() -> None:
    first, second = parse(response(*[call("{}", id=None, call_id="")] * 2)).tool_calls
    assert first.id.startswith("call_")
    assert first.id != second.id
    assert parse(response(call("{}", call_id=None))).tool_calls[0].id == "fc_1"


def test_a_custom_tool_call_has_one_argument() -> None:
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "sql", "input": "SELECT 1"}
    made = parse(response(item)).tool_calls[0]
    assert (made.id, made.name, made.arguments) == ("call_1", "sql", {"input": "SELECT 1"})


def test_built_in_tools_are_no_calls_of_ours() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}
    cited = {"type": "url_citation", "url": "https://a.example", "start_index": 0, "end_index": 2, "title": "A"}
    content = [{"type": "output_text", "text": "Hi", "annotations": [cited]}]
    answer = parse(response(item, message("", content=content)))
    assert answer.tool_calls == []
    assert answer.finish_reason == "stop"
    assert answer.parts[0] == ProviderPart("openai", "web_search_call", item)
    assert isinstance(answer.parts[1], Text)
    assert answer.parts[1].citations == [cited]


def test_generated_images_are_images_too() -> None:
    item = {
        "type": "image_generation_call",
        "id": "ig_1",
        "status": "completed",
        "result": PIXEL,
        "output_format": "webp",
    }
    _, image = parse(response(item)).parts
    assert isinstance(image, Image)
    assert image.media_type == "image/webp"
    assert image.base64 == PIXEL
    assert len(parse(response({**item, "result": "not base64!"})).parts) == 1


def test_reasoning_is_kept_for_the_next_turn_if_the_provider_can_read_it_then() -> None:
    def kept(item: dict[str, Any], *, stored: bool) -> list[Any]:
        return parse(response({"type": "reasoning", "id": "rs_1", "summary": [], **item}, store=stored)).parts

    (encrypted,) = kept({"encrypted_content": "gAAA", "status": None}, stored=False)
    assert encrypted.provider_data["openai"] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "gAAA",
    }
    assert kept({}, stored=True)[0].provider_data
    assert kept({}, stored=False) == []
    thoughts = [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}]
    assert kept({"summary": thoughts}, stored=False) == [Reasoning("One\n\nTwo")]
    assert kept({"content": [{"type": "reasoning_text", "text": "Hm"}]}, stored=False)[0].provider_data


def test_log_probabilities() -> None:
    content = [{"type": "output_text", "text": "Hi", "logprobs": [{"token": "Hi", "logprob": -0.1}]}]
    assert parse(response(message("", content=content))).logprobs == {"content": [{"token": "Hi", "logprob": -0.1}]}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("rate_limit_exceeded", RateLimitError),
        ("server_error", ServerError),
        ("vector_store_timeout", ServerError),
        ("invalid_prompt", InvalidRequestError),
        ("image_too_large", InvalidRequestError),
        ("bio_policy", ContentFilterError),
    ],
)
def test_a_failed_response_is_the_error_of_its_code(code: str, kind: type[AIError]) -> None:
    payload = response(status="failed", error={"code": code, "message": "It went wrong."})
    with pytest.raises(kind) as caught:
        parse(payload)
    assert (caught.value.code, caught.value.message) == (code, "It went wrong.")
    error = read_stream(DRIVER, [event("response.failed", response=payload)])
    assert isinstance(error, kind)
    assert isinstance(error, AIError)
    assert error.partial is not None
    assert error.partial.id == "resp_1"


def test_a_failed_response_without_an_error_is_the_servers_fault() -> None:
    with pytest.raises(ServerError):
        parse(response(status="failed"))


@pytest.mark.parametrize("payload", [{}, {"output": "Hi"}, {"output": {}, "status": "completed"}, [], "Hi", None])
def test_what_is_no_response_is_invalid(payload: Any) -> None:
    with pytest.raises(InvalidResponseError):
        parse(payload)


# Streams


def text_events(text: str, index: int = 0, item_id: str = "msg_1") -> list[bytes]:
    place = {"item_id": item_id, "output_index": index}
    begun = message("", id=item_id, content=[], status="in_progress")
    deltas = [event("response.output_text.delta", **place, content_index=0, delta=piece, logprobs=[]) for piece in text]
    return [
        event("response.output_item.added", output_index=index, item=begun),
        event("response.content_part.added", **place, content_index=0, part={"type": "output_text", "text": ""}),
        *deltas,
        event("response.output_text.done", **place, content_index=0, text=text),
        event("response.content_part.done", **place, content_index=0, part={"type": "output_text", "text": text}),
        event("response.output_item.done", output_index=index, item=message(text, id=item_id)),
    ]


def call_events(arguments: str, index: int = 0, number: int = 1) -> list[bytes]:
    ids = {"id": f"fc_{number}", "call_id": f"call_{number}"}
    place = {"item_id": ids["id"], "output_index": index}
    return [
        event("response.output_item.added", output_index=index, item=call("", **ids, status="in_progress")),
        *(event("response.function_call_arguments.delta", **place, delta=piece) for piece in arguments),
        event("response.function_call_arguments.done", **place, arguments=arguments),
        event("response.output_item.done", output_index=index, item=call(arguments, **ids)),
    ]


CREATED = event("response.created", response=response(status="in_progress", usage=None))


def test_a_stream_says_the_same_as_the_whole_reply_wherever_it_is_cut() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]}
    thought = [
        event("response.output_item.added", output_index=0, item={**reasoning, "summary": []}),
        event("response.reasoning_summary_text.delta", output_index=0, item_id="rs_1", summary_index=0, delta="Hm"),
        event("response.output_item.done", output_index=0, item={**reasoning, "encrypted_content": "gA"}),
    ]
    final = response({**reasoning, "encrypted_content": "gA"}, message("Hé"), call('{"a":1}'))
    events = [*thought, *text_events("Hé", 1), *call_events('{"a":1}', 2), event("response.completed", response=final)]
    expected = parse(final)
    for pieces in in_two(b"".join([CREATED, *events]), step=3):
        answer = read_stream(DRIVER, pieces)
        assert isinstance(answer, AIResponse)
        assert answer == expected


def test_parallel_calls_may_be_interleaved() -> None:
    first, second = call_events('{"a":1}', 0, 1), call_events('{"b":2}', 1, 2)
    mixed = [piece for pair in zip(first, second, strict=True) for piece in pair]
    answer = stream(CREATED, *mixed, event("response.completed", response=response()))
    assert [(made.id, made.arguments) for made in answer.tool_calls] == [("call_1", {"a": 1}), ("call_2", {"b": 2})]
    assert answer.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "events",
    [
        [],
        text_events("Hello")[:1],
        text_events("Hello")[:4],
        text_events("Hello")[2:5],
        text_events("Hello")[:-1],
        text_events("Hello")[-1:],
        text_events("Hello")[-3:-2],
        [*text_events("Hello"), *text_events("Hello")[-3:]],
        text_events("Hello", item_id="other"),
        [event("response.output_text.delta", delta="He"), event("response.output_text.delta", delta="llo")],
        [event("response.output_text.delta", item_id=name, output_index=0, delta=name) for name in ("He", "llo")],
        [event("response.output_text.delta", item_id="msg_1", delta="He")],
        [event("response.output_item.done", item=message("Hello", id=None))],
        [b"data: %b\n\n" % json.dumps({"type": "response.output_text.delta", "delta": "Hello"}).encode()],
        [b'event: response.output_text.delta\ndata: {"delta": "Hello"}\n\n'],
    ],
)
@pytest.mark.parametrize("output", [[message("Hello")], [message("Hello", id=None)]])
def test_whatever_a_stream_leaves_out_the_whole_response_adds_once(events: list[bytes], output: list[Any]) -> None:
    answer = stream(CREATED, *events, event("response.completed", response=response(*output)))
    assert answer.content == "Hello"
    assert answer.finish_reason == "stop"


def test_a_stream_whose_last_event_is_empty() -> None:
    for end in (event("response.completed", response=response()), event("response.completed")):
        answer = stream(CREATED, *text_events("Hi")[:-1], *call_events('{"a":1}', 1)[:-1], end)
        assert answer.content == "Hi"
        assert [made.arguments for made in answer.tool_calls] == [{"a": 1}]
        assert answer.raw_finish_reason == "completed"


def test_what_was_shown_stays_when_the_whole_response_says_something_else() -> None:
    answer = stream(
        *text_events("Hallo")[:4], event("response.completed", response=response(message("Something else")))
    )
    assert answer.content == "Ha"


def test_the_thoughts_of_several_items_are_set_apart() -> None:
    def thought(index: int, number: int, text: str) -> bytes:
        place = {"item_id": f"rs_{index}", "output_index": index, "summary_index": number}
        return event("response.reasoning_summary_text.delta", **place, delta=text)

    def item(index: int, *texts: str) -> dict[str, Any]:
        summary = [{"type": "summary_text", "text": text} for text in texts]
        return {"type": "reasoning", "id": f"rs_{index}", "summary": summary, "encrypted_content": "gA"}

    final = response(item(0, "One", "Two"), item(1, "Three"))
    answer = stream(
        thought(0, 0, "On"),
        thought(0, 0, "e"),
        thought(0, 1, "Two"),
        event("response.output_item.done", output_index=0, item=item(0, "One", "Two")),
        thought(1, 0, "Three"),
        event("response.completed", response=final),
    )
    assert answer.reasoning == "One\n\nTwo\n\nThree" == parse(final).reasoning
    assert answer.parts == parse(final).parts


def test_refusals_logprobs_and_citations_of_a_stream_that_names_no_items() -> None:
    cited = {"type": "url_citation", "url": "https://a.example"}
    answer = stream(
        event("response.output_text.delta", delta="Hi", logprobs=[{"token": "Hi"}]),
        event("response.output_text.annotation.added", annotation=cited),
        event("response.refusal.delta", content_index=1, delta="No."),
        event("response.completed", response=response()),
    )
    text, refusal = answer.parts
    assert isinstance(text, Text)
    assert text.citations == [cited]
    assert isinstance(refusal, Refusal)
    assert answer.logprobs == {"content": [{"token": "Hi"}]}
    assert answer.finish_reason == "content_filter"


def test_progress_of_built_in_tools_is_no_content() -> None:
    item = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PIXEL}
    decoder, chunks = feed(
        event("response.output_item.added", output_index=0, item={**item, "result": None}),
        event("response.image_generation_call.partial_image", output_index=0, item_id="ig_1", partial_image_b64=PIXEL),
        event("response.code_interpreter_call_code.delta", output_index=0, item_id="ci_1", delta="print()"),
        event("response.mcp_call_arguments.delta", output_index=0, item_id="mcp_1", delta="{}"),
        event("response.output_item.done", output_index=0, item=item),
        event("response.something.new", output_index=0),
        event("response.completed", response=response(item)),
    )
    assert decoder.complete
    shown = [part for chunk in chunks for part in chunk.parts]
    assert [type(part) for part in shown] == [ProviderPart, Image]
    assert decoder.build().parts == shown


def test_a_call_in_a_stream_that_ends_at_the_token_limit() -> None:
    final = response(
        call('{"a": 1', status="incomplete"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    )
    for output in (final, {**final, "output": []}):
        answer = stream(CREATED, *call_events('{"a": 1')[:-2], event("response.incomplete", response=output))
        assert [(made.is_complete, made.arguments_text) for made in answer.tool_calls] == [(False, '{"a": 1')]
        assert (answer.finish_reason, answer.raw_finish_reason) == ("length", "incomplete")


def test_a_stream_that_is_cut_is_not_complete() -> None:
    events = [CREATED, *text_events("Hi"), *call_events('{"a":1}', 1), event("response.completed", response=response())]
    for count in range(len(events)):
        for last in ((), (b"data: [DONE]\n\n",)):
            decoder, _ = feed(*events[:count], *last)
            assert not decoder.complete
            if count or not last:
                assert decoder.failure is None
            else:
                assert isinstance(decoder.failure, InvalidResponseError), "an end mark alone is no answer"
    partial = feed(*events[:-4])[0].build()
    assert partial.content == "Hi"
    assert [(made.name, made.is_complete) for made in partial.tool_calls] == [("add", False)]
    assert partial.finish_reason is None


@pytest.mark.parametrize(
    "last",
    [
        event("error", code="server_error", message="Oops", param=None),
        event("error", error={"code": "server_error", "message": "Oops"}),
        b'data: {"error": {"code": "server_error", "message": "Oops"}}\n\n',
        b'event: error\ndata: {"code": "server_error", "message": "Oops"}\n\n',
        event("response.failed", response=response(status="failed", error={"code": "server_error", "message": "Oops"})),
    ],
)
def test_an_error_in_the_stream(last: bytes) -> None:
    error = read_stream(DRIVER, [CREATED, *text_events("Hi")[:4], last])
    assert isinstance(error, ServerError)
    assert isinstance(error, AIError)
    assert error.message == "Oops"
    assert error.partial is not None
    assert error.partial.content == "Hi"
    assert error.partial.raw_finish_reason == "failed"


def test_a_service_that_answers_a_streaming_request_with_json() -> None:
    answer = stream(json.dumps(response(message("Hi"))).encode())
    assert answer == parse(response(message("Hi")))
    error = read_stream(DRIVER, [b'{"error": {"code": "server_error", "message": "Oops"}}'])
    assert isinstance(error, ServerError)


def test_half_a_surrogate_pair_and_broken_events() -> None:
    answer = stream(
        b'data: {"type": "response.output_text.delta", "delta": "\\ud83d"}\n\n',
        event("response.completed", response=response()),
    )
    assert answer.content == "\ufffd"
    for broken in (b"data: {\n\n", b"data: 1\n\n", b'data: "busy"\n\n', b"data: []\n\n"):
        assert isinstance(read_stream(DRIVER, [broken]), AIError)


# Anything at all


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
RICH = response(
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "g"},
    {"type": "image_generation_call", "id": "ig_1", "result": PIXEL},
    message("Hi"),
    call('{"a":1}'),
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "sql", "input": "x"},
)
EVENTS = [
    json.loads(block.partition(b"data: ")[2])
    for block in (
        CREATED,
        *text_events("Hi"),
        event("response.output_text.annotation.added", output_index=0, annotation={"type": "x"}),
        *call_events('{"a":1}', 1),
        event("response.completed", response=RICH),
    )
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@given(st.sampled_from(places(RICH)), JSON)
def test_replies_of_any_shape_are_read_or_refused(path: tuple[Any, ...], new: Any) -> None:
    with contextlib.suppress(AIError):
        assert isinstance(parse(replaced(RICH, path, new)), AIResponse)


@settings(max_examples=200)
@given(st.sampled_from(places(EVENTS)), JSON)
def test_events_of_any_shape_are_read_or_refused(path: tuple[Any, ...], new: Any) -> None:
    mutated = replaced(EVENTS, path, new)
    lines = [
        b"data: %b\n\n" % json.dumps(item).encode() for item in (mutated if isinstance(mutated, list) else [mutated])
    ]
    decoder, chunks = feed(*lines)
    assert decoder.failure is None or isinstance(decoder.failure, AIError)
    answer = decoder.build()
    # Nothing is lost or shown twice. The order is the answer's only as long as items come one after the other.
    assert sorted("".join(chunk.content for chunk in chunks)) == sorted(answer.content)
    assert sorted("".join(chunk.reasoning for chunk in chunks)) == sorted(answer.reasoning)
