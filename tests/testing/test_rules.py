"""The judges: each rule has its facts and a request that breaks it; the ways to ask them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from polydriver import AI, AsyncAI
from polydriver.data.http import Request
from polydriver.drivers.mock import MockDriver
from polydriver.errors import InvalidRequestError
from polydriver.testing import MockServer
from polydriver.testing.rules import judge, judge_request, rules_for
from polydriver.testing.rules.facts import fact
from polydriver.testing.rules.judging import all_rules

HI = [{"role": "user", "content": "Hi"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
USE = {"type": "tool_use", "id": "a", "name": "weather", "input": {}}


def _strict(**schema: Any) -> dict[str, Any]:
    wanted = {"type": "object", "properties": {}, "required": [], "additionalProperties": False, **schema}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": wanted}}}


def _claude(**body: Any) -> dict[str, Any]:
    return {"max_tokens": 64, "messages": HI, **body}


BROKEN: list[tuple[str, str, str, dict[str, Any]]] = [
    ("openai gpt-4o", CHAT, "json.numbers", {"messages": HI, "temperature": float("nan")}),
    ("openai gpt-4o", CHAT, "chat.messages-empty", {"messages": []}),
    ("openai gpt-4o", CHAT, "chat.tools-empty", {"messages": HI, "tools": []}),
    ("openai gpt-4o", CHAT, "chat.body", {"messages": HI, "top_k": 3}),
    ("openai gpt-4o", CHAT, "chat.calls-answered", {"messages": [*HI, {"role": "assistant", "tool_calls": [CALL]}]}),
    ("openai gpt-4o", CHAT, "chat.results-called", {"messages": [{"role": "tool", "tool_call_id": "x", "content": ""}]}),
    ("openai gpt-4o", CHAT, "chat.tool-choice-without-tools", {"messages": HI, "tool_choice": "required"}),
    ("openai gpt-4o", CHAT, "chat.json-word", {"messages": HI, "response_format": {"type": "json_object"}}),
    ("openai gpt-4o", CHAT, "chat.no-effort", {"messages": HI, "reasoning_effort": "low"}),
    ("openai gpt-5", CHAT, "chat.sampling", {"messages": HI, "temperature": 0}),
    ("openai gpt-5.1", CHAT, "chat.effort", {"messages": HI, "reasoning_effort": "minimal"}),
    ("openai gpt-6-luna", CHAT, "chat.tools-while-reasoning", {"messages": HI, "tools": [TOOL]}),
    ("openai gpt-6-astra", CHAT, "chat.tools-while-reasoning", {"messages": HI, "tools": [TOOL], "reasoning_effort": "none"}),
    ("openai gpt-6-astra", RESPONSES, "responses.effort", {"input": "Hi", "reasoning": {"effort": "none"}}),
    ("xai grok-4.5", CHAT, "xai.effort", {"messages": HI, "reasoning_effort": "none"}),
    ("openai o3", CHAT, "chat.stop-refused", {"messages": HI, "stop": ["a"]}),
    ("openai gpt-4o", CHAT, "openai.strict.root-object", {"messages": HI, **_strict(type="array")}),
    ("openai gpt-4o", CHAT, "openai.strict.all-required", {"messages": HI, **_strict(properties={"a": {"type": "null"}})}),
    ("openai gpt-4o", CHAT, "openai.strict.additional-properties", {"messages": HI, **_strict(additionalProperties=True)}),
    ("openai gpt-5", RESPONSES, "responses.sampling", {"input": "Hi", "top_p": 0.5}),
    ("openai gpt-5-chat-latest", RESPONSES, "responses.encrypted", {"input": "Hi", "include": ["reasoning.encrypted_content"]}),
    ("openai gpt-4o", RESPONSES, "responses.result-called", {"input": [{"type": "function_call_output", "call_id": "a", "output": ""}]}),
    ("openai gpt-4o", RESPONSES, "openai.strict.all-required", {"input": "Hi", "text": {"format": {"type": "json_schema", "name": "a", "strict": True, "schema": {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": False}}}}),
    ("anthropic claude-opus-4-6", MESSAGES, "messages.prefill", _claude(messages=[*HI, {"role": "assistant", "content": "I"}])),
    ("anthropic claude-opus-5-5", MESSAGES, "messages.forced-tools", _claude(tools=[{"name": "a"}], tool_choice={"type": "any"})),
    ("anthropic claude-opus-5-5", MESSAGES, "messages.thinking", _claude(thinking={"type": "disabled"})),
    ("anthropic claude-sonnet-4-5", MESSAGES, "messages.sampling", _claude(temperature=1, top_p=1)),
    ("anthropic claude-haiku-4-5", MESSAGES, "messages.effort", _claude(output_config={"effort": "low"})),
    ("anthropic claude-haiku-4-5", MESSAGES, "messages.calls-answered", _claude(messages=[*HI, {"role": "assistant", "content": [USE]}, *HI])),
    ("anthropic claude-haiku-4-5", MESSAGES, "messages.structured-closed", _claude(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}})),
    ("gemini gemini-2.5-pro", "/v1beta/models/gemini-2.5-pro:generateContent", "gemini.body", {"contents": [], "top_p": 1}),
    ("gemini gemini-3.8-flash", "/v1beta/models/gemini-3.8-flash:generateContent", "gemini.mixed-tools", {"contents": [{"parts": [{"text": "a"}]}], "tools": [{"functionDeclarations": [{"name": "a"}]}, {"googleSearch": {}}]}),
    ("gemini gemini-3.8-flash", "/v1beta/models/gemini-3.8-flash:generateContent", "gemini.thinking", {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}),
    ("gemini gemini-3.6-flash", "/v1beta/models/gemini-3.6-flash:generateContent", "gemini.sampling", {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"temperature": 0}}),
    ("gemini gemini-3-pro-preview", "/v1beta/models/gemini-3-pro-preview:generateContent", "gemini.sampling", {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"candidateCount": 2}}),
    ("gemini gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent", "gemini.penalties", {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"presencePenalty": 0.5}}),
    ("gemini gemini-3.8-flash", "/v1beta/models/gemini-3.8-flash:generateContent", "gemini.prefill", {"contents": [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]}),
    ("gemini gemini-2.5-pro", "/v1beta/models/gemini-2.5-pro:generateContent", "gemini.thinking", {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}),
    ("bedrock meta.llama3-1-8b-instruct-v1:0", "/model/a/converse", "converse.cache", {"messages": [{"role": "user", "content": [{"text": "Hi"}, {"cachePoint": {"type": "default"}}]}]}),
    ("bedrock amazon.nova-pro-v1:0", "/model/a/converse", "converse.document-names-unique", {"messages": [{"role": "user", "content": [{"text": "Hi"}, *[{"document": {"name": "a", "format": "pdf", "source": {"bytes": ""}}}] * 2]}]}),
    ("bedrock us.meta.llama4-maverick-17b-instruct-v1:0", "/model/a/converse", "converse.results-apart", {"messages": [{"role": "user", "content": [{"text": "a"}]}, {"role": "assistant", "content": [{"toolUse": {"toolUseId": "a", "name": "b", "input": {}}}]}, {"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": [{"text": "b"}]}}, {"text": "c"}]}]}),
    ("bedrock nvidia.nemotron-nano-12b-v2", "/model/a/converse", "converse.results-apart", {"messages": [{"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": []}}]}]}),
    ("cohere command-a-03-2025", "/v2/chat", "cohere.format-beside-tools", {"messages": HI, "tools": [TOOL], "response_format": {"type": "json_object"}}),
    ("ollama llama3.2", "/api/chat", "ollama.body", {"messages": [{"role": "user", "content": "Hi", "images": ["no base64!"]}]}),
    ("mistral mistral-large-latest", CHAT, "mistral.ranges", {"messages": HI, "temperature": 2}),
    ("openai gpt-4o", CHAT, "chat.stop-count", {"messages": HI, "stop": []}),
    ("openai gpt-4o", CHAT, "chat.ranges", {"messages": HI, "seed": 2**70}),
    ("anthropic claude-haiku-4-5", MESSAGES, "messages.user", _claude(metadata={"user_id": "u" * 513})),
    ("mistral magistral-medium-latest", CHAT, "mistral.effort", {"messages": HI, "reasoning_effort": "high"}),
    ("xai grok-4.7", CHAT, "xai.effort", {"messages": HI, "reasoning_effort": "none"}),
    ("gemini gemini-4-argon", "/v1beta/models/gemini-4-argon:generateContent", "gemini.thinking", {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}),
    ("groq llama-3.3-70b-versatile", "/openai/v1/chat/completions", "groq.refused", {"messages": HI, "n": 2}),
    ("deepseek deepseek-chat", "/chat/completions", "deepseek.format", {"messages": HI, "response_format": {"type": "json_schema"}}),
    ("xai grok-4-0709", CHAT, "xai.effort", {"messages": HI, "reasoning_effort": "low"}),
    ("azure gpt-4o", "/openai/deployments/gpt-4o/chat/completions", "azure.version", {"messages": HI}),
]  # fmt: skip


@pytest.mark.parametrize(("who", "path", "rule", "body"), BROKEN, ids=[f"{row[0]} {row[2]}" for row in BROKEN])
def test_a_broken_rule_is_named(who: str, path: str, rule: str, body: dict[str, Any]) -> None:
    provider, model = who.split()
    found = judge(provider, model, path, {"Anthropic-Version": "2023-06-01"}, {"model": model, **body})
    assert rule in [violation.rule for violation in found]


def test_every_rule_says_why_and_where_from() -> None:
    for rule in all_rules():
        assert rule.reason, rule.id
        assert "https://" in rule.source, rule.id
        assert "." in rule.id


def test_a_good_request_breaks_none() -> None:
    body = {"model": "gpt-4o", "messages": HI, "temperature": 0}
    assert judge("openai", "gpt-4o", CHAT, {}, body) == []
    assert rules_for("acme", "/v1/strange") is None
    assert judge("acme", "m", "/v1/strange", {}, {}) == []
    assert judge_request("openai", Request(method="POST", url="https://a.example/v1/chat/completions")) == []


def test_unknown_models_have_no_facts() -> None:
    assert fact("openai", "gpt-99", "efforts") is None
    assert fact("groq", "gpt-5", "efforts") is None


def test_bodies_of_any_form_are_judged_without_a_fault() -> None:
    rubbish: list[Any] = [None, 1, "a", [], {}, [1], [{}], [{"role": 3, "content": 4}], {"type": 5}, [[[]]]]
    names = ("messages", "input", "tools", "tool_choice", "contents", "system", "response_format", "text", "reasoning",
             "generationConfig", "toolConfig", "thinking", "output_config", "inferenceConfig", "stop", "include")  # fmt: skip
    paths = (CHAT, RESPONSES, MESSAGES, "/v1/models/a:generateContent", "/model/a/converse", "/v2/chat", "/api/chat")
    for provider in (
        "openai",
        "azure",
        "anthropic",
        "gemini",
        "bedrock",
        "cohere",
        "mistral",
        "groq",
        "xai",
        "deepseek",
    ):
        for path in paths:
            for name in names:
                for value in rubbish:
                    judge(provider, "claude-opus-5-5", path, {}, {name: value})


def _post(url: str, body: dict[str, Any]) -> tuple[int, Any]:
    asked = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(asked) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_strict_server_refuses_with_the_reason() -> None:
    with MockServer(MockDriver({}), strict=True) as url:
        assert _post(url, {"model": "mock", "messages": HI})[0] == 200
        status, reply = _post(url, {"model": "mock", "messages": HI, "tools": []})
    assert status == 400
    assert "too short - 'tools'" in reply["error"]["message"]


def test_a_server_takes_all_by_default() -> None:
    with MockServer(MockDriver({})) as url:
        assert _post(url, {"model": "mock", "messages": HI, "tools": []})[0] == 200


def test_a_strict_fake_refuses_what_the_provider_would() -> None:
    ai = AI.fake(["Hi", "Hi"], strict=True)
    openai = ai.provider("openai")
    assert openai.send_message("Hi", model="gpt-4o").content == "Hi"
    with pytest.raises(InvalidRequestError, match=r"chat\.body|responses\.body"):
        openai.send_message("Hi", model="gpt-4o", extra={"nonsense": 1})
    assert AI.fake(["Hi"]).provider("openai").send_message("Hi", extra={"nonsense": 1}).content == "Hi"


async def test_a_strict_async_fake_does_the_same() -> None:
    ai = AsyncAI.fake(["Hi"], strict=True)
    with pytest.raises(InvalidRequestError):
        await ai.provider("openai").send_message("Hi", model="gpt-4o", extra={"nonsense": 1})
