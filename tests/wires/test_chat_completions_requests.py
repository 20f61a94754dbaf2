"""Requests of Chat Completions: valid by OpenAI's description, also those of recorded conversations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.wires.chat_reader import read_prompt
from tests.wires.replay import records
from tests.wires.specs import validate_request
from tests.wires.test_chat_completions import NO_ROW, driver_for

from polydriver.data.json import decode_json
from polydriver.data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
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
from polydriver.drivers import driver_class
from polydriver.drivers.compatible import openai_compatible
from polydriver.errors import UnsupportedFeatureError

OPENAI: Driver = driver_class("openai")({"api_key": "sk-0123456789abcdef", "api": "chat"})
ACME: Driver = openai_compatible("acme", "https://llm.acme.example/v1")({"api_key": "0123456789abcdef"})
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolSpec(name="weather", description="The weather", parameters=SCHEMA, strict=True)
CALL = ToolCall("call_1", "weather", {"city": "Paris"})
PIXELS = Image.from_bytes(b"\x89PNG", "image/png", detail="low")


def render(prompt: Prompt, driver: Driver = OPENAI) -> dict[str, Any]:
    body = decode_json(driver.build_request(prompt).body or b"")
    assert isinstance(body, dict)
    return body


FOREIGN = Reasoning("Hm", provider_data={"anthropic": {"signature": "x"}})
CODE = ProviderPart("gemini", "executable_code", {})
CONVERSATIONS = [
    [AIMessage("Hi")],
    [AIMessage.system("Be brief"), AIMessage("Be briefer", "developer"), AIMessage("Hi", name="ann")],
    [AIMessage.user(["Look", PIXELS, Image.from_url("https://a.example/x.png")])],
    [AIMessage.user([Audio.from_bytes(b"RIFF", "audio/wav"), Document.from_bytes(b"%PDF", "application/pdf")])],
    [AIMessage.user([Document.from_bytes(b"a,b", "text/csv", name="t.csv"), Document.from_id("file-1")])],
    [AIMessage("Hi"), AIMessage.assistant("It is", [CALL]), AIMessage.tool("call_1", "sunny"), AIMessage("So?")],
    [AIMessage("Hi"), AIMessage.assistant("", [CALL, ToolCall("call_2", "weather", None, '{"ci')]),
     AIMessage([ToolResult("call_1", [Text("see"), PIXELS]), ToolResult("call_2", "no", is_error=True)], "tool")],
    [AIMessage("Hi"), AIMessage([FOREIGN, Text("Hi")], "assistant")],
    [AIMessage("Hi"), AIMessage([Refusal("I can't")], "assistant"), AIMessage("Why?")],
    [AIMessage("Hi"), AIMessage([CODE, Text("4")], "assistant"), AIMessage("So?")],
    [AIMessage("Hi"), AIMessage([Text("a"), Text("b"), PIXELS], "assistant"), AIMessage([], "user")],
]  # fmt: skip


@pytest.mark.parametrize("messages", CONVERSATIONS)
@pytest.mark.parametrize("stream", [False, True])
def test_conversations_are_valid(messages: list[AIMessage], stream: bool) -> None:
    body = render(Prompt(messages=messages, model="gpt-4o", stream=stream, tools=[WEATHER]))
    validate_request("openai/openapi.yaml", "CreateChatCompletionRequest", body)


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0, "top_p": 0.0, "seed": 0, "n": 2, "presence_penalty": 0.0, "frequency_penalty": 0.0},
        {"max_tokens": 5, "stop": ["a"], "logprobs": False, "logit_bias": {"50256": -100}},
        {"tools": [WEATHER], "tool_choice": "weather", "parallel_tool_calls": False},
        {"tools": [WEATHER], "tool_choice": "required"},
        {"response_format": OutputFormat(name="city", schema=SCHEMA, strict=True, description="A city")},
        {"response_format": OutputFormat()},
        {"reasoning_effort": "low", "user": "u", "service_tier": "auto", "prompt_cache_key": "k", "store": False},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        {"options": {"verbosity": "low"}, "extra": {"metadata": {"a": "b"}}},
    ],
)
def test_options_are_valid(options: dict[str, Any]) -> None:
    prompt = Prompt(messages=[AIMessage("Hi")], model="gpt-5", **options)
    body = render(prompt)
    validate_request("openai/openapi.yaml", "CreateChatCompletionRequest", body)
    assert prompt.warnings == []
    for name in options.keys() - {"max_tokens", "tools", "tool_choice", "response_format", "options", "extra"}:
        assert body[name] == options[name]


def test_what_cannot_be_said_raises_or_warns() -> None:
    for part in (Video.from_url("https://a.example/x.mp4"), Audio.from_url("https://a.example/x.wav")):
        with pytest.raises(UnsupportedFeatureError):
            render(Prompt(messages=[AIMessage.user([part])], model="m"), ACME)
    prompt = Prompt(messages=[AIMessage("Hi")], model="gpt-4o", top_k=5, reasoning_budget=5)
    body = render(prompt)
    assert not {"top_k", "reasoning_budget"} & set(body)
    assert len(prompt.warnings) == 2


def test_a_tool_of_the_provider_is_sent_as_it_is() -> None:
    data = {"type": "openrouter:web_search", "parameters": {"max_uses": 1}}
    openrouter = driver_class("openrouter")({"api_key": "0123456789abcdef"})
    assert render(Prompt(messages=[AIMessage("Hi")], model="m", tools=[ProviderTool(data=data)]), openrouter)[
        "tools"
    ] == [data]


def test_recorded_requests_are_rendered_again(wire_dir: Path) -> None:
    read = 0
    for record in records(wire_dir, "openai-chat"):
        request = record["request"]
        if not request or not request["body"] or record["response"]["status"] != 200:
            continue
        given = json.loads(request["body"]) if isinstance(request["body"], str) else request["body"]
        driver = driver_for(record["provider"])
        body = render(read_prompt(given, driver.origin), driver)
        again = render(read_prompt(body, driver.origin), driver) if record["provider"] not in ("mistral",) else body
        assert body == again, record["id"]
        if record["provider"] == "openai-chat":
            validate_request("openai/openapi.yaml", "CreateChatCompletionRequest", body)
        for name in ("temperature", "top_p", "seed", "stream", "parallel_tool_calls"):
            assert body.get(name) == given.get(name) or not given.get(name), (record["id"], name)
        read += 1
    assert read > 150, f"only {read}; {NO_ROW}"
