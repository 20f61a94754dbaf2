"""What is sent over the Responses wire, and when it is taken instead of Chat Completions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.hooks import hook
from tests.wires.replay import records
from tests.wires.responses_reader import read_prompt
from tests.wires.specs import validate_request
from tests.wires.test_responses import call, event, message, response, text_events

from polydriver.data.http import Reply
from polydriver.data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from polydriver.data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from polydriver.driver import Driver
from polydriver.drivers.openai import OpenAIDriver
from polydriver.drivers.traits import (
    CalculatesCosts,
    ErrorTable,
    HandlesApiCommunication,
    HandlesErrors,
    ValidatesHealth,
)
from polydriver.errors import ConfigurationError, UnsupportedFeatureError
from polydriver.operations.requests import ItemRequest
from polydriver.wires.responses import Responses

KEY = "sk-test-0123456789"
DRIVER = OpenAIDriver({"api_key": KEY, "api": "responses"})
AUTO = OpenAIDriver({"api_key": KEY})


def prompt(*messages: AIMessage, model: str = "gpt-5", **fields: Any) -> Prompt:
    return Prompt(messages=list(messages) or [AIMessage("Hi")], model=model, **fields)


def render(wanted: Prompt, *, valid: bool = True) -> dict[str, Any]:
    body = json.loads(DRIVER.build_request(wanted).body or b"")
    if valid:
        validate_request("openai/openapi.yaml", "CreateResponse", body)
    return body  # type: ignore[no-any-return]


def items(*messages: AIMessage, valid: bool = True) -> list[Any]:
    return render(prompt(*messages), valid=valid)["input"]  # type: ignore[no-any-return]


# Input


def test_the_systems_first_words_are_the_instructions() -> None:
    body = render(
        prompt(
            AIMessage.system("One."),
            AIMessage([Text("Two.")], "developer"),
            AIMessage("Hi"),
            AIMessage.assistant("Hello"),
            AIMessage.system("Three."),
        )
    )
    assert body["instructions"] == "One.\n\nTwo."
    assert body["input"] == [
        {"role": "user", "content": "Hi"},
        {"type": "message", "role": "assistant", "content": "Hello"},
        {"role": "system", "content": "Three."},
    ]


def test_a_prompt_of_nothing_but_the_system_has_an_input() -> None:
    body = render(prompt(AIMessage.system("Go.")))
    assert "instructions" not in body
    assert body["input"] == [{"role": "system", "content": "Go."}]
    body = render(prompt(AIMessage.system("Go."), options={"previous_response_id": "resp_1"}))
    assert (body["instructions"], body["input"]) == ("Go.", [])


def test_images_and_documents() -> None:
    parts: list[Part | str] = [
        "Look:",
        Image.from_url("https://a.example/x.png", detail="low"),
        Image.from_bytes(b"1", "image/jpeg"),
        Image.from_id("file-1"),
        Document.from_bytes(b"%PDF", "application/pdf", name="a.pdf"),
        Document.from_bytes(b"text", "text/plain"),
        Document.from_url("https://a.example/x.pdf"),
        Document.from_id("file-2"),
    ]
    (sent,) = items(AIMessage.user(parts))
    assert sent["content"] == [
        {"type": "input_text", "text": "Look:"},
        {"type": "input_image", "detail": "low", "image_url": "https://a.example/x.png"},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/jpeg;base64,MQ=="},
        {"type": "input_image", "detail": "auto", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
        {"type": "input_file", "filename": "document.txt", "file_data": "data:text/plain;base64,dGV4dA=="},
        {"type": "input_file", "file_url": "https://a.example/x.pdf"},
        {"type": "input_file", "file_id": "file-2"},
    ]


def test_audio_and_video() -> None:
    (sent,) = items(AIMessage.user([Audio.from_bytes(b"1", "audio/mpeg")]), valid=False)
    assert sent["content"] == [{"type": "input_audio", "input_audio": {"data": "MQ==", "format": "mp3"}}]
    for part in (Audio.from_url("https://a.example/x.wav"), Video.from_bytes(b"1", "video/mp4")):
        with pytest.raises(UnsupportedFeatureError):
            items(AIMessage.user([part]))


def test_calls_and_their_results() -> None:
    picture = Image.from_bytes(b"1", "image/png")
    sent = items(
        AIMessage("Add."),
        AIMessage.assistant("Well:", [ToolCall("call_1", "add", {"a": 1}), ToolCall("toolu_2", "cut", None, '{"a')]),
        AIMessage([ToolResult("call_1", "2"), ToolResult("toolu_2", [Text("Look:"), picture])], "tool"),
    )
    assert sent[1:] == [
        {"type": "message", "role": "assistant", "content": "Well:"},
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"type": "function_call", "call_id": "toolu_2", "name": "cut", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "2"},
        {
            "type": "function_call_output",
            "call_id": "toolu_2",
            "output": [
                {"type": "input_text", "text": "Look:"},
                {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,MQ=="},
            ],
        },
    ]


def test_ids_of_calls_that_are_too_long_are_shortened_alike() -> None:
    for long in ("x" * 65, ""):
        _, made, result = items(
            AIMessage("Add."), AIMessage.assistant("", [ToolCall(long, "add")]), AIMessage.tool(long, "2")
        )
        assert made["call_id"] == result["call_id"]
        assert 0 < len(made["call_id"]) <= 64


def test_what_has_no_place_is_left_out_with_a_warning() -> None:
    wanted = prompt(
        AIMessage("Hi", name="ann"),
        AIMessage(
            [
                Reasoning("Foreign.", {"anthropic": {"signature": "x"}}),
                ProviderPart("anthropic", "server_tool_use", {}),
                Image.from_bytes(b"1", "image/png"),
                Refusal("No."),
            ],
            "assistant",
        ),
        AIMessage.tool("call_1", [Audio.from_bytes(b"1", "audio/wav"), Text("Listen.")]),
    )
    sent = render(wanted)["input"]
    assert sent[1] == {"type": "message", "role": "assistant", "content": "No."}
    assert sent[2]["output"] == [{"type": "input_text", "text": "Listen."}]
    assert len(wanted.warnings) == 4


def test_outputs_of_client_side_tools_are_items() -> None:
    screen = {"type": "computer_screenshot", "image_url": "data:image/png;base64,MQ=="}
    item = {"type": "computer_call_output", "call_id": "call_1", "output": screen}
    assert items(AIMessage.user([ProviderPart("openai", "computer_call_output", item), "Go on."])) == [
        item,
        {"role": "user", "content": [{"type": "input_text", "text": "Go on."}]},
    ]


# What came back goes in again


def turn(*output: Any, stored: bool) -> list[Any]:
    reply = Reply(status=200, body=json.dumps(response(*output, store=stored)).encode())
    answer = DRIVER.parse_response(reply, prompt())
    return items(AIMessage("Hi"), answer.to_message(), *(AIMessage.tool(made.id, "2") for made in answer.tool_calls))[
        1:
    ]


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}


def test_an_answer_that_was_not_stored_goes_back_without_ids() -> None:
    assert turn(REASONING, message("Hi", phase="commentary"), call('{"a":1}'), stored=False) == [
        REASONING,
        {"type": "message", "role": "assistant", "content": "Hi", "phase": "commentary"},
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "2"},
    ]


def test_an_answer_that_was_stored_goes_back_with_its_ids() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    content = [
        {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "No."},
    ]
    said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    assert turn(reasoning, said, {**said, "id": "msg_2"}, call("{}", namespace="math"), stored=True) == [
        reasoning,
        said,
        {**said, "id": "msg_2"},
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "add",
            "arguments": "{}",
            "id": "fc_1",
            "namespace": "math",
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "2"},
    ]


def test_custom_calls_and_built_in_tools_go_back_as_they_came() -> None:
    custom = {"type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": "SELECT 1"}
    image = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk="}
    assert turn(custom, image, stored=False) == [
        custom,
        image,
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "2"},
    ]


def test_nothing_of_a_responses_call_reaches_chat_completions() -> None:
    reply = Reply(status=200, body=json.dumps(response(REASONING, message("Hi"), call("{}"))).encode())
    answer = DRIVER.parse_response(reply, prompt())
    body = hook(AUTO, "render_prompt")(prompt(AIMessage("Hi"), answer.to_message(), model="gpt-4o"))
    assert body["messages"][1] == {
        "role": "assistant",
        "content": "Hi",
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
    }


# Options


def test_options_have_their_names() -> None:
    body = render(
        prompt(
            temperature=0,
            top_p=0,
            max_tokens=100,
            top_logprobs=2,
            reasoning_effort="low",
            store=False,
            user="u",
            service_tier="flex",
            prompt_cache_key="k",
            response_format=OutputFormat(name="out", schema={"type": "object"}, strict=True, description="d"),
            options={
                "reasoning_summary": "auto",
                "verbosity": "low",
                "truncation": "auto",
                "max_tool_calls": 3,
                "background": False,
                "include": ["file_search_call.results"],
                "prompt_cache_retention": "24h",
                "safety_identifier": "s",
            },
            extra={"metadata": {"a": "b"}},
            stream=True,
        )
    )
    form = {"type": "json_schema", "name": "out", "schema": {"type": "object"}, "description": "d", "strict": False}
    assert body == {
        "model": "gpt-5",
        "input": [{"role": "user", "content": "Hi"}],
        "temperature": 0,
        "top_p": 0,
        "max_output_tokens": 100,
        "top_logprobs": 2,
        "store": False,
        "user": "u",
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": form, "verbosity": "low"},
        "truncation": "auto",
        "max_tool_calls": 3,
        "background": False,
        "prompt_cache_retention": "24h",
        "safety_identifier": "s",
        "include": ["file_search_call.results", "message.output_text.logprobs", "reasoning.encrypted_content"],
        "stream": True,
        "metadata": {"a": "b"},
    }


@pytest.mark.parametrize(
    ("model", "effort", "included"),
    [
        ("gpt-5", None, True),
        ("o3", None, True),
        ("gpt-4o", "low", False),
        ("nobody-knows-it", None, False),
        ("nobody-knows-it", "none", False),
        ("nobody-knows-it", "low", True),
    ],
)
def test_encrypted_reasoning_is_asked_for_from_models_that_reason(model: str, effort: str, included: bool) -> None:
    assert ("include" in render(prompt(model=model, reasoning_effort=effort))) == included


def test_options_that_the_wire_lacks_are_left_out_with_a_warning() -> None:
    lacking: dict[str, Any] = {"top_k": 0, "stop": ["x"], "seed": 0, "n": 2, "logit_bias": {}, "reasoning_budget": 0}
    wanted = prompt(**lacking, presence_penalty=0, frequency_penalty=0, modalities=["text"], audio={})
    assert render(wanted).keys() == {"model", "input", "include"}
    assert len(wanted.warnings) == len(lacking) + 4


TOOLS: list[ToolSpec | ProviderTool] = [
    ToolSpec(name="add", description="Adds.", parameters={"type": "object", "properties": {}}, strict=True),
    ToolSpec(name="sub"),
    ProviderTool(data={"type": "web_search"}),
    ProviderTool(data={"type": "code_interpreter", "container": {"type": "auto"}}),
    ProviderTool(data={"type": "mcp", "server_label": "wiki", "server_url": "https://a.example"}),
    ProviderTool(data={"type": "custom", "name": "sql"}),
]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("add", {"type": "function", "name": "add"}),
        ("never_offered", {"type": "function", "name": "never_offered"}),
        ("code_interpreter", {"type": "code_interpreter"}),
        ("wiki", {"type": "mcp", "server_label": "wiki"}),
        ("sql", {"type": "custom", "name": "sql"}),
        ("web_search", {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}),
    ],
)
def test_the_choice_of_a_tool(choice: str, sent: Any) -> None:
    body = render(prompt(tools=TOOLS, tool_choice=choice, parallel_tool_calls=False))
    assert body["tool_choice"] == sent
    assert body["parallel_tool_calls"] is False
    assert body["tools"][:2] == [
        {
            "type": "function",
            "name": "add",
            "description": "Adds.",
            "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
            "strict": True,
        },
        {"type": "function", "name": "sub", "parameters": {"type": "object", "properties": {}}, "strict": False},
    ]


def test_allowed_tools() -> None:
    wanted = prompt(tools=TOOLS, tool_choice="required", options={"allowed_tools": ["add", "wiki", "web_search"]})
    assert render(wanted)["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [
            {"type": "function", "name": "add"},
            {"type": "mcp", "server_label": "wiki"},
            {"type": "web_search"},
        ],
    }


def test_stored_responses() -> None:
    wanted = ItemRequest(id="resp_1/x")
    found, stopped = hook(DRIVER, "build_stored_response")(wanted), hook(DRIVER, "build_response_cancellation")(wanted)
    assert (found.method, found.url) == ("GET", "https://api.openai.com/v1/responses/resp_1%2Fx")
    assert (stopped.method, stopped.url) == ("POST", "https://api.openai.com/v1/responses/resp_1%2Fx/cancel")
    for status, reason in (("completed", "stop"), ("in_progress", None), ("cancelled", "other")):
        reply = Reply(status=200, body=json.dumps(response(message("Hi"), status=status)).encode())
        for parse in (hook(DRIVER, "parse_stored_response"), hook(DRIVER, "parse_response_cancellation")):
            answer = parse(reply, wanted)
            assert (answer.content, answer.finish_reason) == ("Hi", reason)


def test_the_recorded_requests_of_others_are_rendered_and_valid(wire_dir: Path) -> None:
    read = 0
    for record in records(wire_dir, "openai-responses"):
        body = (record["request"] or {}).get("body")
        if not isinstance(body, dict):
            continue
        rendered = render(read_prompt(body), valid=not _is_beyond_the_description(body))
        read += 1
        assert (rendered["model"], rendered.get("stream", False)) == (body["model"], body.get("stream") is True)
        said = [body["instructions"]] if body.get("instructions") else []
        given = body["input"] if isinstance(body["input"], list) else [{"role": "user"}]
        while given[0].get("role") in ("system", "developer") and isinstance(given[0].get("content"), str):
            said.append(given[0]["content"])
            given = given[1:]
        assert rendered.get("instructions", "") == "\n\n".join(said)
        asked = rendered["input"][0].get("role") == "developer" and "JSON" in rendered["input"][0]["content"]
        assert len(rendered["input"]) == len(given) + asked
        assert [tool["type"] for tool in rendered.get("tools", [])] == [t["type"] for t in body.get("tools") or []]
    assert read > 50


def _is_beyond_the_description(body: dict[str, Any]) -> bool:
    """Whether a request is not valid as it was recorded: made to be refused, or with items of another server."""
    try:
        validate_request("openai/openapi.yaml", "CreateResponse", body)
    except AssertionError:
        return True
    return False


# Which wire


def path(driver: OpenAIDriver, wanted: Prompt) -> str:
    return driver.build_request(wanted).url.removeprefix("https://api.openai.com/v1/")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5", "responses"),
        ("gpt-5-mini-2025-08-07", "responses"),
        ("o3", "responses"),
        ("o4-mini-2025-04-16", "responses"),
        ("o3-pro", "responses"),
        ("gpt-4o", "chat/completions"),
        ("gpt-4.1", "chat/completions"),
        ("nobody-knows-it", "chat/completions"),
    ],
)
def test_models_that_reason_take_responses(model: str, expected: str) -> None:
    assert path(AUTO, prompt(model=model)) == expected
    assert path(AUTO, prompt(model=model, options={"api": "chat"})) == "chat/completions"
    assert path(AUTO, prompt(model=model, options={"api": "responses"})) == "responses"
    assert path(DRIVER, prompt(model=model)) == "responses"
    assert path(DRIVER, prompt(model=model, options={"api": "auto"})) == path(AUTO, prompt(model=model))
    chat = OpenAIDriver({"api_key": KEY, "api": "chat"})
    assert path(chat, prompt(model=model)) == "chat/completions"


def test_what_only_one_api_can_do_decides() -> None:
    for fields in ({"options": {"previous_response_id": "resp_1"}}, {"tools": [ProviderTool(data={"type": "shell"})]}):
        assert path(AUTO, prompt(model="gpt-4o", **fields)) == "responses"
    for kind in ("custom", "function"):
        nested, flat = {"type": kind, kind: {"name": "f"}}, {"type": kind, "name": "f"}
        assert path(AUTO, prompt(tools=[ProviderTool(data=nested)])) == "chat/completions"
        assert path(AUTO, prompt(model="gpt-4o", tools=[ProviderTool(data=flat)])) == "responses"
    sound = AIMessage.user([Audio.from_bytes(b"1", "audio/wav")])
    assert path(AUTO, prompt(sound)) == path(AUTO, prompt(n=2)) == "chat/completions"


def test_an_api_that_does_not_exist() -> None:
    with pytest.raises(ConfigurationError, match="'chat', 'responses' or 'auto'"):
        AUTO.build_request(prompt(options={"api": "completions"}))


def test_options_go_to_the_api_that_knows_them() -> None:
    wanted = prompt(options={"api": "chat", "verbosity": "low", "truncation": "auto", "safety_identifier": "s"})
    body = json.loads(AUTO.build_request(wanted).body or b"")
    assert (body["verbosity"], body["safety_identifier"]) == ("low", "s")
    assert not {"api", "truncation"} & body.keys()
    assert wanted.warnings == ["openai does not support truncation on the Chat Completions API; it was left out."]
    wanted = prompt(options={"api": "responses", "prediction": {}, "of_a_subclass": 1})
    body = json.loads(AUTO.build_request(wanted).body or b"")
    assert body["of_a_subclass"] == 1
    assert "prediction" not in body
    assert len(wanted.warnings) == 1


class OpenResponsesDriver(HandlesApiCommunication, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """A service that speaks nothing but the Responses API."""

    name = "open_responses"
    base_url = "https://a.example/v1"
    wire = Responses(encrypted_reasoning=False)
    errors = ErrorTable(branch="OpenResponses")


def test_a_service_that_speaks_nothing_else() -> None:
    driver = OpenResponsesDriver({"api_key": KEY})
    request = driver.build_request(prompt(reasoning_effort="low"))
    assert request.url == "https://a.example/v1/responses"
    assert "include" not in json.loads(request.body or b"")
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm"}],
    }
    reply = Reply(status=200, body=json.dumps(response(reasoning, message("Hi"), store=False)).encode())
    answer = driver.parse_response(reply, prompt())
    assert answer.reasoning == "Hm"
    assert hook(driver, "render_prompt")(prompt(answer.to_message()))["input"][0] == reasoning
    foreign = prompt(answer.to_message())
    assert json.loads(DRIVER.build_request(foreign).body or b"")["input"] == [
        {"type": "message", "role": "assistant", "content": "Hi"}
    ]


class Server(BaseHTTPRequestHandler):
    """Answers as the Responses API, and nothing else."""

    seen: ClassVar[list[str]] = []
    bodies: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append(self.path)
        self.bodies.append(body)
        if body.get("stream"):
            data = b"".join([*text_events("Hi"), event("response.completed", response=response(message("Hi")))])
        else:
            data = json.dumps(response(message("Hi"))).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        Server.seen.clear()
        yield f"http://127.0.0.1:{running.server_port}/v1"
        running.shutdown()


def test_calls_over_the_engine(server: str) -> None:
    driver = OpenAIDriver({"api_key": KEY, "base_url": server})
    answer = driver.send_message("Hi", model="gpt-5", verbosity="low", api="responses")
    assert (answer.content, answer.id, answer.finish_reason) == ("Hi", "resp_1", "stop")
    assert answer.cost is not None
    with driver.send_streaming_message("Hi", model="gpt-5", api="responses") as stream:
        assert "".join(chunk.content for chunk in stream) == "Hi"
    assert stream.response.usage == answer.usage
    assert Server.seen == ["/v1/responses"] * 2
    driver.close()


def test_results_of_calls_that_the_provider_keeps(server: str) -> None:
    driver = OpenAIDriver({"api_key": KEY, "base_url": server})
    driver.send_messages([AIMessage.tool("call_1", "2")], model="gpt-5", previous_response_id="resp_1")
    assert Server.bodies[-1]["input"] == [{"type": "function_call_output", "call_id": "call_1", "output": "2"}]
    driver.close()
