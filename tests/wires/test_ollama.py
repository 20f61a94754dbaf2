"""Ollama against recorded traffic, and against bytes of our own."""

from __future__ import annotations

import asyncio
import json
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
from polydriver.drivers.ollama import OllamaDriver, PullProgress
from polydriver.drivers.ollama.host import read_host
from polydriver.errors import (
    AIError,
    ConfigurationError,
    InvalidResponseError,
    ModelNotFoundError,
    StreamInterruptedError,
    UnknownOptionError,
    UnsupportedFeatureError,
)
from polydriver.operations.requests import EmbeddingRequest

APIS = ("ollama-chat", "ollama-generate")
DRIVER = OllamaDriver({})
WEATHER = ToolSpec(name="weather", description="Tell the weather.", parameters={"type": "object", "properties": {}})
MOMENT = "2025-08-20T13:48:26.432625Z"
LAST = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3, "total_duration": 99}


def prompt(*messages: AIMessage, model: str = "llama3.2", **options: Any) -> Prompt:
    return Prompt(messages=list(messages) or [AIMessage("Hi")], model=model, **options)


def render(*messages: AIMessage, **options: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(DRIVER.build_request(prompt(*messages, **options)).body or b"")
    return body


def line(**fields: Any) -> dict[str, Any]:
    return {"model": "llama3.2", "created_at": MOMENT, "done": False, **fields}


def said(content: str = "", **message: Any) -> dict[str, Any]:
    return line(message={"role": "assistant", "content": content, **message})


def lines(*payloads: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(payload).encode() + b"\n" for payload in payloads)


def answer(**fields: Any) -> AIResponse:
    body = {"model": "llama3.2", "created_at": MOMENT, **LAST, **fields}
    return DRIVER.parse_response(Reply(status=200, body=json.dumps(body).encode()), prompt())


def streamed(*payloads: dict[str, Any]) -> AIResponse:
    got = read_stream(DRIVER, [lines(*payloads)])
    assert isinstance(got, AIResponse), got
    return got


# Recorded traffic.


def test_replies_are_read_as_expected(wire_dir: Path) -> None:
    found = records(wire_dir, *APIS)
    assert found
    for record in found:
        assert compare(replay(DRIVER, record), record["expected"]) == {}, record["id"]


@pytest.mark.parametrize("seed", [1, 2])
def test_streams_are_read_alike_however_they_are_cut(wire_dir: Path, seed: int) -> None:
    for record in records(wire_dir, *APIS):
        if is_stream(record):
            assert compare(replay(DRIVER, record, at_random(seed)), record["expected"]) == {}, record["id"]


def test_a_stream_is_read_alike_cut_at_every_position(wire_dir: Path) -> None:
    streams = [record for record in records(wire_dir, *APIS) if is_stream(record)]
    record = min(streams, key=lambda record: len(body_bytes(record)))
    for pieces in in_two(body_bytes(record)):
        assert compare(read_stream(DRIVER, pieces), record["expected"]) == {}


def test_recorded_requests_are_rendered_alike(wire_dir: Path) -> None:
    """What another library sent, read as a prompt, is rendered as it was."""
    read = 0
    for record in records(wire_dir, *APIS):
        sent = (record["request"] or {}).get("body")
        if not isinstance(sent, dict):
            continue
        options = {"num_predict": "max_tokens", "temperature": "temperature"}
        own = {options[name]: value for name, value in sent["options"].items() if name in options}
        rest = {name: value for name, value in sent["options"].items() if name not in options}
        messages = [AIMessage(message["content"], message["role"]) for message in sent.get("messages", [])]
        if "prompt" in sent:
            messages, rest = [AIMessage(sent["prompt"])], {"generate": True}
        else:
            rest = {"options": rest}
        body = render(*messages, stream=is_stream(record), options=rest, **own)
        for name in ("model", "messages", "prompt", "options"):
            assert body.get(name) == ("llama3.2" if name == "model" else sent.get(name)), record["id"]
        read += 1
    assert read > 4


def test_recorded_vectors_are_read(wire_dir: Path) -> None:
    [record] = records(wire_dir, "ollama-embed")
    got = hook(DRIVER, "parse_embeddings")(reply_of(record), EmbeddingRequest(model="m", input=["Hello world"]))
    expected = record["expected"]
    assert (len(got.embeddings), len(got.embedding)) == (expected["embeddings"]["n"], expected["embeddings"]["dims"])
    assert got.embedding[:3] == expected["embeddings"]["head"]
    assert got.usage is not None
    assert got.usage.input_tokens == expected["usage"]["input_total"]
    assert got.model == expected["model"]


def test_a_recorded_pull_is_followed(wire_dir: Path) -> None:
    [record] = records(wire_dir, "ollama-other")
    with Server([READ, reply(body_bytes(record), headers={"content-type": "application/x-ndjson"})]) as server:
        steps = list(driver_at(server).pull_model("gemma3:1b"))
    assert sent_json(server.requests[0]) == {"model": "gemma3:1b", "stream": True}
    assert steps[0] == PullProgress(status="pulling manifest")
    assert steps[1].total == steps[1].completed == 815310432
    assert steps[1].fraction == 1.0
    assert steps[-1].status == "success"


# Requests.


def test_options_go_where_the_api_wants_them() -> None:
    body = render(
        temperature=0,
        top_p=0.5,
        top_k=0,
        max_tokens=9,
        stop=["x"],
        seed=0,
        presence_penalty=0.0,
        frequency_penalty=0.1,
        logprobs=True,
        top_logprobs=2,
        options={"num_ctx": 8192, "keep_alive": 0, "options": {"min_p": 0.1}},
        extra={"truncate": False},
    )
    assert body == {
        "model": "llama3.2",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
        "logprobs": True,
        "top_logprobs": 2,
        "keep_alive": 0,
        "truncate": False,
        "options": {
            "temperature": 0,
            "top_p": 0.5,
            "top_k": 0,
            "num_predict": 9,
            "stop": ["x"],
            "seed": 0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.1,
            "num_ctx": 8192,
            "min_p": 0.1,
        },
    }


def test_options_that_the_api_lacks_are_reported() -> None:
    asked = prompt(n=2, user="u", reasoning_budget=100, tools=[WEATHER], tool_choice="required")
    DRIVER.build_request(asked)
    assert len(asked.warnings) == 4


@pytest.mark.parametrize(
    ("model", "options", "think"),
    [
        ("qwen3", {"reasoning_effort": "none"}, False),
        ("qwen3", {"reasoning_budget": 0}, False),
        ("qwen3", {"reasoning_effort": "low"}, True),
        ("gpt-oss:20b", {"reasoning_effort": "minimal"}, "low"),
        ("gpt-oss:20b", {"reasoning_effort": "high"}, "high"),
        ("qwen3", {"options": {"think": "medium"}}, "medium"),
    ],
)
def test_thinking_is_switched(model: str, options: dict[str, Any], think: bool | str) -> None:
    assert render(model=model, **options)["think"] == think
    assert "think" not in render(model=model)


def test_structured_output_is_a_format() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert render(response_format=OutputFormat())["format"] == "json"
    assert render(response_format=OutputFormat(schema=schema))["format"] == schema


def test_tools_are_offered_or_not() -> None:
    other = ToolSpec(name="other")
    assert [tool["function"]["name"] for tool in render(tools=[WEATHER, other])["tools"]] == ["weather", "other"]
    assert [tool["function"]["name"] for tool in render(tools=[WEATHER, other], tool_choice="other")["tools"]] == [
        "other"
    ]
    assert "tools" not in render(tools=[WEATHER], tool_choice="none")


def test_a_conversation_with_tools_and_pictures_is_rendered() -> None:
    picture = Image.from_bytes(b"png", "image/png")
    body = render(
        AIMessage("Be brief.", "developer"),
        AIMessage([Text("What is this?"), picture, Document.from_bytes(b"a,b", "text/csv", name="t.csv")]),
        AIMessage(
            [
                Reasoning("Hm.", {"ollama": {}}),
                Reasoning("foreign", {"openai": {"id": "r"}}),
                Text("Let me see."),
                ToolCall("a", "weather", {"city": "Rome"}),
            ],
            "assistant",
        ),
        AIMessage([ToolResult("a", [Text("20 C"), picture], "weather")], "tool"),
    )
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is this?\n\nt.csv:\na,b", "images": ["cG5n"]},
        {
            "role": "assistant",
            "content": "Let me see.",
            "thinking": "Hm.",
            "tool_calls": [{"id": "a", "function": {"name": "weather", "arguments": {"city": "Rome"}}}],
        },
        {"role": "tool", "content": "20 C", "tool_call_id": "a", "tool_name": "weather", "images": ["cG5n"]},
    ]


