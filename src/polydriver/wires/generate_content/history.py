"""Rendering messages as `contents`: turns of user and model, each a list of parts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ...data.history import CONTINUATION, OPENING
from ...data.json import as_dict, as_str, decode_json
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
from .models import ModelFacts
from .names import clean_name
from .options import ContentSettings
from .reply import REPLAYED_KINDS

__all__ = ["UNSIGNED_CALL", "render_contents", "render_system"]

UNSIGNED_CALL = "skip_thought_signature_validator"
"""The signature that Google documents for calls that another model made. https://ai.google.dev/gemini-api/docs/thought-signatures"""

_DEFAULT_TYPES: dict[type[Media], str] = {
    Image: "image/jpeg",
    Audio: "audio/wav",
    Video: "video/mp4",
    Document: "application/pdf",
}


def render_system(prompt: Prompt) -> list[dict[str, Any]]:
    """The parts of the system instruction: every system and developer message, wherever it stands, in order."""
    messages = [message for message in prompt.messages if message.role in ("system", "developer")]
    return [{"text": message.text} for message in messages if message.text]


def render_contents(wire: ContentSettings, prompt: Prompt, facts: ModelFacts) -> list[dict[str, Any]]:
    """The turns, with neighbours of the same role made one: all results of parallel calls must stand in one turn.

    The user begins, since a function call must come after a turn of the user's.
    """
    renderer = _Renderer(wire, prompt, facts)
    contents: list[dict[str, Any]] = []
    for message in prompt.messages:
        if message.role in ("system", "developer"):
            continue
        role = "model" if message.role == "assistant" else "user"
        parts = renderer.render_message(message)
        if not parts:
            continue
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    if contents and contents[0]["role"] == "model":
        contents.insert(0, {"role": "user", "parts": [{"text": OPENING}]})
    if contents and contents[-1]["role"] == "model" and not facts.prefill:
        prompt.warn(f"{prompt.model} does not take the start of its answer; it was asked to continue instead.")
        contents.append({"role": "user", "parts": [{"text": CONTINUATION}]})
    return contents


class _Renderer:
    """Renders one prompt's messages. It remembers the calls, which results name, with the API's own ids."""

    def __init__(self, wire: ContentSettings, prompt: Prompt, facts: ModelFacts) -> None:
        self._wire = wire
        self._prompt = prompt
        self._facts = facts
        self._calls: dict[str, tuple[str, str | None]] = {}

    def render_message(self, message: AIMessage) -> list[dict[str, Any]]:
        """The parts of one message; none for a message that says nothing here."""
        if isinstance(message.content, str):
            return [{"text": message.content}] if message.content else []
        parts: list[dict[str, Any]] = []
        for part in message.content:
            parts += self._render_part(part)
        if message.role == "assistant" and self._facts.signed_calls:
            calls = [part for part in parts if "functionCall" in part]
            if calls and not any("thoughtSignature" in call for call in calls):
                calls[0]["thoughtSignature"] = UNSIGNED_CALL
        return parts

    def _render_part(self, part: Part) -> list[dict[str, Any]]:
        if isinstance(part, Text):
            return [{"text": part.text, **self._own(part)}] if part.text else []
        if isinstance(part, ToolCall):
            return [self._render_call(part)]
        if isinstance(part, ToolResult):
            return self._render_result(part)
        if isinstance(part, Media):
            return self._render_media(part)
        if isinstance(part, Reasoning):
            own = self._own(part)
            return [{"text": part.text, "thought": True, **own}] if "thoughtSignature" in own else []
        if isinstance(part, Refusal):
            return [{"text": part.text}] if part.text else []
        return self._render_provider_part(part)

    def _own(self, part: Text | Reasoning | ToolCall | Media) -> dict[str, Any]:
        """What came with the part from Google and has to go back: fields of a part beside its content."""
        return as_dict(part.provider_data.get(self._wire.origin))

    def _render_call(self, call: ToolCall) -> dict[str, Any]:
        own = dict(self._own(call))
        given = as_str(own.pop("id", None))
        self._calls[call.id] = (call.name, given)
        function: dict[str, Any] = {"name": clean_name(call.name), "args": call.arguments or {}}
        if given:
            function["id"] = given
        return {"functionCall": function, **own}

    def _render_result(self, result: ToolResult) -> list[dict[str, Any]]:
        """The result of a call, with its name and the id that the API gave it. Media stand inside or behind it."""
        called, given = self._calls.get(result.tool_call_id, (None, None))
        answer = {"error": result.text} if result.is_error else _as_object(result.text)
        response: dict[str, Any] = {
            "name": clean_name(called or result.name or result.tool_call_id),
            "response": answer,
        }
        if given:
            response["id"] = given
        media: list[dict[str, Any]] = []
        for part in result.content if isinstance(result.content, list) else []:
            if isinstance(part, Media):
                media += self._render_media(part)
            elif not isinstance(part, Text):
                kind = type(part).__name__
                self._prompt.warn(f"a {kind} in a tool result cannot be sent to {self._wire.name}; it was left out.")
        if self._facts.media_in_results:
            inside = [item for item in media if "inlineData" in item]
            if inside:
                response["parts"] = [{"inlineData": item["inlineData"]} for item in inside]
            media = [item for item in media if "inlineData" not in item]
        return [{"functionResponse": response}, *media]

    def _render_media(self, media: Media) -> list[dict[str, Any]]:
        own = self._own(media)
        media_type = media.media_type or _DEFAULT_TYPES[type(media)]
        if media.data is not None:
            rendered = {"inlineData": {"mimeType": media_type, "data": media.base64}, **own}
        else:
            uri = media.url or self._wire.file_uri(media.file_id or "")
            rendered = {"fileData": {"fileUri": uri, "mimeType": media_type}, **own}
        if isinstance(media, Document) and (media.title or media.context):
            head = "\n".join(text for text in (media.title, media.context) if text)
            return [{"text": head}, rendered]
        return [rendered]

    def _render_provider_part(self, part: ProviderPart) -> list[dict[str, Any]]:
        if part.provider == self._wire.origin:
            return [part.data] if part.kind in REPLAYED_KINDS else []
        self._prompt.warn(f"a part that only {part.provider} knows ({part.kind}) was left out for {self._wire.name}.")
        return []


def _as_object(text: str) -> dict[str, Any]:
    """A result as the object that the API wants: itself if it is one and has no field that means something there."""
    value: Any = None
    if text.startswith("{"):
        with suppress(ValueError):
            value = decode_json(text)
    return value if isinstance(value, dict) and not {"output", "error"} & value.keys() else {"output": text}
