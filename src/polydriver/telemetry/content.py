"""Messages as the conventions write them, for spans that are to hold content.

https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-input-messages.json
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ..data.messages import AIMessage, Media, Reasoning, Refusal, Text, ToolCall, ToolResult
from ..data.responses import AIResponse

__all__ = ["input_messages", "output_messages", "system_instructions", "written"]


def input_messages(messages: Iterable[AIMessage]) -> list[dict[str, Any]]:
    """All messages but those of the system."""
    return [
        {"role": message.role, "parts": _parts(message.content)} for message in messages if message.role != "system"
    ]


def system_instructions(messages: Iterable[AIMessage]) -> list[dict[str, Any]]:
    """The parts of the system's messages."""
    return [part for message in messages if message.role == "system" for part in _parts(message.content)]


def output_messages(response: AIResponse) -> list[dict[str, Any]]:
    """All answers, the first one first."""
    return [
        {
            "role": "assistant",
            "parts": [_part(part) for part in choice.parts],
            "finish_reason": choice.finish_reason or "error",
        }
        for choice in (response, *response.alternatives)
    ]


def written(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value, enc_hook=repr).decode("utf-8", "replace")


def _parts(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "content": content}] if isinstance(content, str) else [_part(part) for part in content]


def _part(part: Any) -> dict[str, Any]:
    """A part. Media are told by kind and place; their bytes are not."""
    match part:
        case Text() | Refusal():
            return {"type": "text", "content": part.text}
        case Reasoning():
            return {"type": "reasoning", "content": part.text}
        case ToolCall():
            arguments = part.arguments if part.arguments is not None else part.arguments_text
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": arguments}
        case ToolResult():
            result = part.content if isinstance(part.content, str) else [_part(piece) for piece in part.content]
            return {"type": "tool_call_response", "id": part.tool_call_id, "response": result}
        case Media():
            kind = type(part).__name__.lower()
            told = {"type": "uri" if part.url else "file" if part.file_id else "blob", "modality": kind}
            fields = {"mime_type": part.media_type, "uri": part.url, "file_id": part.file_id}
            return {**told, **{name: value for name, value in fields.items() if value is not None}}
        case _:
            return {"type": getattr(part, "kind", type(part).__name__)}
