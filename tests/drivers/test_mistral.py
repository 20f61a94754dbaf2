"""Mistral: names, ids, lists of content, documents."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.hooks import hook

from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage, Audio, Document, Reasoning, Text, ToolCall, ToolResult
from polydriver.data.prompt import Prompt
from polydriver.drivers.mistral import MistralDriver
from polydriver.errors import InvalidCredentialsError, InvalidRequestError, ModelNotFoundError

DRIVER = MistralDriver({"api_key": "0123456789abcdef"})


def render(*messages: AIMessage, **options: Any) -> dict[str, Any]:
    prompt = Prompt(messages=list(messages) or [AIMessage("Hi")], model="m", **options)
    return json.loads(DRIVER.build_request(prompt).body or b"")  # type: ignore[no-any-return]


def test_names_of_options() -> None:
    body = render(seed=0, stream=True, options={"safe_prompt": True, "prompt_mode": "reasoning"})
    assert body["random_seed"] == 0
    assert "seed" not in body
    assert "stream_options" not in body
    assert body["safe_prompt"] is True


def test_ids_of_calls() -> None:
    foreign = ToolCall("toolu_01ABCdef", "f", {})
    messages = render(
        AIMessage("Hi"), AIMessage([foreign, ToolCall("D681PevKs", "g", {})], "assistant"),
        AIMessage([ToolResult("toolu_01ABCdef", "x"), ToolResult("D681PevKs", "y")], "tool"),
    )["messages"]  # fmt: skip
    made, own = [call["id"] for call in messages[1]["tool_calls"]]
    assert re.fullmatch("[A-Za-z0-9]{9}", made)
    assert own == "D681PevKs"
    assert [message["tool_call_id"] for message in messages[2:]] == [made, own]
    assert hook(DRIVER, "render_call_id")("a") != hook(DRIVER, "render_call_id")("b")
    assert re.fullmatch("[A-Za-z0-9]{9}", hook(DRIVER, "render_call_id")("\ud800"))


def test_the_user_does_not_speak_right_after_a_tool() -> None:
    made, result = ToolCall("D681PevKs", "f", {}), ToolResult("D681PevKs", "x")
    roles = [
        message["role"]
        for message in render(
            AIMessage("Hi"), AIMessage([made], "assistant"), AIMessage([result], "tool"), AIMessage("So?")
        )["messages"]
    ]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


def test_reasoning_out_and_in() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        {"type": "text", "text": "Paris"},
    ]
    payload = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    reply = Reply(status=200, headers={}, body=json.dumps(payload).encode())
    answer = DRIVER.parse_response(reply, Prompt(messages=[], model="m"))
    assert (answer.reasoning, answer.content) == ("Hm", "Paris")
    messages = render(AIMessage("Hi"), answer.to_message(), AIMessage("More"))["messages"]
    assert messages[1]["content"] == content
    foreign = AIMessage([Reasoning("Hm", provider_data={"groq": {}}), Text("Paris")], "assistant")
    assert render(AIMessage("Hi"), foreign, AIMessage("More"))["messages"][1]["content"] == "Paris"


def test_documents_and_sound() -> None:
    pdf = Document.from_bytes(b"%PDF", "application/pdf", name="a.pdf")
    parts = [
        Document.from_url("https://a.example/b.pdf"),
        pdf,
        Document.from_id("f-1"),
        Audio.from_bytes(b"x", "audio/mpeg"),
    ]
    first, second, third, sound = render(AIMessage.user(parts))["messages"][0]["content"]  # type: ignore[arg-type]
    assert first == {"type": "document_url", "document_url": "https://a.example/b.pdf"}
    assert second["document_url"].startswith("data:application/pdf;base64,")
    assert second["document_name"] == "a.pdf"
    assert third == {"type": "file", "file_id": "f-1"}
    assert sound == {"type": "input_audio", "input_audio": "eA=="}


def test_a_prefix() -> None:
    assert render(AIMessage("Hi"), AIMessage.assistant("The"))["messages"][-1]["prefix"] is True


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"detail": "Unauthorized"}, InvalidCredentialsError),
        (
            400,
            {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"},
            ModelNotFoundError,
        ),
        (
            422,
            {"object": "error", "message": {"detail": [{"msg": "extra inputs", "loc": ["body", "x"]}]}},
            InvalidRequestError,
        ),
    ],
)
def test_errors(status: int, body: dict[str, Any], kind: type[Exception]) -> None:
    error = DRIVER.map_error(Reply(status=status, headers={}, body=json.dumps(body).encode()))
    assert isinstance(error, kind)
    assert "without saying why" not in error.message


def test_models() -> None:
    item = {
        "id": "mistral-x",
        "max_context_length": 1000,
        "capabilities": {"completion_chat": True, "function_calling": True, "vision": True},
        "deprecation": None,
    }
    (model,) = DRIVER.parse_models(Reply(status=200, headers={}, body=json.dumps({"data": [item]}).encode()))
    assert (model.type, model.context_length, model.supports_vision, model.deprecated) == ("chat", 1000, True, False)


def test_operations() -> None:
    capabilities = DRIVER.get_capabilities()
    assert capabilities.embeddings
    assert capabilities.supports("moderation")
    assert capabilities.supports("transcription")