def test_parts_of_other_providers_are_dropped_with_a_warning() -> None:
    asked = prompt(AIMessage([Text("a"), ProviderPart("openai", "web_search_call", {})], "assistant"), AIMessage("b"))
    assert json.loads(DRIVER.build_request(asked).body or b"")["messages"][0]["content"] == "a"
    assert asked.warnings


@pytest.mark.parametrize(
    "part",
    [
        Audio.from_bytes(b"x", "audio/wav"),
        Document.from_bytes(b"%PDF", "application/pdf"),
        Document.from_url("https://host/x.txt"),
        Image.from_url("https://host/x.png"),
    ],
)
def test_parts_that_the_api_lacks_raise_before_the_request(part: Any) -> None:
    with pytest.raises(UnsupportedFeatureError):
        render(AIMessage([part]))


def test_generate_continues_one_text() -> None:
    request = DRIVER.build_request(
        prompt(
            AIMessage.system("Code."),
            AIMessage("def add("),
            options={"suffix": "return c", "context": [1], "num_ctx": 9},
        )
    )
    assert request.url.endswith("/api/generate")
    assert json.loads(request.body or b"") == {
        "model": "llama3.2",
        "stream": False,
        "prompt": "def add(",
        "system": "Code.",
        "suffix": "return c",
        "context": [1],
        "options": {"num_ctx": 9},
    }
    with pytest.raises(UnsupportedFeatureError):
        render(AIMessage("a"), AIMessage.assistant("b"), AIMessage("c"), options={"generate": True})
    with pytest.raises(UnsupportedFeatureError):
        render(AIMessage("a"), tools=[WEATHER], options={"generate": True})


