"""One connection for each wire: how its replies are read, how its requests are read back and judged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.wires.bedrock import validate_body
from tests.wires.discovery import GEMINI, validate_message
from tests.wires.specs import validate_request

from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage
from polydriver.data.prompt import Prompt
from polydriver.data.responses import AIResponse
from polydriver.driver import Driver
from polydriver.drivers import driver_class

__all__ = ["NAMES", "WIRES", "Wire", "is_allowed", "render_with", "validate"]

REPLIES = Path(__file__).parent / "replies"


@dataclass(frozen=True)
class Wire:
    """A connection that speaks the wire.

    `api` and `provider` select its recordings; `ids` is the form of call ids (`None`: calls have none of their own);
    `steps` reads a body as a list of ("call", id), ("result", id) and ("turn", role); `validate` judges a body.
    """

    name: str
    driver: Driver
    model: str
    api: str
    providers: frozenset[str]
    validate: Callable[[dict[str, Any]], None]
    steps: Callable[[dict[str, Any]], Iterator[tuple[str, str]]]
    ids: str | None = None
    alternates: bool = False

    def message(self, kind: str) -> AIMessage:
        """Return the assistant's message in one of the wire's own replies in `replies/`."""
        return self.response(kind).to_message()

    def response(self, kind: str) -> AIResponse:
        """Return what the driver makes of one of the wire's own replies."""
        reply = Reply(
            status=200, headers={"content-type": "application/json"}, body=json.dumps(self.replies[kind]).encode()
        )
        return self.driver.parse_response(reply, Prompt(messages=[], model=self.model))

    @property
    def replies(self) -> dict[str, Any]:
        """The wire's own replies by what is in them: calls, answer, own, refusal, cut."""
        loaded: dict[str, Any] = json.loads((REPLIES / f"{self.name}.json").read_text(encoding="utf-8"))
        return loaded


def render_with(wire: Wire, prompt: Prompt) -> dict[str, Any]:
    """Return the body that the wire's driver would send, judged by what describes it, where that is at hand."""
    body: dict[str, Any] = json.loads(wire.driver.build_request(prompt).body or b"")
    validate(wire, body)
    return body


def validate(wire: Wire, body: dict[str, Any]) -> None:
    """Raise `AssertionError` for a body that the wire's description refuses; without the description pass it."""
    with suppress(pytest.skip.Exception):
        wire.validate(body)


