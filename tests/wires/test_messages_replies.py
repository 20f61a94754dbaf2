"""What the Messages wire makes of replies and streams: every stop reason, every kind of event, and nonsense."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hooks import hook
from tests.wires.replay import in_two, is_stream, read_stream, records, reply_of

from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage, ProviderPart, Reasoning, Refusal, Text, ToolCall
from polydriver.data.prompt import OutputFormat, Prompt
from polydriver.data.responses import AIChunk, AIResponse
from polydriver.drivers.anthropic import AnthropicDriver
from polydriver.errors import AIError, ContextLengthError, InvalidRequestError, InvalidResponseError, ServerError

DRIVER = AnthropicDriver({"api_key": "sk-ant-test-0123456789"})
PROMPT = Prompt(messages=[AIMessage("Hi")], model="claude-sonnet-4-5")
WANTED = Prompt(messages=[AIMessage("Hi")], model="claude-3-haiku", response_format=OutputFormat(name="person"))
USAGE = {"input_tokens": 10, "output_tokens": 1}


def message(*content: Any, **fields: Any) -> dict[str, Any]:
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "usage": USAGE}
    return {**base, "content": list(content), "stop_reason": "end_turn", "stop_sequence": None, **fields}


def parse(payload: Any, prompt: Prompt = PROMPT) -> AIResponse:
    return DRIVER.parse_response(Reply(status=200, body=json.dumps(payload).encode()), prompt)


def sse(*events: dict[str, Any] | str) -> bytes:
    lines = []
    for event in events:
        if isinstance(event, str):
            lines.append(event)
        else:
            lines.append(f"event: {event.get('type', '')}\ndata: {json.dumps(event)}\n\n")
    return "".join(lines).encode()


def start(*content: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": message(*content, stop_reason=None)}


def block(index: int, begin: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": begin},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def call(index: int, *pieces: str, **fields: Any) -> list[dict[str, Any]]:
    begin = {"type": "tool_use", "id": f"toolu_{index}", "name": "weather", "input": {}, **fields}
    return block(index, begin, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def end(reason: str | None = "end_turn", **fields: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None, **fields}
    return [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}, {"type": "message_stop"}]


def stream(*events: Any, prompt: Prompt | None = None) -> AIResponse:
    answer = read_stream(DRIVER, [sse(*events)], prompt)
    assert isinstance(answer, AIResponse), answer
    return answer


def fail(*events: Any) -> AIError:
    answer = read_stream(DRIVER, [sse(*events)])
    assert isinstance(answer, AIError)
    return answer


STOP_REASONS = [
    ("end_turn", "stop"),
    ("stop_sequence", "stop"),
    ("max_tokens", "length"),
    ("model_context_window_exceeded", "length"),
    ("refusal", "content_filter"),
    ("pause_turn", "other"),
    ("compaction", "other"),
    ("something_new", "other"),
    (None, None),
]


@pytest.mark.parametrize(("raw", "finish"), STOP_REASONS)
def test_every_stop_reason(raw: str | None, finish: str | None) -> None:
    whole = parse(message({"type": "text", "text": "Yes"}, stop_reason=raw))
    streamed = stream(start(), *text(0, "Yes"), *end(raw))
    for answer in (whole, streamed):
        assert (answer.finish_reason, answer.raw_finish_reason) == (finish, raw)
        assert answer.content == "Yes"


class TestReplies:
    def test_every_kind_of_block(self) -> None:
        citation = {"type": "char_location", "cited_text": "a"}
        search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
        answer = parse(
            message(
                {"type": "thinking", "thinking": "Hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "xyz"},
                search,
                {"type": "text", "text": "Yes", "citations": [citation]},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bonn"}},
                stop_reason="tool_use",
            )
        )
        assert answer.parts == [
            Reasoning("Hm", {"anthropic": {"signature": "sig"}}),
            Reasoning("", {"anthropic": {"redacted_data": "xyz"}}),
            ProviderPart(provider="anthropic", kind="server_tool_use", data=search),
            Text("Yes", [citation], {"anthropic": {}}),
            ToolCall("toolu_1", "weather", {"city": "Bonn"}),
        ]
        assert answer.finish_reason == "tool_calls"

    def test_an_empty_answer(self) -> None:
        assert parse(message()).parts == []

    def test_usage_holds_all_input(self) -> None:
        usage = parse(
            message(
                usage={
                    "input_tokens": 3,
                    "cache_read_input_tokens": 100,
                    "cache_creation_input_tokens": 20,
                    "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5},
                    "output_tokens": 7,
                    "output_tokens_details": {"thinking_tokens": 4},
                    "server_tool_use": {"web_search_requests": 2},
                }
            )
        ).usage
        assert usage is not None
        assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (123, 7, 130)
        assert (usage.cached_input_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens) == (100, 20, 5)
        assert (usage.uncached_input_tokens, usage.reasoning_tokens) == (3, 4)
        assert usage.raw is not None
        assert usage.raw["server_tool_use"] == {"web_search_requests": 2}

    def test_missing_counts_are_unknown(self) -> None:
        usage = parse(message(usage={"output_tokens": 1})).usage
        assert usage is not None
        assert usage.input_tokens is None
        assert usage.cached_input_tokens is None

    def test_a_refusal_is_explained(self) -> None:
        details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
        for answer in (
            parse(message({"type": "text", "text": "I"}, stop_reason="refusal", stop_details=details)),
            stream(start(), *text(0, "I"), *end("refusal", stop_details=details)),
        ):
            assert answer.refusal == "Not this."
            assert answer.raw["stop_details"] == details
            assert isinstance(answer.parts[-1], Refusal)
            again = Prompt(messages=[AIMessage("Hi"), answer.to_message(), AIMessage("Ho")], model="m")
            assert hook(DRIVER, "render_prompt")(again)["messages"][1]["content"] == "I"

    def test_the_container_is_kept_for_the_next_turn(self) -> None:
        container = {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}
        for answer in (parse(message(container=container)), stream(start(), *end(container=container))):
            assert answer.to_message().provider_data == {"anthropic": {"container": "container_1"}}

    @pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
    def test_a_call_at_the_end_of_a_cut_answer_is_incomplete(self, reason: str) -> None:
        calls = [{"type": "tool_use", "id": name, "name": "weather", "input": {"city": "B"}} for name in ("t1", "t2")]
        assert [call.is_complete for call in parse(message(*calls, stop_reason=reason)).tool_calls] == [True, False]

    def test_calls_keep_their_caller(self) -> None:
        caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
        begin = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}, "caller": caller}
        for answer in (parse(message(begin)), stream(start(), *block(0, begin), *end("tool_use"))):
            assert answer.tool_calls[0].provider_data == {"anthropic": {"caller": caller}}

    def test_calls_without_an_id_get_one(self) -> None:
        calls = parse(
            message({"type": "tool_use", "name": "a"}, {"type": "tool_use", "name": "a", "id": None})
        ).tool_calls
        assert calls[0].id != calls[1].id
        assert all(call.id and call.arguments == {} for call in calls)

    def test_an_error_in_a_success(self) -> None:
        with pytest.raises(ServerError) as caught:
            parse(
                {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
            )
        assert caught.value.request_id == "req_1"

    @pytest.mark.parametrize("payload", [[], "x", None, {}, {"content": "text"}, {"content": {}}])
    def test_other_shapes_are_invalid_responses(self, payload: Any) -> None:
        with pytest.raises(InvalidResponseError):
            parse(payload)


class TestStructuredOutput:
    def test_the_input_of_the_tool_that_stands_in_is_the_answer(self) -> None:
        begin = {"type": "tool_use", "id": "t1", "name": "person", "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"name":', '"Ann"}')]
        for answer in (
            parse(message({**begin, "input": {"name": "Ann"}}, stop_reason="tool_use"), WANTED),
            stream(start(), *block(0, begin, *deltas), *end("tool_use"), prompt=WANTED),
            stream(start(), *block(0, {**begin, "input": {"name": "Ann"}}), *end("tool_use"), prompt=WANTED),
        ):
            assert json.loads(answer.content) == {"name": "Ann"}
            assert answer.tool_calls == []
            assert (answer.finish_reason, answer.raw_finish_reason) == ("stop", "tool_use")

    def test_it_is_streamed_as_it_comes(self) -> None:
        decoder = DRIVER.decoder(WANTED)
        begin = {"type": "tool_use", "id": "t1", "name": "person", "input": {}}
        delta = {"type": "input_json_delta", "partial_json": '{"na'}
        chunks = decoder.feed(sse(start(), *block(0, begin, delta)[:2]))
        assert chunks == [AIChunk(content='{"na')]

    def test_other_calls_stay_calls(self) -> None:
        answer = stream(start(), *call(0, "{}"), *end("tool_use"), prompt=WANTED)
        assert answer.finish_reason == "tool_calls"


class TestStreams:
    def test_every_kind_of_event_and_delta(self) -> None:
        citation = {"type": "web_search_result_location", "url": "https://example.com", "cited_text": "a"}
        result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
        search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
        answer = stream(
            start(),
            {"type": "ping"},
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "H"},
                {"type": "thinking_delta", "thinking": "m"},
                {"type": "signature_delta", "signature": "sig"},
            ),
            *block(1, {"type": "redacted_thinking", "data": "xyz"}),
            *block(2, search, {"type": "input_json_delta", "partial_json": '{"query": "x"}'}),
            *block(3, result),
            *block(
                4,
                {"type": "text", "text": "", "citations": []},
                {"type": "citations_delta", "citation": citation},
                {"type": "text_delta", "text": "Yes"},
            ),
            *block(
                5, {"type": "compaction"}, {"type": "compaction_delta", "content": "So far", "encrypted_content": "e"}
            ),
            {"type": "some_new_event", "index": 1},
            *block(6, {"type": "text", "text": ""}, {"type": "some_new_delta", "text": "ignored"}),
            *end(),
        )
        assert answer.parts == [
            Reasoning("Hm", {"anthropic": {"signature": "sig"}}),
            Reasoning("", {"anthropic": {"redacted_data": "xyz"}}),
            ProviderPart(provider="anthropic", kind="server_tool_use", data={**search, "input": {"query": "x"}}),
            ProviderPart(provider="anthropic", kind="web_search_tool_result", data=result),
            Text("Yes", [citation], {"anthropic": {}}),
            ProviderPart(
                provider="anthropic",
                kind="compaction",
                data={"type": "compaction", "content": "So far", "encrypted_content": "e"},
            ),
        ]
        assert (answer.id, answer.model) == ("msg_1", "claude-x")

    def test_parts_of_the_provider_are_handed_out_when_they_are_whole(self) -> None:
        decoder = DRIVER.decoder(PROMPT)
        result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
        events = block(0, result)
        assert decoder.feed(sse(start(), events[0])) == []
        part = ProviderPart(provider="anthropic", kind="web_search_tool_result", data=result)
        assert decoder.feed(sse(events[1])) == [AIChunk(parts=[part])]

    def test_the_last_chunk_has_finish_reason_and_usage(self) -> None:
        chunks = DRIVER.decoder(PROMPT).feed(sse(start(), *text(0, "Yes"), *end()))
        assert (chunks[-1].finish_reason, chunks[-1].raw_finish_reason) == ("stop", "end_turn")
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.output_tokens == 7

    def test_later_usage_replaces_earlier_field_by_field(self) -> None:
        delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
        usage = stream(
            start(),
            {**delta, "usage": {"output_tokens": 5, "input_tokens": None, "cache_read_input_tokens": 30}},
            {**delta, "usage": {"output_tokens": 9}},
            {"type": "message_stop"},
        ).usage
        assert usage is not None
        assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (40, 30, 9)

    @pytest.mark.parametrize("pieces", [(), ("",), ("", ""), ("null",), ("{}",), ("{", "}")])
    def test_calls_without_arguments(self, pieces: tuple[str, ...]) -> None:
        assert stream(start(), *call(0, *pieces), *end("tool_use")).tool_calls == [ToolCall("toolu_0", "weather", {})]

    def test_parallel_calls_stay_apart_and_come_with_the_stop_reason(self) -> None:
        decoder = DRIVER.decoder(PROMPT)
        events = [start(), *call(0, '{"city": ', '"Bonn"}'), *call(1, '{"city": "Ulm"}')]
        assert decoder.feed(sse(*events)) == []
        chunks = decoder.feed(sse(*end("tool_use")))
        assert [made.arguments for made in chunks[0].tool_calls] == [{"city": "Bonn"}, {"city": "Ulm"}]

    def test_interleaved_blocks_stay_apart(self) -> None:
        one, two = call(0, '{"a"', ": 1}"), call(1, '{"b"', ": 2}")
        mixed = [one[0], two[0], one[1], two[1], two[2], one[2], two[3], one[3]]
        answer = stream(start(), *mixed, *end("tool_use"))
        assert [made.arguments for made in answer.tool_calls] == [{"a": 1}, {"b": 2}]

    def test_blocks_that_share_an_index_stay_apart(self) -> None:
        answer = stream(start(), *text(0, "Yes"), *call(0, '{"a": 1}'), *call(0, '{"b": 2}'), *end("tool_use"))
        assert answer.content == "Yes"
        assert [made.arguments for made in answer.tool_calls] == [{"a": 1}, {"b": 2}]

    def test_a_block_that_never_ended_ends_with_the_answer(self) -> None:
        answer = stream(start(), *call(0, '{"a": 1}')[:-1], *end("tool_use"))
        assert answer.tool_calls[0].arguments == {"a": 1}

    @pytest.mark.parametrize("pieces", [('{"city": "Bo',), (), ("",)])
    def test_a_call_that_was_cut_is_reported_as_incomplete(self, pieces: tuple[str, ...]) -> None:
        first, last = stream(start(), *call(0, "{}"), *call(1, *pieces), *end("max_tokens")).tool_calls
        assert first.is_complete
        assert (last.arguments, last.arguments_text) == (None, "".join(pieces))

    def test_the_first_event_may_hold_content_already(self) -> None:
        held = {"type": "tool_use", "id": "toolu_9", "name": "weather", "input": {"city": "Bonn"}}
        answer = stream(start({"type": "text", "text": "Look: "}, held), *end("tool_use"))
        assert answer.content == "Look: "
        assert answer.tool_calls == [ToolCall("toolu_9", "weather", {"city": "Bonn"})]

    def test_a_delta_without_its_start_begins_a_block(self) -> None:
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Yes"}}
        assert stream(start(), delta, *end()).content == "Yes"

    def test_half_a_surrogate_pair_does_no_harm(self) -> None:
        line = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\ud83d"}}'
        assert stream(start(), f"data: {line}\n\n", *end()).content == "a\ufffd"

    def test_a_mark_of_another_wire_does_no_harm(self) -> None:
        assert stream(start(), *text(0, "Yes"), *end(), "data: [DONE]\n\n").content == "Yes"

    def test_an_answer_in_one_piece_is_taken(self) -> None:
        body = json.dumps(message({"type": "text", "text": "Yes"})).encode()
        for pieces in in_two(body):
            answer = read_stream(DRIVER, pieces)
            assert isinstance(answer, AIResponse)
            assert (answer.content, answer.finish_reason, answer.id) == ("Yes", "stop", "msg_1")

    def test_every_position(self) -> None:
        body = sse(start(), *text(0, "Grüß", " Gott"), *call(1, '{"a": "ü"}'), *end("tool_use"))
        wanted = read_stream(DRIVER, [body])
        for pieces in in_two(body):
            assert read_stream(DRIVER, pieces) == wanted


class TestFailures:
    ERROR = '{"type": "error", "error": {"type": "%s", "message": "%s"}, "request_id": "req_1"}'

    @pytest.mark.parametrize(
        ("kind", "words", "expected"),
        [
            ("overloaded_error", "Overloaded", ServerError),
            ("api_error", "Internal server error", ServerError),
            ("invalid_request_error", "messages: odd", InvalidRequestError),
            ("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", ContextLengthError),
        ],
    )
    def test_errors_inside_a_stream(self, kind: str, words: str, expected: type[AIError]) -> None:
        line = self.ERROR % (kind, words)
        error = fail(start(), *text(0, "So far"), f"event: error\ndata: {line}\n\n")
        assert isinstance(error, expected)
        assert (error.type, error.request_id) == (kind, "req_1")
        assert error.partial is not None
        assert error.partial.content == "So far"

    def test_an_error_that_is_no_json(self) -> None:
        assert fail("event: error\ndata: upstream failed\n\n").message == "upstream failed"

    @pytest.mark.parametrize(
        "events",
        [
            ["data: {oops}\n\n"],
            ["data: [1]\n\n"],
            ["<html><title>Bad gateway</title></html>"],
            [{"type": "message_stop"}],
            [{"type": "message_start", "message": "x"}],
            [{"type": "content_block_start", "index": 0, "content_block": None}],
            [{"type": "content_block_delta", "index": 0, "delta": "x"}],
        ],
    )
    def test_nonsense(self, events: list[Any]) -> None:
        assert isinstance(fail(*events), AIError)

    def test_what_came_before_a_cut_is_kept(self) -> None:
        decoder = DRIVER.decoder(PROMPT)
        decoder.feed(sse(start(), *text(0, "So")[:-1], *call(1, '{"city": "Bo')[:-1]))
        decoder.finish()
        assert not decoder.complete
        partial = decoder.build()
        assert partial.content == "So"
        assert partial.finish_reason is None
        assert [made.is_complete for made in partial.tool_calls] == [False]
        assert partial.usage is not None

    def test_without_the_end_mark_nothing_is_complete(self) -> None:
        decoder = DRIVER.decoder(PROMPT)
        decoder.feed(sse(start(), *text(0, "Yes"), *end()[:-1]))
        decoder.finish()
        assert not decoder.complete


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SAMPLE = message(
    {"type": "thinking", "thinking": "Hm", "signature": "sig"},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {"type": "text", "text": "Yes", "citations": [{"type": "char_location"}]},
    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bonn"}, "caller": {"type": "direct"}},
    stop_reason="refusal",
    stop_details={"type": "refusal", "explanation": "No"},
    container={"id": "c"},
    usage={"input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 1}, "output_tokens_details": {}},
)
EVENTS = [start(), *text(0, "Yes"), *call(1, '{"a": 1}'), *end("tool_use", container={"id": "c"})]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


@settings(max_examples=200)
@given(path=st.sampled_from(places(SAMPLE)), new=JSON, prompt=st.sampled_from([PROMPT, WANTED]))
def test_wrong_types_anywhere_in_a_reply(path: tuple[Any, ...], new: Any, prompt: Prompt) -> None:
    try:
        answer = parse(put(SAMPLE, path, new), prompt)
    except AIError:
        return
    assert isinstance(answer.content, str)
    hook(DRIVER, "render_prompt")(Prompt(messages=[AIMessage("Hi"), answer.to_message()], model="m"))


@settings(max_examples=200)
@given(path=st.sampled_from(places(EVENTS)[1:]), new=JSON, prompt=st.sampled_from([PROMPT, WANTED]))
def test_wrong_types_anywhere_in_a_stream(path: tuple[Any, ...], new: Any, prompt: Prompt) -> None:
    changed = put(EVENTS, path, new)
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in changed).encode()
    decoder = DRIVER.decoder(prompt)
    decoder.feed(body)
    decoder.finish()
    assert decoder.failure is None or isinstance(decoder.failure, AIError), repr(decoder.failure)
    assert isinstance(decoder.build().content, str)


def test_recorded_replies_with_wrong_types(wire_dir: Path) -> None:
    """Every node of some recorded replies, replaced by a value of another type."""
    whole = [record for record in records(wire_dir, "anthropic-messages") if not is_stream(record)][:20]
    for record in whole:
        payload = json.loads(reply_of(record).body)
        for path in places(payload)[:150]:
            for new in (None, 1, "x", [], {}, True):
                with contextlib.suppress(AIError):
                    parse(put(payload, path, new))
