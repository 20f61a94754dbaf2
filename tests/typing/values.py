"""Messages, their parts, answers, usage and money."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal, assert_type

import msgspec

from polydriver import (
    AIChunk,
    AIMessage,
    AIModel,
    AIResponse,
    Audio,
    Capabilities,
    Choice,
    Config,
    Cost,
    Document,
    Image,
    Provider,
    Reasoning,
    Secret,
    Text,
    TokenUsage,
    ToolCall,
    ToolResult,
    Video,
)
from polydriver.data.messages import Part
from polydriver.data.responses import FinishReason


def messages() -> None:
    pictures = [Image.from_url("https://example.org/a.png")]
    assert_type(AIMessage.user(pictures), AIMessage)
    assert_type(AIMessage.user(["Look:", *pictures]), AIMessage)
    assert_type(AIMessage.assistant("", [ToolCall("1", "f", {"a": 1})]), AIMessage)
    assert_type(AIMessage.tool("1", ["It is", Image.from_bytes(b"", "image/png")]), AIMessage)
    assert_type(ToolResult("1", [Text("It is"), Image(url="https://example.org/a.png")]).text, str)
    message = AIMessage([Text("a"), Reasoning("b")], "assistant")
    assert_type(message.content, str | list[Part])
    assert_type(message.parts, list[Part])
    assert_type(message.text, str)
    assert_type(message.tool_calls, list[ToolCall])
    assert_type(message.role, Literal["system", "developer", "user", "assistant", "tool"])


def media() -> None:
    assert_type(Image.from_path("a.png"), Image)
    assert_type(Audio.from_base64("AAAA", "audio/wav"), Audio)
    assert_type(Video.from_id("file-1"), Video)
    assert_type(Document.from_bytes(b"", "application/pdf", title="A"), Document)
    assert_type(Image.from_path("a.png").data, bytes | None)


def parts(message: AIMessage) -> str:
    for part in message.parts:
        match part:
            case Text():
                assert_type(part, Text)
            case ToolCall():
                assert_type(part.arguments, dict[str, Any] | None)
            case ToolResult():
                assert_type(part.content, str | list[Part])
            case _:
                pass
    return message.text


def answers(response: AIResponse, chunk: AIChunk) -> None:
    assert_type(response.content, str)
    assert_type(response.reasoning, str)
    assert_type(response.finish_reason, FinishReason | None)
    assert_type(response.usage, TokenUsage | None)
    assert_type(response.cost, Cost | None)
    assert_type(response.model, str | None)
    assert_type(response.response_time, float | None)
    assert_type(response.alternatives, list[Choice])
    assert_type(response.to_message(), AIMessage)
    assert_type(AIResponse.from_text("Hi", model="m"), AIResponse)
    assert_type(chunk.tool_calls, list[ToolCall])
    assert_type(chunk.usage, TokenUsage | None)


def money(usage: TokenUsage, cost: Cost) -> None:
    assert_type(usage + usage, TokenUsage)
    assert_type(usage.uncached_input_tokens, int | None)
    assert_type(cost + cost, Cost)
    assert_type(sum([cost, cost]), Cost | Literal[0])
    assert_type(cost.total, Decimal)
    assert_type(cost.items, dict[str, Decimal])
    assert_type(cost.effective_date, date | None)


def facts(model: AIModel, capabilities: Capabilities, config: Config, provider: Provider) -> None:
    assert_type(model.context_length, int | None)
    assert_type(model.supports_vision, bool | None)
    assert_type(capabilities.as_dict(), dict[str, Any])
    assert_type(capabilities.supports("vision"), bool)
    assert_type(config.api_key, Secret | None)
    assert_type(config.masked(), dict[str, Any])
    assert_type(Secret("...").reveal(), str)
    assert_type(provider.driver.config, Config)


def stored(data: bytes) -> None:
    assert_type(msgspec.json.decode(data, type=AIMessage), AIMessage)
    assert_type(msgspec.json.decode(data, type=list[AIResponse]), list[AIResponse])