# Answers.


@pytest.mark.parametrize(("raw", "word"), [("stop", "stop"), ("length", "length"), ("load", "other"), (None, "other")])
def test_finish_reasons(raw: str | None, word: str) -> None:
    whole = answer(message={"content": "Hi"}, done_reason=raw)
    assert (whole.finish_reason, whole.raw_finish_reason) == (word, raw)
    assert streamed(said("Hi"), said() | LAST | {"done_reason": raw}).finish_reason == word


def test_calls_come_whole_with_ids_of_our_own_when_they_have_none() -> None:
    calls: list[dict[str, Any]] = [
        {"function": {"name": "weather", "arguments": {"city": city}}} for city in ("Rome", "Oslo")
    ]
    calls.append({"id": "given", "function": {"name": "now"}})
    whole = answer(message={"content": "", "tool_calls": calls})
    parts = streamed(said("", tool_calls=calls[:1]), said("", tool_calls=calls[1:]), said() | LAST)
    for got in (whole, parts):
        assert [call.arguments for call in got.tool_calls] == [{"city": "Rome"}, {"city": "Oslo"}, {}]
        assert len({call.id for call in got.tool_calls}) == 3
        assert got.tool_calls[2].id == "given"
        assert (got.finish_reason, got.raw_finish_reason) == ("tool_calls", "stop")
    assert whole.tool_calls == parts.tool_calls


def test_thinking_goes_back_to_ollama() -> None:
    for got in (
        answer(message={"content": "4", "thinking": "2+2"}),
        streamed(said(thinking="2+"), said(thinking="2"), said("4"), said() | LAST),
    ):
        assert (got.reasoning, got.content) == ("2+2", "4")
        assert render(AIMessage("?"), got.to_message(), AIMessage("!"))["messages"][1]["thinking"] == "2+2"


def test_usage_has_counts_and_keeps_durations() -> None:
    for got in (answer(message={"content": "4"}), streamed(said("4"), said() | LAST)):
        assert got.usage is not None
        assert (got.usage.input_tokens, got.usage.output_tokens, got.usage.total_tokens) == (7, 3, 10)
        assert got.usage.raw == {"prompt_eval_count": 7, "eval_count": 3, "total_duration": 99}
    assert answer(message={}, prompt_eval_count=None, eval_count=None).usage is None


def test_generate_is_read_and_its_context_kept() -> None:
    for got in (
        answer(response="Hi", context=[1, 2]),
        streamed(line(response="H"), line(response="i"), line(response="", context=[1, 2]) | LAST),
    ):
        assert got.content == "Hi"
        assert got.provider_data == {"ollama": {"context": [1, 2]}}


def test_logprobs_are_collected() -> None:
    entry = {"token": "Hi", "logprob": -0.1}
    for got in (
        answer(message={"content": "Hi"}, logprobs=[entry]),
        streamed(said("Hi") | {"logprobs": [entry]}, said() | LAST),
    ):
        assert got.logprobs == {"content": [entry]}


