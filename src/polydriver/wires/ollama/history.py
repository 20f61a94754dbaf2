"""Rendering the messages of a prompt for Ollama."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    Media,
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
from .options import OllamaSettings

__all__ = ["render_content", "render_messages"]


def render_messages(wire: OllamaSettings, prompt: Prompt) -> list[dict[str, Any]]:
    """The `messages` list. Tool results become messages of their own, ahead of what else their message says."""
    rendered: list[dict[str, Any]] = []
    for message in prompt.messages:
        if message.role == "assistant":
            rendered.append(_render_assistant(wire, prompt, message))
        else:
            rendered += _render_input(wire, prompt, message)
    return rendered


def _render_assistant(wire: OllamaSettings, prompt: Prompt, message: AIMessage) -> dict[str, Any]:
    thoughts: list[str] = []
    calls: list[dict[str, Any]] = []
    said: list[Part] = []
    for part in message.parts:
        if isinstance(part, Reasoning):
            if wire.origin in part.provider_data:
                thoughts.append(part.text)
        elif isinstance(part, ToolCall):
            calls.append(_render_call(part))
        elif isinstance(part, Audio) and part.transcript:
            said.append(Text(part.transcript))
        elif isinstance(part, Media) and not (isinstance(part, Image) and part.data is not None):
            prompt.warn(f"a {type(part).__name__} cannot be sent back to {wire.name}; it was left out.")
        else:
            said.append(part)
    text, images = render_content(wire, prompt, said, border="")
    rendered: dict[str, Any] = {"role": "assistant", "content": text}
    if images:
        rendered["images"] = images
    if thoughts:
        rendered["thinking"] = "".join(thoughts)
    if calls:
        rendered["tool_calls"] = calls
    return rendered


def _render_call(call: ToolCall) -> dict[str, Any]:
    """Older versions know calls by their order and name alone, and ignore the id."""
    return {"id": call.id, "function": {"name": call.name, "arguments": call.arguments or {}}}


def _render_input(wire: OllamaSettings, prompt: Prompt, message: AIMessage) -> list[dict[str, Any]]:
    rendered = [_render_result(wire, prompt, part) for part in message.parts if isinstance(part, ToolResult)]
    rest = [part for part in message.parts if not isinstance(part, ToolResult)]
    if rest or not rendered:
        role = {"developer": "system", "tool": "user"}.get(message.role, message.role)
        text, images = render_content(wire, prompt, rest)
        rendered.append({"role": role, "content": text, **({"images": images} if images else {})})
    return rendered


def _render_result(wire: OllamaSettings, prompt: Prompt, result: ToolResult) -> dict[str, Any]:
    parts = [Text(result.content)] if isinstance(result.content, str) else result.content
    text, images = render_content(wire, prompt, parts)
    rendered: dict[str, Any] = {"role": "tool", "content": text, "tool_call_id": result.tool_call_id}
    if result.name:
        rendered["tool_name"] = result.name
    if images:
        rendered["images"] = images
    return rendered


def render_content(
    wire: OllamaSettings, prompt: Prompt, parts: Sequence[Part], *, border: str = "\n\n"
) -> tuple[str, list[str]]:
    """The text, with `border` between its parts and text documents inlined, and the images as base64.

    Raises `UnsupportedFeatureError` for what Ollama does not read.
    """
    texts: list[str] = []
    images: list[str] = []
    for part in parts:
        if isinstance(part, Text | Refusal):
            texts.append(part.text)
        elif isinstance(part, Image):
            if part.data is None:
                raise wire.unread(part, "images by URL or id; give the bytes (Image.from_path or from_bytes)")
            images.append(part.base64)
        elif isinstance(part, Document):
            texts.append(_read_document(wire, part))
        elif isinstance(part, Audio | Video):
            raise wire.unread(part, f"{type(part).__name__.lower()} input")
        elif not isinstance(part, Reasoning):
            kind = part.kind if isinstance(part, ProviderPart) else type(part).__name__
            prompt.warn(f"a {kind} cannot be sent to {wire.name}; it was left out.")
    return border.join(text for text in texts if text), images


def _read_document(wire: OllamaSettings, document: Document) -> str:
    kind = document.media_type or "text/plain"
    if document.data is None or not (kind.startswith("text/") or kind == "application/json"):
        raise wire.unread(document, "documents that are not text; give their text, or pictures of the pages")
    head = f"{document.title or document.name}:\n" if document.title or document.name else ""
    return head + document.data.decode("utf-8", "replace")