def _chat_steps(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for message in body["messages"]:
        if message["role"] == "tool":
            yield "result", message["tool_call_id"]
            continue
        yield "turn", message["role"]
        for call in message.get("tool_calls", []):
            yield "call", call["id"]


def _responses_steps(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for item in body["input"]:
        kind = item.get("type", "message")
        if kind == "function_call":
            yield "call", item["call_id"]
        elif kind == "function_call_output":
            yield "result", item["call_id"]
        elif kind == "message":
            yield "turn", item["role"]


def _messages_steps(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for message in body["messages"]:
        yield "turn", message["role"]
        for block in message["content"] if isinstance(message["content"], list) else []:
            if block["type"] == "tool_use":
                yield "call", block["id"]
            elif block["type"] == "tool_result":
                yield "result", block["tool_use_id"]


def _converse_steps(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for message in body["messages"]:
        yield "turn", message["role"]
        for block in message["content"]:
            if "toolUse" in block and "type" not in block["toolUse"]:  # others are made and run by the provider
                yield "call", block["toolUse"]["toolUseId"]
            elif "toolResult" in block and "type" not in block["toolResult"]:
                yield "result", block["toolResult"]["toolUseId"]


def _gemini_steps(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Results belong to calls by their order, and by name."""
    for content in body["contents"]:
        yield "turn", content["role"]
        for part in content["parts"]:
            if "functionCall" in part:
                yield "call", part["functionCall"].get("id") or part["functionCall"]["name"]
            elif "functionResponse" in part:
                yield "result", part["functionResponse"].get("id") or part["functionResponse"]["name"]


def _check_chat(body: dict[str, Any]) -> None:
    validate_request("openai/openapi.yaml", "CreateChatCompletionRequest", body)


def _check_responses(body: dict[str, Any]) -> None:
    validate_request("openai/openapi.yaml", "CreateResponse", body)


def _check_messages(body: dict[str, Any]) -> None:
    validate_request("anthropic/openapi.yml", "BetaCreateMessageParams", body)
    for message in body["messages"]:
        assert message["content"], "an empty message"


def _check_gemini(body: dict[str, Any]) -> None:
    validate_message(GEMINI, "GenerateContentRequest", body)


def _check_converse(body: dict[str, Any]) -> None:
    validate_body("Converse", body)
    for message in body["messages"]:
        assert message["content"], "an empty message"
        assert all(block.get("text", "-").strip() for block in message["content"]), "a blank text"


def _check_cohere(body: dict[str, Any]) -> None:
    """https://docs.cohere.com/reference/chat"""
    assert body["model"]
    assert isinstance(body["stream"], bool)
    for message in body["messages"]:
        assert message["role"] in ("system", "user", "assistant", "tool")
        content = message.get("content")
        assert content or message.get("tool_calls") or message["role"] in ("tool", "user"), "an empty message"
        for item in content if isinstance(content, list) else []:
            fields = {"text": "text", "image_url": "image_url", "thinking": "thinking"}
            assert item[fields[item["type"]]] is not None
            assert item["type"] != "thinking" or message["role"] == "assistant"
        assert all(_is_function_call(call) for call in message.get("tool_calls", []))
        assert message["role"] != "tool" or isinstance(message["tool_call_id"], str)


def _is_function_call(call: dict[str, Any]) -> bool:
    arguments = json.loads(call["function"]["arguments"])
    return call["type"] == "function" and bool(call["id"]) and isinstance(arguments, dict)


def _check_ollama(body: dict[str, Any]) -> None:
    """https://docs.ollama.com/api/chat"""
    for message in body["messages"]:
        assert message["role"] in ("system", "user", "assistant", "tool")
        assert isinstance(message["content"], str)
        assert all(isinstance(image, str) and not image.startswith("data:") for image in message.get("images", []))
        for call in message.get("tool_calls", []):
            assert isinstance(call["function"]["arguments"], dict)
            assert call["function"]["name"]


def _make(name: str, **settings: Any) -> Driver:
    return driver_class(name)({"api_key": "test-0123456789abcdef", **settings})


_OPENAI = _make("openai", api_key="sk-test-0123456789", api="chat")
_RESPONSES = _make("openai", api_key="sk-test-0123456789", api="responses")

WIRES: dict[str, Wire] = {
    wire.name: wire
    for wire in (
        Wire(
            "chat_completions", _OPENAI, "gpt-4o", "openai-chat", frozenset({"openai-chat"}), _check_chat, _chat_steps,
            r".{1,40}",
        ),
        Wire(
            "thinking_chat", _make("deepseek"), "deepseek-reasoner", "openai-chat", frozenset({"deepseek"}),
            _check_chat, _chat_steps, r".{1,40}",
        ),
        Wire(
            "responses", _RESPONSES, "gpt-5", "openai-responses", frozenset({"openai-responses"}), _check_responses,
            _responses_steps, r".{1,64}",
        ),
        Wire(
            "messages", _make("anthropic"), "claude-sonnet-4-5", "anthropic-messages", frozenset({"anthropic"}),
            _check_messages, _messages_steps, r"[a-zA-Z0-9_-]{1,64}", alternates=True,
        ),
        Wire(
            "generate_content", _make("gemini"), "gemini-3-pro-preview", "gemini-generate", frozenset({"gemini"}),
            _check_gemini, _gemini_steps, alternates=True,
        ),
        Wire(
            "converse", _make("bedrock", region="us-east-1"), "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "bedrock-converse", frozenset({"bedrock"}), _check_converse, _converse_steps, r"[a-zA-Z0-9_-]{1,64}",
            alternates=True,
        ),
        Wire(
            "cohere", _make("cohere"), "command-a-vision-07-2025", "cohere-chat-v2", frozenset({"cohere"}),
            _check_cohere, _chat_steps, r".+",
        ),
        Wire(
            "ollama", _make("ollama"), "qwen3", "ollama-chat", frozenset({"ollama"}), _check_ollama, _chat_steps, r".+",
        ),
    )
}  # fmt: skip
"""The wires by name. `thinking_chat` is Chat Completions with a service that wants its reasoning back."""

NAMES = tuple(WIRES)


def is_allowed(wire: Wire, call_id: str) -> bool:
    """Return whether a call id has a form that the wire takes."""
    return wire.ids is None or re.fullmatch(wire.ids, call_id, re.DOTALL) is not None
