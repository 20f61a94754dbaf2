"""Rendering the messages of a prompt for Cohere, and the documents in them."""

from __future__ import annotations

from typing import Any

from ...data.json import encode_json
from ...data.messages import (
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
from ...data.prompt import Prompt
from ..shared.media import is_in_storage
from ..shared.tools import FAILED_SILENTLY
from .options import CohereSettings

__all__ = ["TOOL_PLAN", "render_documents", "render_messages"]

TOOL_PLAN = "tool_plan"
"""The kind of the `ProviderPart` that holds the model's plan ahead of its tool calls."""

_TEXT_TYPES = ("application/json", "application/xml", "application/yaml")


def render_messages(wire: CohereSettings, prompt: Prompt) -> list[dict[str, Any]]:
    """The `messages` list. Tool results become messages of their own, right behind their calls; what they hold beside
    text follows as the user's, after the last of them."""
    rendered: list[dict[str, Any]] = []
    shown: list[Part] = []
    for message in prompt.messages:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        if shown and not results:
            rendered += _render_input(wire, prompt, "user", shown)
            shown = []
        if message.role == "assistant":
            rendered += _render_assistant(wire, prompt, message)
            continue
        for result in results:
            rendered.append({"role": "tool", "tool_call_id": result.tool_call_id, "content": _result_text(result)})
            shown += _media_of(wire, prompt, result)
        rest: list[Part] = [part for part in message.parts if not isinstance(part, ToolResult)]
        if results:
            shown += rest
        else:
            role = "system" if message.role in ("system", "developer") else "user"
            rendered += _render_input(wire, prompt, role, rest)
    return rendered + (_render_input(wire, prompt, "user", shown) if shown else [])


def _result_text(result: ToolResult) -> str:
    """What a tool gave; a message without content is refused."""
    text = result.text
    return text if text.strip() else FAILED_SILENTLY if result.is_error else "(no output)"


def _media_of(wire: CohereSettings, prompt: Prompt, result: ToolResult) -> list[Part]:
    if isinstance(result.content, str):
        return []
    media: list[Part] = [part for part in result.content if isinstance(part, Image | Audio | Video | Document)]
    if any(not isinstance(part, Document) for part in media):
        prompt.warn(f"{wire.name} takes only text from tools; images in tool results were sent as the user's message.")
    return media


def _render_assistant(wire: CohereSettings, prompt: Prompt, message: AIMessage) -> list[dict[str, Any]]:
    """The message; none when nothing of it can be said, since Cohere refuses empty ones."""
    rendered: dict[str, Any] = {"role": "assistant"}
    content: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, Audio) and part.transcript:
            content.append({"type": "text", "text": part.transcript})
        elif isinstance(part, Text | Refusal):
            if part.text:
                content.append({"type": "text", "text": part.text})
        elif isinstance(part, Reasoning):
            if part.text and wire.origin in part.provider_data:
                content.append({"type": "thinking", "thinking": part.text})
        elif isinstance(part, ToolCall):
            calls.append(_render_call(part))
        elif isinstance(part, ProviderPart) and part.provider == wire.origin and part.kind == TOOL_PLAN:
            rendered["tool_plan"] = part.data.get("text", "")
        else:
            prompt.warn(f"{_name_of(part)} cannot be sent back to {wire.name}; it was left out.")
    if content:
        rendered["content"] = _join(content)
    if calls:
        rendered["tool_calls"] = calls
    else:
        rendered.pop("tool_plan", None)
    return [rendered] if content or calls else []


def _render_call(call: ToolCall) -> dict[str, Any]:
    arguments = encode_json(call.arguments or {}).decode()
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _render_input(wire: CohereSettings, prompt: Prompt, role: str, parts: list[Part]) -> list[dict[str, Any]]:
    """The message of these parts; none when they are blank, which Cohere refuses, or documents only, which stand
    elsewhere in the request."""
    content = [entry for part in parts if (entry := _render_part(wire, prompt, part)) is not None]
    content = [entry for entry in content if entry["type"] != "text" or entry["text"].strip()]
    if role == "system":
        content = [entry for entry in content if entry["type"] == "text"]
    if not content:
        return []
    return [{"role": role, "content": _join(content)}]


def _join(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """One text as a string; several keep their borders."""
    if not content:
        return ""
    return content[0]["text"] if len(content) == 1 and content[0]["type"] == "text" else content


def _render_part(wire: CohereSettings, prompt: Prompt, part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text | Refusal):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        if part.url is None and part.data is None:
            raise wire.unread(part, "images by file id; give the bytes or a URL")
        if is_in_storage(part):
            raise wire.unread(part, "images in cloud storage; give the bytes, or an http(s) URL")
        image: dict[str, Any] = {"url": part.url or part.data_url("image/png")}
        if part.detail:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, Audio | Video):
        raise wire.unread(part, f"{type(part).__name__.lower()} input")
    if not isinstance(part, Document | Reasoning):
        prompt.warn(f"{_name_of(part)} cannot be sent to {wire.name} in this place; it was left out.")
    return None


def _name_of(part: Part) -> str:
    return f"a {part.kind if isinstance(part, ProviderPart) else type(part).__name__}"


def render_documents(wire: CohereSettings, prompt: Prompt) -> list[dict[str, Any]]:
    """The documents of all messages, tool results included, for the request's `documents`: text only."""
    documents: list[dict[str, Any]] = []
    for message in prompt.messages:
        for part in message.parts:
            inner = part.content if isinstance(part, ToolResult) and isinstance(part.content, list) else [part]
            documents += [_render_document(wire, entry) for entry in inner if isinstance(entry, Document)]
    return documents


def _render_document(wire: CohereSettings, document: Document) -> dict[str, Any]:
    kind = document.media_type or "text/plain"
    if document.data is None:
        raise wire.unread(document, "documents by URL or id; give the bytes (Document.from_path or from_bytes)")
    if not (kind.startswith("text/") or kind in _TEXT_TYPES):
        raise wire.unread(document, f"documents of type {kind}; give their text")
    data = {"text": document.data.decode("utf-8", "replace")}
    if title := document.title or document.name:
        data["title"] = title
    if document.context:
        data["context"] = document.context
    return {"data": data}
