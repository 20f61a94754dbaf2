"""Cohere against recorded traffic, and against bytes of our own."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.server import READ, Server, chunked, reply
from tests.hooks import hook
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.wires.mutations import mutated
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
)

from polydriver.data.http import Reply
from polydriver.data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from polydriver.data.prompt import OutputFormat, Prompt, ToolSpec
from polydriver.data.responses import AIResponse
from polydriver.drivers.cohere import CohereDriver
from polydriver.errors import (
    AIError,
    ContentFilterError,
    InvalidCredentialsError,
    InvalidResponseError,
    ModelNotFoundError,
    RateLimitError,
    StreamInterruptedError,
    UnsupportedFeatureError,
)
from polydriver.operations.requests import EmbeddingRequest, RerankRequest

API = "cohere-chat-v2"
DRIVER = CohereDriver({"api_key": "test-0123456789abcdef"})
NULL_ARGUMENTS = {
    # The arguments are the text "null"; the oracle leaves it at that, and we take it for a call without arguments.
    "cohere-vercel-5a570c78ba",
}
WEATHER = ToolSpec(name="weather", description="Tell the weather.", parameters={"type": "object", "properties": {}})


def prompt(*messages: AIMessage, **options: Any) -> Prompt:
    return Prompt(messages=list(messages) or [AIMessage("Hi")], **{"model": "command-a-03-2025", **options})


def render(*messages: AIMessage, **options: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(DRIVER.build_request(prompt(*messages, **options)).body or b"")
    return body


def events(*payloads: dict[str, Any]) -> bytes:
    return b"".join(f"event: {p.get('type')}\ndata: {json.dumps(p)}\n\n".encode() for p in payloads)


def delta(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    return {"type": kind, **({} if index is None else {"index": index}), "delta": {"message": message}}


START = {"type": "message-start", "id": "m-1", "delta": {"message": {"role": "assistant"}}}


def end(reason: str = "COMPLETE", **fields: Any) -> dict[str, Any]:
    usage = {
        "billed_units": {"input_tokens": 3, "output_tokens": 2},
        "tokens": {"input_tokens": 70, "output_tokens": 5},
    }
    return {"type": "message-end", "delta": {"finish_reason": reason, "usage": usage, **fields}}


def answer(finish_reason: str = "COMPLETE", **message: Any) -> AIResponse:
    body = {"id": "m-1", "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    return DRIVER.parse_response(Reply(status=200, body=json.dumps(body).encode()), prompt())


def streamed(*payloads: dict[str, Any]) -> AIResponse:
    got = read_stream(DRIVER, [events(*payloads)])
    assert isinstance(got, AIResponse), got
    return got


# Recorded traffic.


def test_replies_are_read_as_expected(wire_dir: Path) -> None:
    found = records(wire_dir, API)
    wrong = {record["id"]: compare(replay(DRIVER, record), record["expected"]) for record in found}
    assert found
    assert {name for name, differences in wrong.items() if differences} <= NULL_ARGUMENTS


def test_a_call_with_null_for_arguments_has_none(wire_dir: Path) -> None:
    for record in records(wire_dir, API):
        if record["id"] in NULL_ARGUMENTS:
            got = replay(DRIVER, record)
            assert isinstance(got, AIResponse)
            assert [call.arguments for call in got.tool_calls] == [{}]


@pytest.mark.parametrize("seed", [1, 2])
def test_streams_are_read_alike_however_they_are_cut(wire_dir: Path, seed: int) -> None:
    for record in records(wire_dir, API):
        if is_stream(record):
            assert compare(replay(DRIVER, record, at_random(seed)), record["expected"]) == {}, record["id"]


def test_a_stream_is_read_alike_cut_at_every_position(wire_dir: Path) -> None:
    streams = [record for record in records(wire_dir, API) if is_stream(record) and "error" not in record["kind"]]
    record = min(streams, key=lambda record: len(body_bytes(record)))
    for pieces in in_two(body_bytes(record)):
        assert compare(read_stream(DRIVER, pieces), record["expected"]) == {}


def test_citations_and_plans_come_as_recorded(wire_dir: Path) -> None:
    cited = planned = 0
    for record in records(wire_dir, API):
        got = replay(DRIVER, record)
        wanted = record["expected"].get("partial", record["expected"])
        whole = got if isinstance(got, AIResponse) else got.partial
        assert whole is not None
        citations = [citation for part in whole.parts if isinstance(part, Text) for citation in part.citations]
        assert len(citations) == wanted.get("n_citations", 0), record["id"]
        plans = [part.data["text"] for part in whole.parts if isinstance(part, ProviderPart)]
        assert plans == ([wanted["tool_plan"]] if wanted.get("tool_plan") else []), record["id"]
        cited, planned = cited + len(citations), planned + len(plans)
    assert cited > 5
    assert planned > 5


def test_a_failed_stream_keeps_what_came(wire_dir: Path) -> None:
    failed = [record for record in records(wire_dir, API) if "in_stream_error" in record["kind"]]
    for record in failed:
        error = replay(DRIVER, record, at_random(3))
        assert isinstance(error, AIError)
        assert error.partial is not None
        assert error.partial.raw_finish_reason == record["expected"]["partial"]["finish_reason"]
        assert error.partial.id == record["expected"]["partial"]["response_id"]
    assert failed


def test_recorded_requests_are_rendered_alike(wire_dir: Path) -> None:
    """What another library sent, read as a conversation, is rendered as it was."""
    read = 0
    for record in records(wire_dir, API):
        sent = (record["request"] or {}).get("body")
        if not isinstance(sent, dict):
            continue
        messages = [read_message(message) for message in sent["messages"]]
        rendered = render(*messages, options={"documents": sent.get("documents", [])})
        assert [gist(message) for message in rendered["messages"]] == [gist(message) for message in sent["messages"]]
        assert rendered.get("documents") == sent.get("documents")
        read += 1
    assert read > 15


def read_message(raw: dict[str, Any]) -> AIMessage:
    content = raw.get("content") or []
    if raw["role"] == "tool":
        return AIMessage.tool(raw["tool_call_id"], tool_text(content))
    parts: list[Any] = []
    items: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for item in items:
        if item["type"] == "thinking":
            parts.append(Reasoning(item["thinking"], {"cohere": {}}))
        elif item["type"] == "image_url":
            parts.append(Image.from_url(item["image_url"]["url"]))
        else:
            parts.append(Text(item["text"]))
    if "tool_plan" in raw:
        parts.append(ProviderPart("cohere", "tool_plan", {"text": raw["tool_plan"]}))
    for call in raw.get("tool_calls", []):
        parts.append(ToolCall(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])))
    return AIMessage(parts, raw["role"])


def tool_text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content[0]["document"]["data"])


def gist(raw: dict[str, Any]) -> dict[str, Any]:
    """A message without the differences that mean nothing."""
    content = raw.get("content") or []
    if raw["role"] == "tool":
        content = tool_text(content)
    elif isinstance(content, str):
        content = [{"type": "text", "text": content}]
    calls = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in raw.get("tool_calls", [])
    ]
    return {"role": raw["role"], "content": content, "calls": calls, "plan": raw.get("tool_plan")}


def test_recorded_operations_are_read(wire_dir: Path) -> None:
    [reranked] = records(wire_dir, "cohere-rerank")
    request = RerankRequest(model="rerank-v3.5", query="q", documents=["a", "b"])
    results = hook(DRIVER, "parse_rerank")(reply_of(reranked), request).results
    assert [{"index": result.index, "score": result.score} for result in results] == reranked["expected"]["rerank"]
    [failed] = records(wire_dir, "cohere-embed")
    error = DRIVER.map_error(reply_of(failed))
    assert isinstance(error, ModelNotFoundError)
    assert error.message == failed["expected"]["error"]["message"]
    [listed] = records(wire_dir, "cohere-models")
    [model] = DRIVER.parse_models(reply_of(listed))
    assert model.id == listed["expected"]["models"]["ids"][0]
    assert model.type == "chat"
    assert model.context_length == 288000
    assert model.supports_function_calling is True
    assert model.supports_reasoning is False


# Requests.


def test_options_have_the_names_of_the_api() -> None:
    body = render(
        temperature=0,
        top_p=0.5,
        top_k=0,
        max_tokens=9,
        stop=["x"],
        seed=0,
        presence_penalty=0.0,
        frequency_penalty=0.1,
        logprobs=False,
        options={"safety_mode": "NONE"},
        extra={"priority": 1},
    )
    del body["messages"], body["model"]
    assert body == {
        "stream": False,
        "temperature": 0,
        "p": 0.5,
        "k": 0,
        "max_tokens": 9,
        "stop_sequences": ["x"],
        "seed": 0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.1,
        "logprobs": False,
        "safety_mode": "NONE",
        "priority": 1,
    }


def test_options_that_the_api_lacks_are_reported() -> None:
    asked = prompt(n=2, user="u", parallel_tool_calls=False)
    DRIVER.build_request(asked)
    assert len(asked.warnings) == 3


@pytest.mark.parametrize(
    ("options", "thinking"),
    [
        ({"reasoning_effort": "none"}, {"type": "disabled"}),
        ({"reasoning_budget": 0}, {"type": "disabled"}),
        ({"reasoning_effort": "high"}, {"type": "enabled"}),
        ({"reasoning_budget": 500}, {"type": "enabled", "token_budget": 500}),
        ({"reasoning_effort": "none", "options": {"thinking": {"type": "enabled"}}}, {"type": "enabled"}),
    ],
)
def test_thinking_is_switched(options: dict[str, Any], thinking: dict[str, Any]) -> None:
    assert render(**options, model="command-a-reasoning-08-2025")["thinking"] == thinking


def test_structured_output_is_a_json_object() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert render(response_format=OutputFormat())["response_format"] == {"type": "json_object"}
    wanted = render(response_format=OutputFormat(schema=schema))["response_format"]
    assert wanted == {"type": "json_object", "json_schema": schema}


def test_tools_are_offered_forbidden_and_forced() -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    other = ToolSpec(name="other", parameters=parameters, strict=True)
    assert "tool_choice" not in render(tools=[WEATHER], tool_choice="auto")
    assert render(tools=[WEATHER], tool_choice="required")["tool_choice"] == "REQUIRED"
    assert render(tools=[WEATHER], tool_choice="none")["tool_choice"] == "NONE"
    body = render(tools=[WEATHER, other], tool_choice="other")
    assert body["tool_choice"] == "REQUIRED"
    assert body["strict_tools"] is True
    assert body["tools"] == [{"type": "function", "function": {"name": "other", "parameters": parameters}}]
    mixed = prompt(tools=[WEATHER, other])
    assert "strict_tools" not in json.loads(DRIVER.build_request(mixed).body or b"")
    assert mixed.warnings


def test_a_conversation_with_tools_is_rendered() -> None:
    picture = Image.from_bytes(b"png", "image/png")
    body = render(
        AIMessage("Be brief.", "developer"),
        AIMessage("Weather?"),
        AIMessage(
            [
                Reasoning("Hm.", {"cohere": {}}),
                Reasoning("foreign", {"openai": {"id": "r"}}),
                ProviderPart("cohere", "tool_plan", {"text": "I will look."}),
                ToolCall("a", "weather", {"city": "Rome"}),
                ToolCall("b", "weather", None, '{"ci'),
            ],
            "assistant",
        ),
        AIMessage([ToolResult("a", [Text("20 C"), picture])], "tool"),
        AIMessage([ToolResult("b", "?")], "tool"),
    )
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm."}],
            "tool_plan": "I will look.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}},
                {"id": "b", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "20 C"},
        {"role": "tool", "tool_call_id": "b", "content": "?"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture.data_url("image/png")}}]},
    ]


def test_an_answer_of_foreign_reasoning_alone_leaves_no_message() -> None:
    body = render(AIMessage("Hi"), AIMessage([Reasoning("x", {"openai": {}})], "assistant"), AIMessage("Go on"))
    assert [message["role"] for message in body["messages"]] == ["user", "user"]


def test_parts_of_other_providers_are_dropped_with_a_warning() -> None:
    asked = prompt(AIMessage([Text("a"), ProviderPart("openai", "web_search_call", {})], "assistant"), AIMessage("b"))
    body = json.loads(DRIVER.build_request(asked).body or b"")
    assert body["messages"][0] == {"role": "assistant", "content": "a"}
    assert asked.warnings


def test_text_documents_stand_beside_the_messages() -> None:
    document = Document.from_bytes("Zürich".encode(), "text/plain", title="Cities")
    body = render(AIMessage([Text("Where?"), document]), options={"documents": ["more"]})
    assert body["messages"] == [{"role": "user", "content": "Where?"}]
    assert body["documents"] == [{"data": {"text": "Zürich", "title": "Cities"}}, "more"]


@pytest.mark.parametrize(
    "part",
    [
        Audio.from_bytes(b"x", "audio/wav"),
        Document.from_bytes(b"%PDF", "application/pdf"),
        Document.from_url("https://host/x.txt"),
        Image.from_id("file-1"),
    ],
)
def test_parts_that_the_api_lacks_raise_before_the_request(part: Any) -> None:
    with pytest.raises(UnsupportedFeatureError):
        render(AIMessage([part]))


# Answers.


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("TIMEOUT", "error"),
        ("ERROR_TOXIC", "content_filter"),
        ("SOMETHING_NEW", "other"),
    ],
)
def test_finish_reasons(raw: str, word: str) -> None:
    content = [{"type": "text", "text": "Hi"}]
    assert (answer(raw, content=content).finish_reason, answer(raw, content=content).raw_finish_reason) == (word, raw)
    assert streamed(START, end(raw)).finish_reason == word


def test_usage_is_what_was_counted_and_the_cost_what_is_billed() -> None:
    usage = streamed(START, end()).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (70, 5, 75)
    priced = CohereDriver({"api_key": "k-123456789", "prices": {"m": {"input": 1, "output": 10}}})
    cost = priced.calculate_cost(usage, "m")
    assert cost is not None
    assert cost.total == Decimal("0.000023")


def test_a_call_cut_by_the_token_limit_is_not_complete() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Ro'}}
    got = answer("MAX_TOKENS", tool_calls=[call])
    assert [(c.arguments, c.arguments_text) for c in got.tool_calls] == [(None, '{"city": "Ro')]
    again = streamed(
        START,
        delta("tool-call-start", 0, tool_calls={**call, "function": {"name": "weather", "arguments": ""}}),
        delta("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"city": "Ro'}}),
        end("MAX_TOKENS"),
    )
    assert again.tool_calls == got.tool_calls


def test_a_call_without_arguments_has_none() -> None:
    got = streamed(
        START,
        delta("tool-plan-delta", tool_plan="I will."),
        delta("tool-call-start", 0, tool_calls={"id": "a", "function": {"name": "now", "arguments": ""}}),
        {"type": "tool-call-end", "index": 0},
        delta("tool-call-start", 1, tool_calls={"function": {"name": "now"}}),
        end("TOOL_CALL"),
    )
    assert [(call.name, call.arguments) for call in got.tool_calls] == [("now", {}), ("now", {})]
    assert got.tool_calls[0].id == "a"
    assert got.tool_calls[1].id.startswith("call_")
    assert got.parts[0] == ProviderPart("cohere", "tool_plan", {"text": "I will."})


def test_streamed_citations_stand_at_their_texts() -> None:
    cited = {"start": 0, "end": 5, "text": "Paris", "sources": [], "type": "TEXT_CONTENT", "content_index": 1}
    planned = {"start": 0, "end": 1, "text": "I", "sources": [], "type": "PLAN"}
    thought = {"start": 0, "end": 2, "text": "Hm", "sources": [], "type": "THINKING_CONTENT"}
    got = streamed(
        START,
        delta("content-start", 0, content={"type": "thinking", "thinking": ""}),
        delta("content-delta", 0, content={"thinking": "Hm"}),
        {"type": "content-end", "index": 0},
        delta("tool-plan-delta", tool_plan="I will."),
        delta("content-start", 1, content={"type": "text", "text": ""}),
        delta("content-delta", 1, content={"text": "Paris"}),
        delta("citation-start", 0, citations=cited),
        delta("citation-start", 1, citations=planned),
        delta("citation-start", 2, citations=thought),
        {"type": "citation-end", "index": 0},
        {"type": "content-end", "index": 1},
        end(),
    )
    assert got.parts == [
        Reasoning("Hm", {"cohere": {"citations": [thought]}}),
        ProviderPart("cohere", "tool_plan", {"text": "I will.", "citations": [planned]}),
        Text("Paris", [cited]),
    ]
    whole = answer(
        content=[{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Paris"}], citations=[cited, thought]
    )
    assert whole.parts == [got.parts[0], got.parts[2]]


def test_logprobs_are_collected() -> None:
    entry = {"text": "Hi", "token_ids": [1], "logprobs": [-0.1]}
    got = streamed(START, {**delta("content-delta", 0, content={"text": "Hi"}), "logprobs": entry}, end())
    assert got.logprobs == {"content": [entry]}


def test_an_empty_answer_is_an_answer() -> None:
    assert answer(content=[]).parts == []
    assert streamed(START, end()).parts == []


def test_reasoning_of_a_stream_goes_back() -> None:
    got = streamed(START, delta("content-delta", 0, content={"thinking": "Hm"}), end())
    body = render(AIMessage("Hi"), got.to_message(), AIMessage("Go on"))
    assert body["messages"][1]["content"] == [{"type": "thinking", "thinking": "Hm"}]


# What goes wrong.


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"message": "invalid api token"}, InvalidCredentialsError),
        (
            404,
            {"id": "x", "message": "model 'x' not found, make sure the correct model ID was used"},
            ModelNotFoundError,
        ),
        (429, {"message": "You are using a Trial key, which is limited to 10 API calls / minute."}, RateLimitError),
        (498, {"message": "blocked"}, ContentFilterError),
    ],
)
def test_errors_are_mapped(status: int, body: dict[str, Any], kind: type[AIError]) -> None:
    error = DRIVER.map_error(Reply(status=status, body=json.dumps(body).encode()))
    assert isinstance(error, kind)
    assert error.message == body["message"]
    assert type(error).__name__.startswith("Cohere")


@pytest.mark.parametrize("body", [{"message": "no"}, {"error": {"message": "no"}}, {"finish_reason": "COMPLETE"}, {}])
def test_a_success_without_an_answer_is_none(body: dict[str, Any]) -> None:
    with pytest.raises(AIError):
        DRIVER.parse_response(Reply(status=200, body=json.dumps(body).encode()), prompt())


@pytest.mark.parametrize(
    "stream",
    [
        events(START, end("ERROR")),
        events(START) + b'data: {"message": "internal"}\n\n',
        events(START) + b'data: "overloaded"\n\n',
        events(START) + b"data: {oops\n\n",
        events(START) + b'data: {"type": "content-delta", "delta": [1]}\n\n',
        b'{"message": "too many requests"}',
        b"<html><title>Bad gateway</title></html>",
    ],
)
def test_a_stream_with_an_error_in_it_fails(stream: bytes) -> None:
    assert isinstance(read_stream(DRIVER, [stream]), AIError)


def test_a_whole_answer_in_place_of_a_stream_is_taken() -> None:
    body = {"id": "m", "message": {"content": [{"type": "text", "text": "Hi"}]}, "finish_reason": "COMPLETE"}
    got = read_stream(DRIVER, [json.dumps(body).encode()])
    assert isinstance(got, AIResponse)
    assert got.content == "Hi"


def test_a_cut_stream_is_never_complete() -> None:
    stream = events(START, delta("content-delta", 0, content={"text": "Hello"}), end())
    for length in range(stream.index(b"message-end")):
        decoder = DRIVER.decoder(prompt(stream=True))
        decoder.feed(stream[:length])
        decoder.finish()
        assert not decoder.complete


WHOLE = {
    "id": "m",
    "message": {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Paris"}],
        "tool_plan": "I will.",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        "citations": [{"start": 0, "end": 5, "text": "Paris", "sources": [], "type": "TEXT_CONTENT"}],
    },
    "finish_reason": "COMPLETE",
    "logprobs": [{"token_ids": [1], "logprobs": [0.1]}],
    "usage": {
        "billed_units": {"input_tokens": 1},
        "tokens": {"input_tokens": 2, "output_tokens": 3},
        "cached_tokens": 1,
    },
}
STREAM = [
    START,
    delta("content-start", 0, content={"type": "text", "text": ""}),
    {**delta("content-delta", 0, content={"text": "Hello"}), "logprobs": {"logprobs": [0.1]}},
    delta("citation-start", 0, citations={"start": 0, "end": 5, "text": "Hello"}),
    delta("tool-plan-delta", tool_plan="I will."),
    delta("tool-call-start", 0, tool_calls={"id": "a", "function": {"name": "f", "arguments": ""}}),
    delta("tool-call-delta", 0, tool_calls={"function": {"arguments": "{}"}}),
    end("TOOL_CALL"),
]


@settings(max_examples=150)
@given(mutated(WHOLE))
def test_odd_replies_make_answers_or_errors(body: Any) -> None:
    try:
        got = DRIVER.parse_response(Reply(status=200, body=json.dumps(body).encode()), prompt())
    except AIError:
        return
    assert isinstance(got.content, str)


@settings(max_examples=150)
@given(mutated(STREAM), st.integers(0, 3))
def test_odd_streams_make_answers_or_errors(payloads: Any, seed: int) -> None:
    lines = payloads if isinstance(payloads, list) else [payloads]
    decoder = DRIVER.decoder(prompt(stream=True))
    for piece in at_random(seed)(b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines)):
        decoder.feed(piece)
    decoder.finish()
    assert decoder.failure is None or isinstance(decoder.failure, AIError)
    assert isinstance(decoder.build(), AIResponse)


# Over a connection.


def driver_at(server: Server) -> CohereDriver:
    return CohereDriver({"api_key": "test-0123456789abcdef", "base_url": server.url, "retry_delay": 0.001})


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_texts_are_embedded(colour: Colour) -> None:
    body = {
        "id": "e",
        "embeddings": {"float": [[0.5, 1], [0, 0.25]]},
        "texts": ["a", "b"],
        "meta": {"billed_units": {"input_tokens": 4}},
    }
    with Server(*one_by_one(json_reply(body))) as server:
        got = ask(colour, driver_at(server), "embed", ["a", "b"], model="embed-v4.0", input_type="query", dimensions=2)
    assert server.requests[0].target == "/v2/embed"
    assert sent_json(server.requests[0]) == {
        "model": "embed-v4.0",
        "texts": ["a", "b"],
        "input_type": "search_query",
        "embedding_types": ["float"],
        "output_dimension": 2,
    }
    assert got.embeddings == [[0.5, 1.0], [0.0, 0.25]]
    assert got.usage.input_tokens == 4


def test_other_kinds_of_vectors_are_read() -> None:
    request = EmbeddingRequest(model="m", input=["a"])
    for vectors in ({"int8": [[1, -2]]}, [[1.0, -2.0]]):
        reply = Reply(status=200, body=json.dumps({"embeddings": vectors}).encode())
        assert hook(DRIVER, "parse_embeddings")(reply, request).embeddings == [[1.0, -2.0]]
    odds: list[Any] = [{}, {"float": [["x"]]}, {"float": []}, None]
    for odd in odds:
        with pytest.raises(InvalidResponseError):
            hook(DRIVER, "parse_embeddings")(Reply(status=200, body=json.dumps({"embeddings": odd}).encode()), request)
    with pytest.raises(UnsupportedFeatureError):
        hook(DRIVER, "build_embeddings")(EmbeddingRequest(model="m", input=[[1, 2]]))


def test_all_pages_of_models_are_listed() -> None:
    pages = [
        {
            "models": [{"name": "command-a", "endpoints": ["chat"], "features": ["tools", "vision"]}],
            "next_page_token": "p 2",
        },
        {"models": [{"name": "embed-v4.0", "endpoints": ["embed"], "context_length": 128000}], "next_page_token": ""},
    ]
    with Server(*one_by_one(*map(json_reply, pages))) as server:
        models = ask("blocking", driver_at(server), "get_available_models")
    assert [received.target for received in server.requests] == [
        "/v1/models?page_size=1000",
        "/v1/models?page_size=1000&page_token=p%202",
    ]
    assert [(model.id, model.type) for model in models] == [("command-a", "chat"), ("embed-v4.0", "embedding")]
    assert models[0].supports_vision is True


def test_a_stream_that_breaks_off_keeps_what_came() -> None:
    stream = events(START, delta("content-delta", 0, content={"text": "Hello"}))
    head = reply(headers={"content-type": "text/event-stream", "transfer-encoding": "chunked"}, length=False)
    with Server([READ, head, chunked(stream)]) as server:
        driver = driver_at(server)
        with (
            pytest.raises(StreamInterruptedError) as caught,
            driver.send_streaming_message("Hi", model="m") as open_stream,
        ):
            list(open_stream)
        driver.close()
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hello"


def test_the_key_comes_from_either_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COHERE_API_KEY", "second-0123456789")
    assert CohereDriver().headers()["authorization"] == "Bearer second-0123456789"
    monkeypatch.setenv("CO_API_KEY", "first-0123456789")
    assert CohereDriver().headers()["authorization"] == "Bearer first-0123456789"
