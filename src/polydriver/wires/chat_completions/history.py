"""Rendering conversations as the `messages` of Chat Completions."""

from __future__ import annotations

import re
from typing import Any

from ...data.arguments import make_call_id, plain_name
from ...data.json import as_list, encode_json
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
from ...data.prompt import Prompt, ToolSpec
from ..shared.media import is_in_storage
from .media import render_audio, render_document
from .options import ChatSettings

__all__ = ["ChatHistory", "merge_roles"]

_NOT_IN_NAMES = re.compile(r"[\s<>|/\\]+")
_LONGEST_NAME = 64
_LONGEST_CALL_ID = 40


def _render_messages(wire: ChatHistory, prompt: Prompt) -> list[dict[str, Any]]:
    """The `messages` list. Tool results become messages of their own, ahead of what else their message says."""
    rendered: list[dict[str, Any]] = []
    usual = type(wire).render_answer is ChatHistory.render_answer
    thoughtful = _turns_with_tools(prompt.messages) if wire.replay_only_with_tools else None
    for position, message in enumerate(prompt.messages):
        content = message.content
        if message.role == "assistant":
            parts = message.parts
            if usual and len(parts) == 1 and type(parts[0]) is Text and parts[0].text and not message.provider_data:
                said = {"role": "assistant", "content": parts[0].text}
                rendered.append({**said, "name": message.name} if message.name else said)
                continue
            replay = thoughtful is None or position in thoughtful
            rendered += _render_assistant(wire, prompt, message, replay=replay)
        elif isinstance(content, str):
            plain: dict[str, Any] = {"role": _role(wire, message), "content": content}
            if message.name:
                plain["name"] = message.name
            rendered.append(plain)
        else:
            _render_input(wire, prompt, message, rendered)
    if wire.marks_prefix and rendered and rendered[-1]["role"] == "assistant" and "tool_calls" not in rendered[-1]:
        rendered[-1]["prefix"] = True
    return rendered


def merge_roles(rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with neighbours of one role made one, for services that demand strict alternation."""
    merged: list[dict[str, Any]] = []
    for message in rendered:
        if merged and merged[-1]["role"] == message["role"]:
            before, after = merged[-1]["content"], message["content"]
            if isinstance(before, str) and isinstance(after, str):
                joined: Any = "\n\n".join(text for text in (before, after) if text)
            else:
                joined = [*_as_items(before), *_as_items(after)]
            merged[-1] = {**merged[-1], **message, "content": joined}
        else:
            merged.append(message)
    return merged


def _as_items(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []


def _turns_with_tools(messages: list[AIMessage]) -> set[int]:
    """The positions of the assistant's messages in turns (from one user's message to the next) that call tools."""
    found: set[int] = set()
    turn: list[int] = []
    called = False
    for position, message in enumerate(messages):
        if message.role == "user" and not any(isinstance(part, ToolResult) for part in message.parts):
            turn, called = [], False
        elif message.role == "assistant":
            turn.append(position)
            called = called or bool(message.tool_calls)
            if called:
                found.update(turn)
    return found


def _render_answer(wire: ChatHistory, message: AIMessage) -> str:
    """What an assistant's message says. Another provider's speech counts by its transcript; its own goes back by id."""
    spoken = "audio" not in message.provider_data.get(wire.origin, {})
    said = ""
    for part in message.parts:
        if isinstance(part, Text | Refusal):
            said += part.text
        elif isinstance(part, Audio) and spoken:
            said += part.transcript or ""
    return said


def _render_assistant(wire: ChatHistory, prompt: Prompt, message: AIMessage, *, replay: bool) -> list[dict[str, Any]]:
    """The message; none when nothing of it can be said here, since many services refuse empty ones."""
    offered = {tool.name for tool in prompt.tools if isinstance(tool, ToolSpec)}
    calls = [_render_call(wire, part, offered) for part in message.parts if isinstance(part, ToolCall)]
    own = message.provider_data.get(wire.origin, {})
    rendered: dict[str, Any] = {"role": "assistant"}
    content = wire.render_answer(message)
    if content or not (calls or "audio" in own):
        rendered["content"] = content
    if message.name:
        rendered["name"] = message.name
    if calls:
        rendered["tool_calls"] = calls
    thoughts = [part for part in message.parts if isinstance(part, Reasoning) and wire.origin in part.provider_data]
    if thoughts and replay:
        rendered.update(_render_reasoning(wire, thoughts))
    if wire.requires_reasoning and wire.replay_reasoning and calls:
        rendered.setdefault(wire.replay_reasoning, " ")
    if any(isinstance(part, Media) for part in message.parts) and "audio" not in own:
        prompt.warn(f"{wire.name} does not support images or sound in the assistant's messages; they were left out.")
    for part in message.parts:
        if isinstance(part, ProviderPart) and part.provider != wire.origin:
            prompt.warn(f"{part.kind} of {part.provider} means nothing to {wire.name}; it was left out.")
    return [{**rendered, **own}] if content or calls or own else []


def _fit_speakers(wire: ChatHistory, prompt: Prompt, rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Names of speakers where the service takes them, in the alphabet that it takes."""
    for message in rendered:
        name = message.pop("name", None)
        if name is None or message["role"] == "tool":
            continue
        if wire.speaker_names == "none" or (wire.speaker_names == "users" and message["role"] != "user"):
            prompt.warn(f"{wire.name} does not support names of speakers of the role {message['role']}; left out.")
        elif clean := _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]:
            message["name"] = clean
    return rendered


