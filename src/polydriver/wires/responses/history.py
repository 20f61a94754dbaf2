"""Rendering a conversation as the input items of the Responses API."""

from __future__ import annotations

import mimetypes
from typing import Any

from ...data.arguments import make_call_id, plain_name
from ...data.json import as_dict, as_str, encode_json
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
from ..shared.media import is_in_storage
from .options import ResponsesSettings

__all__ = ["CUSTOM_CALL", "render_input"]

CUSTOM_CALL = "custom_tool_call"
_LONGEST_CALL_ID = 64
_Item = dict[str, Any]


def render_input(wire: ResponsesSettings, prompt: Prompt) -> dict[str, Any]:
    """The fields `instructions` and `input`. What the system says first instructs; the rest keeps its place."""
    messages = prompt.messages
    lead = 0
    while lead < len(messages) and messages[lead].role in ("system", "developer") and _is_plain(messages[lead]):
        lead += 1
    if lead == len(messages) and not {"previous_response_id", "conversation", "prompt"} & prompt.options.keys():
        lead = 0  # the input must hold something
    renderer = _InputRenderer(wire, prompt)
    for message in messages[lead:]:
        renderer.add_message(message)
    fields: dict[str, Any] = {}
    if instructions := "\n\n".join(text for message in messages[:lead] if (text := message.text)):
        fields["instructions"] = instructions
    return {**fields, "input": renderer.items}


def _is_plain(message: AIMessage) -> bool:
    return isinstance(message.content, str) or all(isinstance(part, Text) for part in message.content)


