"""Reading the recorded requests of other libraries to Chat Completions as conversations of ours."""

from __future__ import annotations

import json
from typing import Any

from polydriver.data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Video,
)
from polydriver.data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec

__all__ = ["read_prompt"]

OPTIONS = (
    "temperature",
    "top_p",
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
    "store",
    "modalities",
    "audio",
)


def read_prompt(body: dict[str, Any], origin: str) -> Prompt:
    """Return the prompt that a request stands for; `origin` is whose reasoning stands in it."""
    fields: dict[str, Any] = {name: body[name] for name in OPTIONS if body.get(name) is not None}
    if (form := body.get("response_format")) and form["type"] != "text":
        schema = form.get("json_schema") or {}
        keys = ("name", "schema", "description", "strict")
        fields["response_format"] = OutputFormat(**{key: schema[key] for key in keys if schema.get(key) is not None})
    if body.get("stop") is not None:
        fields["stop"] = [body["stop"]] if isinstance(body["stop"], str) else body["stop"]
    choice = body.get("tool_choice")
    limit = body.get("max_completion_tokens")
    return Prompt(
        messages=[read_message(message, origin) for message in body["messages"]],
        model=body["model"],
        stream=body.get("stream") is True,
        max_tokens=limit if limit is not None else body.get("max_tokens"),
        tools=[read_tool(tool) for tool in body.get("tools") or []],
        tool_choice=choice["function"]["name"] if isinstance(choice, dict) else choice,
        **fields,
    )


def read_tool(tool: dict[str, Any]) -> ToolSpec | ProviderTool:
    """Return a function of the caller, or what the provider runs itself."""
    if "function" not in tool:
        return ProviderTool(data=tool)
    keys = ("name", "description", "parameters", "strict")
    return ToolSpec(**{key: tool["function"][key] for key in keys if tool["function"].get(key) is not None})


def read_message(message: dict[str, Any], origin: str) -> AIMessage:
    """Return one message, with the results of tools as parts."""
    role, content = message["role"], message.get("content")
    if role == "tool":
        text = content if isinstance(content, str) else "".join(item.get("text") or "" for item in content or [])
        return AIMessage.tool(message["tool_call_id"], text)
    thought = message.get("reasoning_content") or message.get("reasoning")
    parts: list[Part] = [Reasoning(thought, provider_data={origin: {}})] if thought else []
    if isinstance(content, str):
        parts += [Text(content)] if content else []
    else:
        parts += [read_part(item, origin) for item in content or []]
    parts += [Refusal(message["refusal"])] if message.get("refusal") else []
    parts += [read_call(call) for call in message.get("tool_calls") or []]
    plain = len(parts) == 1 and isinstance(parts[0], Text)
    return AIMessage(parts[0].text if plain and isinstance(parts[0], Text) else parts, role, name=message.get("name"))


def read_call(call: dict[str, Any]) -> ToolCall:
    """Return one call."""
    function = call["function"]
    return ToolCall(call["id"], function["name"], json.loads(function.get("arguments") or "{}"))


def read_part(item: dict[str, Any], origin: str) -> Part:
    """Return one item of a content list."""
    kind = item["type"]
    if kind == "thinking":
        return Reasoning("".join(piece["text"] for piece in item["thinking"]), provider_data={origin: {}})
    if kind == "image_url":
        url = item["image_url"]["url"]
        return Image(data=b"\x89PNG", media_type="image/png") if url.startswith("data:") else Image.from_url(url)
    if kind == "input_audio":
        return Audio.from_bytes(b"RIFF", "audio/wav")
    if kind in ("file", "document_url"):
        return Document.from_bytes(b"%PDF-1.7", "application/pdf")
    if kind == "video_url":
        return Video.from_url("https://example.org/video.mp4")
    return Text(item.get("text") or item.get("refusal") or "")