def _render_reasoning(wire: ChatHistory, thoughts: list[Reasoning]) -> dict[str, Any]:
    """The service's own reasoning: its details as they came, or else its text where the service wants that."""
    details = [
        detail for part in thoughts for detail in as_list(part.provider_data[wire.origin].get("reasoning_details"))
    ]
    if details:
        return {"reasoning_details": details}
    text = "".join(part.text for part in thoughts)
    return {wire.replay_reasoning: text} if wire.replay_reasoning and text else {}


def _render_call(wire: ChatHistory, call: ToolCall, offered: set[str]) -> dict[str, Any]:
    """The call; a name that is offered is one that the service takes, even if OpenAI would not."""
    arguments = encode_json(call.arguments).decode() if call.arguments is not None else "{}"
    own = call.provider_data.get(wire.origin, {})
    function = {"name": call.name if call.name in offered else plain_name(call.name), "arguments": arguments}
    return {"id": wire.render_call_id(call.id), "type": "function", "function": function, **own}


def _render_input(wire: ChatHistory, prompt: Prompt, message: AIMessage, rendered: list[dict[str, Any]]) -> None:
    shown: list[Part] = []  # what a tool message cannot hold follows as the user's
    for part in message.parts:
        if isinstance(part, ToolResult):
            call_id = wire.render_call_id(part.tool_call_id)
            rendered.append({"role": "tool", "tool_call_id": call_id, "content": part.text})
            if isinstance(part.content, list):
                shown += [inner for inner in part.content if isinstance(inner, Image | Audio | Video | Document)]
    if shown:
        prompt.warn(
            f"{wire.name} takes text alone from tools; images and files of results were sent as the user's message."
        )
    shown += [part for part in message.parts if not isinstance(part, ToolResult)]
    if (role := _role(wire, message)) in ("system", "developer") and any(isinstance(part, Media) for part in shown):
        prompt.warn(f"{wire.name} takes text alone in messages of the role {role}; images and files were left out.")
        shown = [part for part in shown if not isinstance(part, Media)]
    content = [entry for part in shown if (entry := _render_part(wire, prompt, part)) is not None]
    if not content and any(isinstance(part, ToolResult) for part in message.parts):
        return
    plain = role in ("system", "developer") or all(entry["type"] == "text" for entry in content)
    body: dict[str, Any] = {"role": role, "content": _join(content) if plain else content}
    if message.name:
        body["name"] = message.name
    rendered.append(body)


def _role(wire: ChatHistory, message: AIMessage) -> str:
    """Who speaks, beside the results of tools. OpenAI alone tells the developer from the system."""
    if message.role == "tool":
        return "user"
    return "system" if message.role == "developer" and not wire.developer_role else message.role


def _join(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """One text as a string, which every service takes; several keep their borders."""
    return content[0]["text"] if len(content) == 1 else (content or "")


def _render_part(wire: ChatHistory, prompt: Prompt, part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        if part.file_id and not part.url and part.data is None:
            raise wire.unread(part, "images by id on the Chat Completions API; give the bytes or a URL")
        if is_in_storage(part):
            raise wire.unread(part, "images in cloud storage; give the bytes, or an http(s) URL")
        image: dict[str, Any] = {"url": part.url or part.data_url("image/png")}
        if part.detail:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, Audio):
        return wire.render_audio(part)
    if isinstance(part, Document):
        return wire.render_document(part)
    if isinstance(part, Video):
        return wire.render_video(part)
    if isinstance(part, ProviderPart) and part.provider == wire.origin:
        return part.data
    if not isinstance(part, Reasoning):
        prompt.warn(f"a {type(part).__name__} cannot be sent to {wire.name} in this place; it was left out.")
    return None


class ChatHistory(ChatSettings, kw_only=True, eq=False):
    """Renders conversations. The methods are for services whose difference is more than a name."""

    def render_messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        """The `messages` list."""
        rendered = _render_messages(self, prompt)
        for message in prompt.messages:
            if message.name:
                return _fit_speakers(self, prompt, rendered)
        return rendered

    def render_answer(self, message: AIMessage) -> Any:
        """The content of an assistant's message: what it said, refusals and the words of speech among it."""
        return _render_answer(self, message)

    def render_call_id(self, call_id: str) -> str:
        """The id of a call as the service takes it, 40 characters at most with OpenAI: the same for call and result."""
        return call_id if 0 < len(call_id) <= _LONGEST_CALL_ID else make_call_id(call_id, 0)

    def render_audio(self, part: Audio) -> dict[str, Any]:
        """Sound as an item of a content list. Raises `UnsupportedFeatureError` for what the service can't read."""
        return render_audio(self, part)

    def render_document(self, part: Document) -> dict[str, Any]:
        """A document as an item of a content list. Raises `UnsupportedFeatureError` as `render_audio` does."""
        return render_document(self, part)

    def render_video(self, part: Video) -> dict[str, Any]:
        """A video as an item of a content list. Raises `UnsupportedFeatureError` unless a service has them."""
        raise self.unread(part, "video input")