def test_an_empty_answer_is_an_answer() -> None:
    assert answer(message={"role": "assistant", "content": ""}).parts == []
    assert streamed(said() | LAST).parts == []


# What goes wrong.


@pytest.mark.parametrize(
    "body",
    [
        lines(said("Hel"), {"error": "model runner has unexpectedly stopped"}),
        lines(said("Hel")) + b'"overloaded"\n',
        lines(said("Hel")) + b"{oops\n",
        lines(said("Hel")) + b'{"message": [1]}\n',
        lines({"status": "success"}),
        b'{"error": "model is required"}',
        b"<html><title>Bad gateway</title></html>",
    ],
)
def test_a_stream_with_an_error_in_it_fails(body: bytes) -> None:
    for pieces in ([body], [body[:4], body[4:]]):
        assert isinstance(read_stream(DRIVER, pieces), AIError)


@pytest.mark.parametrize("body", [{"error": "no"}, {"done": True}, {"message": "x"}])
def test_a_success_without_an_answer_is_none(body: dict[str, Any]) -> None:
    with pytest.raises(AIError):
        DRIVER.parse_response(Reply(status=200, body=json.dumps(body).encode()), prompt())


def test_a_cut_stream_is_never_complete_nor_malformed() -> None:
    body = lines(said("Hello"), said() | LAST)
    for length in range(len(body) - 1):
        decoder = DRIVER.decoder(prompt(stream=True))
        decoder.feed(body[:length])
        decoder.finish()
        assert not decoder.complete
        assert decoder.failure is None
    decoder = DRIVER.decoder(prompt(stream=True))
    decoder.feed(body[:-1])
    assert not decoder.complete
    decoder.finish()
    assert decoder.complete


WHOLE = {
    "model": "m",
    "created_at": MOMENT,
    "message": {
        "role": "assistant",
        "content": "Hi",
        "thinking": "Hm",
        "tool_calls": [{"id": "a", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}],
    },
    "logprobs": [{"token": "Hi"}],
    **LAST,
}
STREAM = [
    said("", thinking="Hm"),
    said("Hi") | {"logprobs": [{"token": "Hi"}]},
    said("", tool_calls=WHOLE["message"]["tool_calls"]),  # type: ignore[index]
    said() | LAST,
]


@settings(max_examples=150)
@given(mutated(WHOLE, {"model": "m", "response": "Hi", "context": [1], **LAST}))
def test_odd_replies_make_answers_or_errors(body: Any) -> None:
    try:
        got = DRIVER.parse_response(Reply(status=200, body=json.dumps(body).encode()), prompt())
    except AIError:
        return
    assert isinstance(got.content, str)


@settings(max_examples=150)
@given(mutated(STREAM), st.integers(0, 3))
def test_odd_streams_make_answers_or_errors(payloads: Any, seed: int) -> None:
    decoder = DRIVER.decoder(prompt(stream=True))
    for piece in at_random(seed)(lines(*(payloads if isinstance(payloads, list) else [payloads]))):
        decoder.feed(piece)
    decoder.finish()
    assert decoder.failure is None or isinstance(decoder.failure, AIError)
    assert isinstance(decoder.build(), AIResponse)


# Over a connection.


def driver_at(server: Server, **settings: Any) -> OllamaDriver:
    return OllamaDriver({"base_url": server.url, "retry_delay": 0.001, **settings})


def test_no_key_is_needed_and_a_given_one_is_sent() -> None:
    assert "authorization" not in DRIVER.headers()
    assert OllamaDriver({"api_key": "cloud-0123456789"}).headers()["authorization"] == "Bearer cloud-0123456789"


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_texts_are_embedded(colour: Colour) -> None:
    body = {"model": "nomic", "embeddings": [[0.5, 1], [0, 0.25]], "prompt_eval_count": 4}
    with Server(*one_by_one(json_reply(body))) as server:
        got = ask(colour, driver_at(server), "embed", ["a", "b"], model="nomic", num_ctx=99, keep_alive="5m")
    assert sent_json(server.requests[0]) == {
        "model": "nomic",
        "input": ["a", "b"],
        "keep_alive": "5m",
        "options": {"num_ctx": 99},
    }
    assert got.embeddings == [[0.5, 1.0], [0.0, 0.25]]
    assert got.usage.input_tokens == 4