class _InputRenderer:
    """Appends message after message to `items`, and remembers which calls were made to custom tools."""

    def __init__(self, wire: ResponsesSettings, prompt: Prompt) -> None:
        self.wire = wire
        self.prompt = prompt
        self.items: list[_Item] = []
        self._custom: set[str] = set()

    def add_message(self, message: AIMessage) -> None:
        """Append the items of one message."""
        if message.name:
            self.prompt.warn(
                f"{self.wire.name} does not support names of speakers on the Responses API; they were left out."
            )
        if isinstance(message.content, str):
            role = "user" if message.role == "tool" else message.role
            kind = {"type": "message"} if role == "assistant" else {}  # which llama.cpp's server asks for
            self.items.append({**kind, "role": role, "content": message.content})
        elif message.role == "assistant":
            self._add_answer(message.parts)
        else:
            self._add_input(message)

    def _add_input(self, message: AIMessage) -> None:
        content: list[_Item] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                self.items.append(self._render_result(part))
            elif isinstance(part, ProviderPart) and not part.kind.startswith("input_"):
                self._add_provider_part(part)
            elif (rendered := self._render_content(part)) is not None:
                content.append(rendered)
        if content:
            role = "user" if message.role == "tool" else message.role
            self.items.append({"role": role, "content": content})

    def _add_answer(self, parts: list[Part]) -> None:
        said: list[Text | Refusal] = []
        for part in parts:
            if isinstance(part, Audio) and part.transcript:
                part = Text(part.transcript)
            if isinstance(part, Text | Refusal):
                if said and self._facts(part) != self._facts(said[-1]):
                    self._add_said(said)
                said.append(part)
                continue
            self._add_said(said)
            if isinstance(part, ToolCall):
                self.items.append(self._render_call(part))
            elif isinstance(part, Reasoning):
                # Reasoning of others means nothing here; neither does what this provider sent in another form.
                own = part.provider_data.get(self.wire.origin, {})
                if own.get("type") == "reasoning":
                    self.items.append(own)
            elif isinstance(part, ProviderPart):
                self._add_provider_part(part)
            elif not (isinstance(part, Media) and self.wire.origin in part.provider_data):
                self._leave_out(part)  # an image of the provider's own is in its call's item already
        self._add_said(said)

    def _add_said(self, said: list[Text | Refusal]) -> None:
        """Append the texts that belong to one message item, and forget them."""
        if not said:
            return
        facts = self._facts(said[0])
        if "id" in facts:
            content = [_render_said(part) for part in said]
            fixed = {"type": "message", "role": "assistant", "status": "completed"}
            self.items.append({**fixed, "content": content, **facts})
        else:
            text = "".join(part.text for part in said)
            self.items.append({"type": "message", "role": "assistant", "content": text, **facts})
        said.clear()

    def _facts(self, part: Text | Refusal | ToolCall) -> _Item:
        return part.provider_data.get(self.wire.item_origin, {})

    def _render_call(self, call: ToolCall) -> _Item:
        facts = self._facts(call)
        call_id, name = _call_id(call.id), plain_name(call.name)
        if facts.get("type") == CUSTOM_CALL:
            self._custom.add(call_id)
            text = as_str(as_dict(call.arguments).get("input")) or ""
            return {"call_id": call_id, "name": name, "input": text, **facts}
        arguments = encode_json(call.arguments).decode() if call.arguments is not None else "{}"
        return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **facts}

    def _render_result(self, result: ToolResult) -> _Item:
        call_id = _call_id(result.tool_call_id)
        kind = f"{CUSTOM_CALL}_output" if call_id in self._custom else "function_call_output"
        output: str | list[_Item] = result.text
        if isinstance(result.content, list) and any(not isinstance(part, Text) for part in result.content):
            output = [
                rendered
                for part in result.content
                if not isinstance(part, Audio | Video) or self._leave_out(part)
                if (rendered := self._render_content(part)) is not None
            ]
        return {"type": kind, "call_id": call_id, "output": output}

    def _add_provider_part(self, part: ProviderPart) -> None:
        if part.provider == self.wire.origin:
            self.items.append(part.data)
        else:
            self.prompt.warn(f"{part.kind} of {part.provider} means nothing to {self.wire.name}; it was left out.")

    def _leave_out(self, part: object) -> bool:
        self.prompt.warn(f"a {type(part).__name__} cannot be sent to {self.wire.name} in this place; it was left out.")
        return False

    def _render_content(self, part: Part) -> _Item | None:
        """One entry of a message's or a tool output's content; `None` for what has no place there."""
        if isinstance(part, Text):
            return {"type": "input_text", "text": part.text}
        if isinstance(part, Image | Document) and is_in_storage(part):
            raise self.wire.unread(part, "files in cloud storage; give the bytes, or an http(s) URL")
        if isinstance(part, Image):
            source = (
                {"file_id": part.file_id} if part.file_id else {"image_url": part.url or part.data_url("image/png")}
            )
            return {"type": "input_image", "detail": part.detail or "auto", **source}
        if isinstance(part, Document):
            return _render_document(part)
        if isinstance(part, Audio):
            if part.data is None:
                raise self.wire.unread(part, "audio by URL or id; give the bytes (Audio.from_path or from_bytes)")
            return {"type": "input_audio", "input_audio": {"data": part.base64, "format": part.format}}
        if isinstance(part, Video):
            raise self.wire.unread(part, "video input")
        if isinstance(part, ProviderPart) and part.provider == self.wire.origin:
            return part.data
        if not isinstance(part, Reasoning):
            self._leave_out(part)
        return None


def _render_said(part: Text | Refusal) -> _Item:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return {"type": "output_text", "text": part.text, "annotations": [], "logprobs": []}


def _render_document(part: Document) -> _Item:
    if part.file_id:
        return {"type": "input_file", "file_id": part.file_id}
    if part.url:
        return {"type": "input_file", "file_url": part.url}
    suffix = mimetypes.guess_extension(part.media_type or "application/pdf") or ".pdf"
    name = part.name or part.title or f"document{suffix}"
    return {"type": "input_file", "filename": name, "file_data": part.data_url("application/pdf")}


def _call_id(given: str) -> str:
    """The id of a call in a form that this API takes; the same for the call and its result."""
    return given if 0 < len(given) <= _LONGEST_CALL_ID else make_call_id(given, 0)
