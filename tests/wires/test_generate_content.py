"""What Gemini answers: recorded traffic, whole and in pieces, and small replies of our own for what it lacks."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hooks import hook
from tests.wires.replay import at_random, body_bytes, compare, in_two, is_stream, read_stream, records, replay, whole

from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage, Audio, Image, ProviderPart, Reasoning, Text, ToolCall
from polydriver.data.prompt import Prompt
from polydriver.data.responses import AIResponse
from polydriver.drivers.gemini import GeminiDriver
from polydriver.drivers.vertex import VertexAIDriver
from polydriver.errors import AIError, InvalidResponseError, ProviderError

# The official SDK takes each piece of a streamed function call for a call of its own; they are two calls.
NOT_OURS = {"gemini-vercel-ec11f169b2": {"calls"}}

GEMINI = GeminiDriver({"api_key": "test-key-123456"})
VERTEX = VertexAIDriver({"api_key": "test-key-123456", "project": "p"})


def answer(*parts: dict[str, Any], finish: Any = "STOP", **candidate: Any) -> dict[str, Any]:
    found = {"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, "index": 0, **candidate}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    return {"candidates": [found], "usageMetadata": usage, "modelVersion": "gemini-9", "responseId": "r1"}


def parse(payload: Any, driver: GeminiDriver | VertexAIDriver = GEMINI) -> AIResponse:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return driver.parse_response(Reply(status=200, body=body), Prompt(messages=[], model="gemini-9"))


def events(*payloads: dict[str, Any], end: str = "\r\n\r\n") -> bytes:
    return "".join(f"data: {json.dumps(payload)}{end}" for payload in payloads).encode()


def stream(*payloads: dict[str, Any]) -> AIResponse:
    got = read_stream(GEMINI, [events(*payloads)])
    assert isinstance(got, AIResponse), got
    return got


class TestRecorded:
    @pytest.mark.parametrize("split", [whole, at_random(1), at_random(2)])
    def test_all(self, wire_dir: Path, split: Any) -> None:
        found = records(wire_dir, "gemini-generate")
        assert len(found) > 100
        wrong = {}
        for record in found:
            driver = VERTEX if record["provider"] == "vertexai" else GEMINI
            differs = compare(replay(driver, record, split), record["expected"])
            differs = {name: pair for name, pair in differs.items() if name not in NOT_OURS.get(record["id"], ())}
            if differs:
                wrong[record["id"]] = differs
        assert not wrong

    def test_a_stream_split_at_every_position(self, wire_dir: Path) -> None:
        streams = [record for record in records(wire_dir, "gemini-generate") if is_stream(record)]
        smallest = min(streams, key=lambda record: len(body_bytes(record)))
        for pieces in in_two(body_bytes(smallest)):
            got = read_stream(GEMINI, pieces)
            assert compare(got, smallest["expected"]) == {}

    def test_whole_replies_read_the_same_as_an_array_stream(self, wire_dir: Path) -> None:
        for record in records(wire_dir, "gemini-generate"):
            body = body_bytes(record)
            if is_stream(record) or record["response"]["status"] != 200:
                continue
            once = parse(body)
            if once.raw_finish_reason is not None:
                streamed = read_stream(GEMINI, [b"[", body, b"]"])
                assert isinstance(streamed, AIResponse)
                assert streamed.content == once.content
                assert streamed.reasoning == once.reasoning
                assert [call.name for call in streamed.tool_calls] == [call.name for call in once.tool_calls]
                assert (streamed.finish_reason, streamed.usage) == (once.finish_reason, once.usage)


class TestFinish:
    @pytest.mark.parametrize(
        ("word", "ours"),
        [
            ("STOP", "stop"),
            ("MAX_TOKENS", "length"),
            ("SAFETY", "content_filter"),
            ("RECITATION", "content_filter"),
            ("PROHIBITED_CONTENT", "content_filter"),
            ("BLOCKLIST", "content_filter"),
            ("SPII", "content_filter"),
            ("IMAGE_SAFETY", "content_filter"),
            ("MODEL_ARMOR", "content_filter"),
            ("MALFORMED_FUNCTION_CALL", "error"),
            ("UNEXPECTED_TOOL_CALL", "error"),
            ("LANGUAGE", "other"),
            ("SOMETHING_NEW", "other"),
        ],
    )
    def test_words(self, word: str, ours: str) -> None:
        for got in (parse(answer({"text": "a"}, finish=word)), stream(answer({"text": "a"}, finish=word))):
            assert (got.finish_reason, got.raw_finish_reason, got.content) == (ours, word, "a")

    def test_numbers_mean_different_things_on_the_two_services(self) -> None:
        assert parse(answer(finish=2)).finish_reason == "length"
        assert parse(answer(finish=6)).finish_reason == "other"
        assert parse(answer(finish=6), VERTEX).finish_reason == "content_filter"
        assert parse(answer(finish=2)).raw_finish_reason == "2"

    def test_the_reason_is_told_in_a_warning(self) -> None:
        payload = answer(finish="MALFORMED_FUNCTION_CALL", finishMessage="Malformed function call: print(")
        assert parse(payload).warnings == ["gemini: Malformed function call: print("]
        assert stream(payload).warnings == ["gemini: Malformed function call: print("]

    @pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT"])
    def test_a_blocked_prompt_is_an_empty_answer(self, reason: str) -> None:
        payload = {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 4}}
        for got in (parse(payload), stream(payload)):
            assert (got.finish_reason, got.raw_finish_reason, got.content) == ("content_filter", reason, "")
            assert got.usage is not None
            assert got.usage.input_tokens == 4

    def test_success_with_nothing_in_it(self) -> None:
        contents: list[Any] = [{}, {"role": "model"}, {"parts": None}, {"parts": []}, None]
        for content in contents:
            payload = {**answer(), "candidates": [{"content": content, "finishReason": "STOP"}]}
            assert (parse(payload).parts, parse(payload).finish_reason) == ([], "stop")
            assert stream(payload).parts == []

    def test_no_finish_reason_at_all(self) -> None:
        payload = answer({"text": "a"}, finish=None)
        assert parse(payload).finish_reason is None
        decoder = GEMINI.decoder(Prompt(messages=[], model="m", stream=True))
        decoder.feed(events(payload))
        decoder.finish()
        assert not decoder.complete
        assert decoder.build().content == "a"


class TestCalls:
    def test_without_ids_they_get_stable_and_different_ones(self) -> None:
        call = {"functionCall": {"name": "f", "args": {"a": 1}}}
        payload = answer(call, call)
        first, second = parse(payload).tool_calls
        assert first.id != second.id
        assert parse(payload).tool_calls == [first, second] == stream(payload).tool_calls
        assert parse({**payload, "responseId": "r2"}).tool_calls[0].id != first.id
        nameless = {key: value for key, value in payload.items() if key != "responseId"}
        assert len({call.id for call in parse(nameless).tool_calls}) == 2
        assert parse(payload).finish_reason == stream(payload).finish_reason == "tool_calls"
        assert parse(payload).raw_finish_reason == "STOP"

    @pytest.mark.parametrize("args", [{}, {"args": None}, {"args": {}}, {"args": ""}])
    def test_without_arguments(self, args: dict[str, Any]) -> None:
        payload = answer({"functionCall": {"name": "f", **args}})
        for got in (parse(payload), stream(payload)):
            assert got.tool_calls[0].arguments == {}

    def test_cut_off_they_are_incomplete(self) -> None:
        payload = answer({"functionCall": {"name": "f"}}, finish="MAX_TOKENS")
        for got in (parse(payload), stream(payload)):
            assert not got.tool_calls[0].is_complete

    def test_an_empty_call_is_none(self) -> None:
        assert parse(answer({"functionCall": {}})).parts == []

    def test_streamed_arguments(self) -> None:
        pieces = [
            {"name": "f", "id": "c1", "willContinue": True},
            {
                "partialArgs": [{"jsonPath": "$.place.name", "stringValue": "Bo", "willContinue": True}],
                "willContinue": True,
            },
            {"partialArgs": [{"jsonPath": "$.place.name", "stringValue": "ston"}], "willContinue": True},
            {"partialArgs": [{"jsonPath": "$.days[0]", "numberValue": 3.0}], "willContinue": True},
            {"partialArgs": [{"jsonPath": "$.days[1]", "boolValue": True}], "willContinue": True},
            {"partialArgs": [{"jsonPath": "$['x y']", "nullValue": "NULL_VALUE"}], "willContinue": True},
            {},
        ]
        got = stream(*[answer({"functionCall": piece}, finish=None) for piece in pieces], answer())
        arguments = {"place": {"name": "Boston"}, "days": [3, True], "x y": None}
        assert got.tool_calls == [ToolCall("c1", "f", arguments, None, {"google": {"id": "c1"}})]

    @pytest.mark.parametrize("path", ["$.a[7]", "a", "$", "$.a..b", 5, None])
    def test_streamed_arguments_out_of_place_are_incomplete(self, path: Any) -> None:
        piece = {"name": "f", "partialArgs": [{"jsonPath": path, "stringValue": "x"}]}
        assert not stream(answer({"functionCall": piece})).tool_calls[0].is_complete

    def test_streamed_arguments_that_never_end_are_incomplete(self) -> None:
        piece = {"name": "f", "partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}], "willContinue": True}
        call = stream(answer({"functionCall": piece}, finish="MAX_TOKENS")).tool_calls[0]
        assert (call.arguments, call.arguments_text) == (None, '{"a":"x"}')
        decoder = GEMINI.decoder(Prompt(messages=[], model="m", stream=True))
        decoder.feed(events(answer({"functionCall": piece}, finish=None)))
        decoder.finish()
        assert not decoder.complete
        assert [call.is_complete for call in decoder.build().tool_calls] == [False]


class TestParts:
    def test_signatures_stay_on_their_parts(self) -> None:
        parts: list[dict[str, Any]] = [
            {"text": "thinking", "thought": True, "thoughtSignature": "s1"},
            {"text": "Hello"},
            {"text": " there", "thoughtSignature": "s2"},
            {"functionCall": {"name": "f"}, "thoughtSignature": "s3"},
            {"functionCall": {"name": "g", "id": "g1"}},
            {"text": "", "thoughtSignature": "s4"},
        ]
        expected = [
            Reasoning("thinking", {"google": {"thoughtSignature": "s1"}}),
            Text("Hello"),
            Text(" there", provider_data={"google": {"thoughtSignature": "s2"}}),
        ]
        for got in (parse(answer(*parts)), stream(*[answer(part, finish=None) for part in parts], answer())):
            assert got.parts[:3] == expected
            assert [call.provider_data for call in got.tool_calls] == [
                {"google": {"thoughtSignature": "s3"}},
                {"google": {"id": "g1"}},
            ]
            sent = hook(GEMINI, "render_prompt")(Prompt(messages=[AIMessage("Hi"), got.to_message()], model="gemini-9"))
            back = sent["contents"][1]["parts"]
            assert [part.get("thoughtSignature") for part in back] == ["s1", None, "s2", "s3", None, "s4"]
            assert back[4] == {"functionCall": {"name": "g", "args": {}, "id": "g1"}}
            assert "id" not in back[3]["functionCall"]
            assert back[5] == {"text": "", "thought": False, "thoughtSignature": "s4"}

    def test_media(self) -> None:
        parts = [
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
            {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "-_8"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/x.png"}},
        ]
        for got in (parse(answer(*parts)), stream(answer(*parts))):
            image, sound, file = got.parts
            assert isinstance(image, Image)
            assert image.data == b"\x89PNG"
            assert isinstance(sound, Audio)
            assert sound.data == b"\xfb\xff"
            assert isinstance(file, Image)
            assert file.url == "gs://b/x.png"

    def test_google_own_tools_are_provider_parts_and_go_back(self) -> None:
        code = {"executableCode": {"language": "PYTHON", "code": "1+1"}, "thoughtSignature": "s"}
        result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}
        payload = answer(code, result, {"text": "2"})
        for got in (parse(payload), stream(payload)):
            assert got.tool_calls == []
            assert got.parts[:2] == [
                ProviderPart("google", "executableCode", code),
                ProviderPart("google", "codeExecutionResult", result),
            ]
            sent = hook(GEMINI, "render_prompt")(Prompt(messages=[AIMessage("Hi"), got.to_message()], model="gemini-9"))
            assert sent["contents"][1]["parts"] == [code, result, {"text": "2"}]

    def test_sources(self) -> None:
        chunk = {"web": {"uri": "https://a.example", "title": "A"}}
        grounding = {"groundingChunks": [chunk], "webSearchQueries": ["a"]}
        payload = answer({"text": "So it is."}, groundingMetadata=grounding, urlContextMetadata={"urlMetadata": []})
        for got in (parse(payload), stream(payload)):
            text, *found = got.parts
            assert isinstance(text, Text)
            assert text.citations == [chunk]
            assert ProviderPart("google", "groundingMetadata", grounding) in found
            sent = hook(GEMINI, "render_prompt")(Prompt(messages=[AIMessage("Hi"), got.to_message()], model="gemini-9"))
            assert sent["contents"][1]["parts"] == [{"text": "So it is."}]

    def test_candidates_are_choices(self) -> None:
        second = answer({"text": "b"}, index=1)["candidates"]
        payload = answer({"text": "a"})
        payload["candidates"] += second
        for got in (parse(payload), stream(payload)):
            assert got.content == "a"
            assert [(other.index, other.content) for other in got.alternatives] == [(1, "b")]

    def test_snake_case_and_audio_tokens(self) -> None:
        payload = {
            "candidates": [
                {
                    "content": {
                        "parts": [{"function_call": {"name": "f", "args": {"a_b": 1}}, "thought_signature": "s"}]
                    },
                    "finish_reason": "STOP",
                }
            ],
            "usage_metadata": {
                "prompt_token_count": 5,
                "tool_use_prompt_token_count": 2,
                "thoughts_token_count": 3,
                "prompt_tokens_details": [{"modality": 4, "token_count": 4}],
            },
            "model_version": "gemini-9",
            "response_id": "r",
        }
        for got in (parse(payload), stream(payload)):
            assert got.tool_calls[0].arguments == {"a_b": 1}
            assert got.tool_calls[0].provider_data == {"google": {"thoughtSignature": "s"}}
            assert (got.model, got.id, got.finish_reason) == ("gemini-9", "r", "tool_calls")
            assert got.usage is not None
            assert (got.usage.input_tokens, got.usage.output_tokens, got.usage.reasoning_tokens) == (7, 3, 3)
            assert got.usage.input_audio_tokens == 4
            assert got.usage.cached_input_tokens is None

    def test_usage_without_counts_is_unknown(self) -> None:
        assert parse({**answer(), "usageMetadata": {"trafficType": "ON_DEMAND"}}).usage is None
        got = stream(answer({"text": "a"}), {**answer(finish=None), "usageMetadata": {"trafficType": "ON_DEMAND"}})
        assert got.usage is not None
        assert got.usage.total_tokens == 5

    def test_logprobs_add_up(self) -> None:
        chosen = {"chosenCandidates": [{"token": "a"}]}
        got = stream(answer({"text": "a"}, finish=None, logprobsResult=chosen), answer(logprobsResult=chosen))
        assert got.logprobs == {"chosenCandidates": [{"token": "a"}, {"token": "a"}]}


class TestStreams:
    def test_an_array_split_at_every_position(self) -> None:
        body = json.dumps([answer({"text": 'a "]}" b'}, finish=None), answer({"text": "ü"})], indent=1).encode()
        for pieces in in_two(body):
            got = read_stream(GEMINI, pieces)
            assert isinstance(got, AIResponse)
            assert got.content == 'a "]}" bü'

    @pytest.mark.parametrize("body", [b"", b"data: ", b"[", b"[{", b'[{"candidates": []}'])
    def test_cut_before_anything(self, body: bytes) -> None:
        decoder = GEMINI.decoder(Prompt(messages=[], model="m", stream=True))
        decoder.feed(body)
        decoder.finish()
        assert not decoder.complete

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda error: events(error),
            lambda error: json.dumps([error]).encode(),
            lambda error: json.dumps(error).encode(),
        ],
    )
    def test_errors_in_streams(self, wrap: Any) -> None:
        error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
        got = read_stream(GEMINI, [wrap(error)])
        assert type(got).__name__ == "GeminiServerError"
        assert "overloaded" in str(got)

    def test_an_error_after_text_keeps_the_text(self) -> None:
        error = {"error": {"code": 500, "message": "Internal", "status": "INTERNAL"}}
        got = read_stream(GEMINI, [events(answer({"text": "half"}, finish=None), error)])
        assert isinstance(got, AIError)
        assert got.partial is not None
        assert got.partial.content == "half"

    def test_html_and_done(self) -> None:
        assert isinstance(read_stream(GEMINI, [b"<html><title>502</title></html>"]), InvalidResponseError)
        got = read_stream(GEMINI, [events(answer({"text": "a"})) + b"data: [DONE]\n\n"])
        assert isinstance(got, AIResponse)

    def test_half_a_surrogate_pair(self) -> None:
        body = events(answer({"text": "X"})).replace(b'"X"', rb'"\ud83d"')
        got = read_stream(GEMINI, [body])
        assert isinstance(got, AIResponse)
        assert got.content == "\ufffd"


@pytest.mark.parametrize("body", [b"", b"null", b"5", b'"x"', b"[]", b"{}", b'{"candidates": 5}', b"[[[[", b"\xff\xfe"])
def test_other_shapes_are_errors_of_ours(body: bytes) -> None:
    with pytest.raises(ProviderError):
        parse(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SAMPLE = answer(
    {"text": "a", "thought": True, "thoughtSignature": "s"},
    {"functionCall": {"name": "f", "args": {"a": 1}, "partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}]}},
    {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
    {"executableCode": {"language": "PYTHON", "code": "1"}},
    {"text": "b"},
    groundingMetadata={"groundingChunks": [{"web": {"uri": "https://a.example"}}]},
    citationMetadata={"citationSources": [{"uri": "https://a.example"}]},
    logprobsResult={"chosenCandidates": [{"token": "a"}], "logProbabilitySum": -1.5},
    finishMessage="done",
) | {"promptFeedback": {"blockReason": "SAFETY"}}


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def replaced(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(node, dict):
        return {key: replaced(inner, path[1:], value) if key == path[0] else inner for key, inner in node.items()}
    return [replaced(inner, path[1:], value) if key == path[0] else inner for key, inner in enumerate(node)]


@given(st.sampled_from(places(SAMPLE)), JSON, st.sampled_from(places(SAMPLE)), JSON)
def test_wrong_types_anywhere(path: tuple[Any, ...], value: Any, other: tuple[Any, ...], more: Any) -> None:
    payload = replaced(SAMPLE, path, value)
    if other in places(payload):
        payload = replaced(payload, other, more)
    with contextlib.suppress(AIError):
        parse(payload)
    decoder = GEMINI.decoder(Prompt(messages=[], model="m", stream=True))
    decoder.feed(f"data: {json.dumps(payload)}\n\n".encode())
    decoder.finish()
    assert decoder.failure is None or isinstance(decoder.failure, AIError), decoder.failure
    decoder.build()


@pytest.mark.parametrize("depth", [60, 400, 900, 5000, 100_000])
@pytest.mark.parametrize("name", ["candidates", "usage_metadata", "content", "args", "error"])
def test_deep_nesting(name: str, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    whole = json.dumps(answer({"functionCall": {"name": "f", "args": "DEEP"}}))
    places = {
        "candidates": f'{{"candidates": {deep}}}',
        "usage_metadata": f'{{"candidates": [], "usage_metadata": {deep}}}',
        "content": f'{{"candidates": [{{"content": {deep}, "finishReason": "STOP"}}]}}',
        "args": whole.replace('"DEEP"', deep),
        "error": f'{{"error": {{"message": "x", "details": {deep}}}}}',
    }
    body = places[name].encode()
    with contextlib.suppress(AIError):
        parse(body)
    decoder = GEMINI.decoder(Prompt(messages=[], model="m", stream=True))
    decoder.feed(b"data: " + body + b"\n\n")
    decoder.finish()
    assert decoder.failure is None or isinstance(decoder.failure, AIError), decoder.failure
