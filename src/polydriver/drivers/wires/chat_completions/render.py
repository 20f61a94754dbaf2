"""Rendering prompts as Chat Completions requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....data.json import encode_json
from ....data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from ....data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec

if TYPE_CHECKING:
    from . import ChatCompletions

__all__ = ["render_messages", "render_prompt", "render_response_format", "render_tool"]

_OPTIONS = (
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "reasoning_effort",
    "parallel_tool_calls",
    "user",
    "service_tier",
    "prompt_cache_key",
    "store",
    "modalities",
    "audio",
)


def render_prompt(wire: ChatCompletions, prompt: Prompt) -> dict[str, Any]:
    """The body of the request; `prompt.extra` is merged last."""
    body: dict[str, Any] = {"model": prompt.model, "messages": render_messages(wire, prompt)}
    for option in _OPTIONS:
        value = getattr(prompt, option)
        if value is not None:
            _set_option(wire, prompt, body, option, value)
    if prompt.max_tokens is not None:
        body[wire.max_tokens_field] = prompt.max_tokens
    if prompt.reasoning_budget is not None:
        prompt.warn(f"{wire.name} takes no reasoning_budget on this API; it was left out. Use reasoning_effort.")
    if prompt.tools:
        body["tools"] = [render_tool(tool) for tool in prompt.tools]
        if prompt.tool_choice is not None:
            body["tool_choice"] = _render_tool_choice(prompt.tool_choice)
    else:
        body.pop("parallel_tool_calls", None)
    if prompt.response_format is not None:
        body["response_format"] = render_response_format(prompt.response_format)
    if prompt.stream:
        body["stream"] = True
        if wire.stream_usage:
            body["stream_options"] = {"include_usage": True}
    body.update(prompt.options)
    body.update(prompt.extra)
    return body


def _set_option(wire: ChatCompletions, prompt: Prompt, body: dict[str, Any], option: str, value: Any) -> None:
    field = wire.option_fields.get(option, option)
    if field is None:
        prompt.warn(f"{wire.name} takes no {option}; it was left out.")
    else:
        body[field] = value


def render_tool(tool: ToolSpec | ProviderTool) -> dict[str, Any]:
    """One entry of `tools`."""
    if isinstance(tool, ProviderTool):
        return tool.data
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function["parameters"], strict = _strictly(parameters, tool.strict)
    if strict is not None:
        function["strict"] = strict
    return {"type": "function", "function": function}


def _render_tool_choice(choice: str) -> Any:
    return choice if choice in ("auto", "none", "required") else {"type": "function", "function": {"name": choice}}


def render_response_format(wanted: OutputFormat) -> dict[str, Any]:
    """The `response_format` object."""
    if wanted.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": wanted.name}
    schema["schema"], strict = _strictly(wanted.schema, wanted.strict)
    if wanted.description:
        schema["description"] = wanted.description
    if strict is not None:
        schema["strict"] = strict
    return {"type": "json_schema", "json_schema": schema}


def _strictly(schema: dict[str, Any], strict: bool | None) -> tuple[dict[str, Any], bool | None]:
    """The schema in the strict subset and `True`, if that is wanted and can be; else the schema as it is."""
    if not strict:
        return schema, strict
    from ....schema import strict_schema

    changed = strict_schema(schema)
    return (changed, True) if changed is not None else (schema, False)


def render_messages(wire: ChatCompletions, prompt: Prompt) -> list[dict[str, Any]]:
    """The `messages` list. Tool results become messages of their own, ahead of what else their message says."""
    rendered: list[dict[str, Any]] = []
    for message in prompt.messages:
        content = message.content
        if isinstance(content, str):
            plain: dict[str, Any] = {"role": message.role, "content": content}
            if message.name:
                plain["name"] = message.name
            rendered.append(plain)
        elif message.role == "assistant":
            rendered.append(_render_assistant(wire, message))
        else:
            _render_input(wire, prompt, message, rendered)
    return rendered


def _render_assistant(wire: ChatCompletions, message: AIMessage) -> dict[str, Any]:
    calls = [_render_call(wire, part) for part in message.parts if isinstance(part, ToolCall)]
    own = message.provider_data.get(wire.origin, {})
    rendered: dict[str, Any] = {"role": "assistant"}
    text = message.text
    if text or not (calls or "audio" in own):
        rendered["content"] = text
    if message.name:
        rendered["name"] = message.name
    if calls:
        rendered["tool_calls"] = calls
    if wire.replay_reasoning:
        thoughts = "".join(
            part.text for part in message.parts if isinstance(part, Reasoning) and wire.origin in part.provider_data
        )
        if thoughts:
            rendered[wire.replay_reasoning] = thoughts
    rendered.update(own)
    return rendered


def _render_call(wire: ChatCompletions, call: ToolCall) -> dict[str, Any]:
    arguments = encode_json(call.arguments).decode() if call.arguments is not None else "{}"
    own = call.provider_data.get(wire.origin, {})
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}, **own}


def _render_input(wire: ChatCompletions, prompt: Prompt, message: AIMessage, rendered: list[dict[str, Any]]) -> None:
    shown: list[Part] = []  # what a tool message cannot hold follows as the user's
    for part in message.parts:
        if isinstance(part, ToolResult):
            rendered.append({"role": "tool", "tool_call_id": part.tool_call_id, "content": part.text})
            if isinstance(part.content, list):
                shown += [inner for inner in part.content if isinstance(inner, Image | Audio | Video | Document)]
    if shown:
        prompt.warn(
            f"{wire.name} takes only text from tools; images and files in tool results were sent as the user's message."
        )
    shown += [part for part in message.parts if not isinstance(part, ToolResult)]
    content = [entry for part in shown if (entry := _render_part(wire, prompt, part)) is not None]
    if not content and any(isinstance(part, ToolResult) for part in message.parts):
        return
    role = "user" if message.role == "tool" else message.role
    plain = role in ("system", "developer") or all(entry["type"] == "text" for entry in content)
    body: dict[str, Any] = {"role": role, "content": _join(content) if plain else content}
    if message.name:
        body["name"] = message.name
    rendered.append(body)


def _join(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """One text as a string, which every service takes; several keep their borders."""
    return content[0]["text"] if len(content) == 1 else (content or "")


def _render_part(wire: ChatCompletions, prompt: Prompt, part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        image: dict[str, Any] = {"url": part.url or part.data_url("image/png")}
        if part.detail:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, Audio):
        if part.data is None:
            raise wire.unsupported("audio by URL or id; give the bytes (Audio.from_path or from_bytes)")
        return {"type": "input_audio", "input_audio": {"data": part.base64, "format": part.format}}
    if isinstance(part, Document):
        return _render_document(wire, part)
    if isinstance(part, Video):
        raise wire.unsupported("video input")
    if isinstance(part, ProviderPart) and part.provider == wire.origin:
        return part.data
    if not isinstance(part, Reasoning):
        prompt.warn(f"a {type(part).__name__} cannot be sent to {wire.name} in this place; it was left out.")
    return None


def _render_document(wire: ChatCompletions, part: Document) -> dict[str, Any]:
    kind = part.media_type or "application/pdf"
    if part.file_id:
        return {"type": "file", "file": {"file_id": part.file_id}}
    if part.data is None:
        raise wire.unsupported("documents by URL; give the bytes (Document.from_path or from_bytes)")
    if kind.startswith("text/") or kind == "application/json":
        head = f"{part.title or part.name}:\n" if part.title or part.name else ""
        return {"type": "text", "text": head + part.data.decode("utf-8", "replace")}
    return {
        "type": "file",
        "file": {"filename": part.name or "document.pdf", "file_data": part.data_url("application/pdf")},
    }