def test_odd_vectors_are_refused() -> None:
    request = EmbeddingRequest(model="m", input=["a"])
    for odd in ([["x"]], [[]], [], None, [[True]]):
        with pytest.raises(InvalidResponseError):
            hook(DRIVER, "parse_embeddings")(Reply(status=200, body=json.dumps({"embeddings": odd}).encode()), request)
    with pytest.raises(UnsupportedFeatureError):
        hook(DRIVER, "build_embeddings")(EmbeddingRequest(model="m", input=[[1, 2]]))


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_models_are_listed_and_described(colour: Colour) -> None:
    tags = {
        "models": [{"name": "llama3.2:latest", "model": "llama3.2:latest", "modified_at": MOMENT, "size": 2019393189}]
    }
    details: dict[str, Any] = {
        "capabilities": ["completion", "tools", "vision"],
        "model_info": {
            "general.architecture": "llama",
            "general.basename": "Llama-3.2",
            "llama.context_length": 131072,
        },
        "modified_at": "2025-08-14T15:49:43.634137516-07:00",
    }
    with Server(*one_by_one(json_reply(tags), json_reply(details))) as server:
        driver = driver_at(server)
        [listed] = ask(colour, driver, "get_available_models")
        model = ask(colour, driver, "get_model", "llama3.2:latest")
    assert listed.id == "llama3.2:latest"
    assert listed.created is not None
    assert sent_json(server.requests[1]) == {"model": "llama3.2:latest"}
    assert (model.context_length, model.type, model.name) == (131072, "chat", "Llama-3.2")
    assert (model.supports_vision, model.supports_function_calling, model.supports_reasoning) == (True, True, False)


def test_a_model_that_is_not_there_is_not_found() -> None:
    with (
        Server(*one_by_one(json_reply({"error": "model 'x' not found"}, 404))) as server,
        pytest.raises(ModelNotFoundError),
    ):
        ask("blocking", driver_at(server), "get_model", "x")


def progress(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


HEAD = reply(headers={"content-type": "application/x-ndjson", "transfer-encoding": "chunked"}, length=False)


def test_a_pull_can_be_followed_by_async_callers() -> None:
    body = chunked(progress(status="pulling a", digest="a", total=8, completed=2), progress(status="success"))

    async def pull(server: Server) -> list[float | None]:
        provider = driver_at(server).asynchronous()
        steps = [step.fraction async for step in provider.pull_model("m", insecure=True)]
        await provider.aclose()
        return steps

    with Server([READ, HEAD, body]) as server:
        assert asyncio.run(pull(server)) == [0.25, None]
    assert sent_json(server.requests[0]) == {"model": "m", "stream": True, "insecure": True}


def test_a_pull_that_fails_says_why() -> None:
    failure = progress(error="pull model manifest: file does not exist")
    with Server([READ, HEAD, chunked(progress(status="pulling manifest"), failure)]) as server:
        steps: list[str] = []
        with pytest.raises(StreamInterruptedError, match="file does not exist"):
            steps.extend(step.status for step in driver_at(server).pull_model("m"))
    assert steps == ["pulling manifest"]


def test_a_pull_that_breaks_off_is_no_success() -> None:
    with (
        Server([READ, HEAD, chunked(progress(status="pulling manifest"))]) as server,
        pytest.raises(StreamInterruptedError),
    ):
        list(driver_at(server).pull_model("m"))


def test_a_pull_takes_the_limits_of_a_call_only() -> None:
    with pytest.raises(UnknownOptionError):
        next(DRIVER.pull_model("m", colour="red"))
    with pytest.raises(UnsupportedFeatureError):
        DRIVER.send_message("m", model="m", pull=True)


@pytest.mark.parametrize(
    ("given_host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        (":1234", "http://127.0.0.1:1234"),
        ("box", "http://box:11434"),
        ("box:80", "http://box"),
        ("http://box", "http://box"),
        ("https://box/ollama/", "https://box/ollama"),
        ("https://box:11434", "https://box:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::]:1234", "http://[::1]:1234"),
        ('"box"', "http://box:11434"),
    ],
)
def test_the_host_is_read_as_ollama_reads_it(given_host: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_host(given_host) == url
    monkeypatch.setenv("OLLAMA_HOST", given_host)
    assert OllamaDriver().config.base_url == url
    assert OllamaDriver({"base_url": "http://other:1/x"}).config.base_url == "http://other:1/x"


@pytest.mark.parametrize("host", ["ftp://box", "a b", "box:99999", "box:x", "http://user:pass@box"])
def test_a_host_that_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError):
        OllamaDriver({"host": host})
