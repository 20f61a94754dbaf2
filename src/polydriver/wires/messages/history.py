"""Rendering messages and their parts as content blocks.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...data.arguments import plain_name
from ...data.history import OPENING
from ...data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    Part,
    ProviderData,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from ...data.prompt import Prompt
from ..shared.tools import FAILED_SILENTLY, plain_call_id
from .media import render_document, render_image
from .options import MessagesSettings

__all__ = ["Block", "render_history"]

Block = dict[str, Any]

_LONGEST_NAME = 128
_SYSTEM_ROLES = ("system", "developer")


def render_history(wire: MessagesSettings, prompt: Prompt) -> tuple[list[Block], list[dict[str, Any]]]:
    """The blocks of `system`, and the messages, each with a list of blocks; turns of one role are merged.

    A system message in the middle joins those at the start, which every model takes. It keeps its place with the option
    `system_in_place`, or when it holds blocks of the API's own (`tool_addition`, ...): newer models take the role
    `system`.
    """
    system: list[Block] = []
    turns = _Turns()
    in_place = prompt.options.get("system_in_place") is True
    for message in prompt.messages:
        if message.name:
            prompt.warn(f"{wire.name} does not support names of speakers; they were left out.")
        if message.role not in _SYSTEM_ROLES:
            for role, block in _render_message(wire, prompt, message):
                turns.add(role, block)
            continue
        blocks = [found for part in message.parts if (found := _render_part(wire, prompt, part, "system"))]
        if turns.messages and (in_place or any(block["type"] != "text" for block in blocks)):
            for block in blocks:
                turns.add("system", block)
        else:
            system += blocks
    return system, turns.finish()


class _Turns:
    """Collects blocks into messages of alternating roles."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def add(self, role: str, block: Block) -> None:
        if not self.messages or self.messages[-1]["role"] != role:
            self.messages.append({"role": role, "content": []})
        self.messages[-1]["content"].append(block)

    def finish(self) -> list[dict[str, Any]]:
        """The messages as the API wants them: the user's first, in them tool results first, no white space at the end
        of a prefilled answer."""
        if self.messages and self.messages[0]["role"] == "assistant":
            self.messages.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
        for message in self.messages:
            if message["role"] == "user":
                message["content"].sort(key=lambda block: block["type"] != "tool_result")
        if self.messages and self.messages[-1]["role"] == "assistant":
            last = self.messages[-1]["content"][-1]
            if last["type"] == "text":
                last["text"] = last["text"].rstrip()
        return self.messages


def _render_message(wire: MessagesSettings, prompt: Prompt, message: AIMessage) -> Iterator[tuple[str, Block]]:
    role = "assistant" if message.role == "assistant" else "user"
    for part in message.parts:
        if isinstance(part, ToolResult):
            yield from (("user", found) for found in _render_result(wire, prompt, part))
        elif isinstance(part, ToolCall):
            yield "assistant", _render_call(wire, part)
        elif block := _render_part(wire, prompt, part, role):
            yield role, block


def _render_part(wire: MessagesSettings, prompt: Prompt, part: Part, role: str) -> Block | None:
    """The block for a part, or `None` when there is nothing to send."""
    if isinstance(part, Text):
        return _render_text(wire, part)
    if isinstance(part, Reasoning):
        return _render_reasoning(wire, part)
    if isinstance(part, Refusal):
        return None if "stop_details" in part.provider_data.get(wire.origin, {}) else _plain_text(part.text)
    if isinstance(part, ProviderPart):
        if part.provider == wire.origin:
            return _render_own(part.data)
        prompt.warn(f"a {part.kind} of {part.provider} means nothing to {wire.name}; it was left out.")
        return None
    if role == "user":
        return _render_media(wire, part)
    if isinstance(part, Audio) and part.transcript:
        return _plain_text(part.transcript)
    prompt.warn(f"{wire.name} does not support {type(part).__name__} in a message of the role {role}; it was left out.")
    return None


def _render_own(data: Block) -> Block:
    """A block of the API's own as it came, but for a field of answers that requests do not have."""
    content = data.get("content")
    if isinstance(content, dict) and "abort_reason" in content:
        return {**data, "content": {key: value for key, value in content.items() if key != "abort_reason"}}
    return data


def _render_media(wire: MessagesSettings, part: Part) -> Block:
    if isinstance(part, Image):
        return {**render_image(wire, part), **_marks(wire, part.provider_data)}
    if isinstance(part, Document):
        return {**render_document(wire, part), **_marks(wire, part.provider_data)}
    raise wire.unsupported(f"{type(part).__name__.lower()} input")


def _plain_text(text: str) -> Block | None:
    return {"type": "text", "text": text} if text.strip() else None


def _render_text(wire: MessagesSettings, part: Text) -> Block | None:
    """Text that is not blank (the API refuses blank blocks), with the citations that this provider made."""
    block = _plain_text(part.text)
    if block is None:
        return None
    own = part.provider_data.get(wire.origin)
    if own is not None and part.citations:
        # `file_id` comes in answers and is not a field of requests.
        block["citations"] = [{key: item[key] for key in item if key != "file_id"} for item in part.citations]
    return {**block, **_marks(wire, part.provider_data)}


def _marks(wire: MessagesSettings, data: ProviderData) -> Block:
    """What the part's own provider data adds to its block: `cache_control`, `caller`, ..."""
    return data.get(wire.origin, {})


def _render_reasoning(wire: MessagesSettings, part: Reasoning) -> Block | None:
    """Reasoning with its signature. Without one the API refuses it; that of other providers is dropped."""
    own = part.provider_data.get(wire.origin, {})
    if redacted := own.get("redacted_data"):
        return {"type": "redacted_thinking", "data": redacted}
    signature = own.get("signature")
    return {"type": "thinking", "thinking": part.text, "signature": signature} if signature else None


def _render_call(wire: MessagesSettings, call: ToolCall) -> Block:
    arguments = call.arguments if call.arguments is not None else {}
    name = plain_name(call.name, _LONGEST_NAME)
    block = {"type": "tool_use", "id": plain_call_id(call.id), "name": name, "input": arguments}
    return {**block, **_marks(wire, call.provider_data)}


def _render_result(wire: MessagesSettings, prompt: Prompt, result: ToolResult) -> Iterator[Block]:
    """The result, and behind it the media of a failed call: the API takes only text in results that are errors."""
    behind: list[Block] = []
    block: Block = {"type": "tool_result", "tool_use_id": plain_call_id(result.tool_call_id)}
    if isinstance(result.content, str):
        block["content"] = result.content
    else:
        inner = [_render_part(wire, prompt, part, "user") for part in result.content]
        block["content"] = [found for found in inner if found]
        if result.is_error:
            behind = [found for found in block["content"] if found["type"] != "text"]
            block["content"] = [found for found in block["content"] if found["type"] == "text"]
    if result.is_error:
        block["is_error"] = True
        if not block["content"] or (isinstance(block["content"], str) and not block["content"].strip()):
            block["content"] = FAILED_SILENTLY
    yield {**block, **_marks(wire, result.provider_data)}
    yield from behind
