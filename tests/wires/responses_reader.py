"""Reading the recorded requests of other libraries to the Responses API as conversations of ours."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from polydriver.data.messages import (
    AIMessage,
    Document,
    Image,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from polydriver.data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec

M = TypeVar("M", Image, Document)
OPTIONS = (
    "temperature",
    "top_p",
    "top_logprobs",
    "parallel_tool_calls",
    "user",
    "service_tier",
    "prompt_cache_key",
    "store",
)
DRIVER_OPTIONS = ("include", "previous_response_id", "truncation", "background", "max_tool_calls", "safety_identifier")


def read_prompt(body: dict[str, Any]) -> Prompt:
    """Return the prompt that a request stands for."""
    messages = [AIMessage.system(body["instructions"])] if body.get("instructions") else []
    given = body["input"]
    messages += [AIMessage.user(given)] if isinstance(given, str) else [read_item(item) for item in given]
    fields: dict[str, Any] = {name: body[name] for name in OPTIONS if body.get(name) is not None}
    options = {name: body[name] for name in DRIVER_OPTIONS if name in body}
    reasoning, text = body.get("reasoning") or {}, body.get("text") or {}
    for name, value in (("reasoning_summary", reasoning.get("summary")), ("verbosity", text.get("verbosity"))):
        if value is not None:
            options[name] = value
    if (form := text.get("format")) and form["type"] != "text":
        keys = ("name", "schema", "description", "strict")
        fields["response_format"] = OutputFormat(**{key: form[key] for key in keys if form.get(key) is not None})
    choice = body.get("tool_choice")
    return Prompt(
        messages=messages,
        model=body["model"],
        stream=body.get("stream") is True,
        max_tokens=body.get("max_output_tokens"),
        reasoning_effort=reasoning.get("effort"),
        tools=[read_tool(tool) for tool in body.get("tools") or []],
        tool_choice=choice["name"] if isinstance(choice, dict) else choice,
        options=options,
        **fields,
    )


def read_tool(tool: dict[str, Any]) -> ToolSpec | ProviderTool:
    """Return one offered tool."""
    if tool["type"] != "function":
        return ProviderTool(data=tool)
    return ToolSpec(
        name=tool["name"],
        description=tool.get("description") or "",
        parameters=tool.get("parameters") or {},
        strict=tool.get("strict"),
    )


def read_item(item: dict[str, Any]) -> AIMessage:
    """Return one input item as a message of its own."""
    kind = item.get("type", "message")
    if kind == "message":
        content = item["content"]
        if isinstance(content, str):
            return AIMessage(content, item["role"])
        return AIMessage([read_content(piece) for piece in content], item["role"])
    if kind == "function_call":
        return AIMessage.assistant(tool_calls=[ToolCall(item["call_id"], item["name"], json.loads(item["arguments"]))])
    if kind == "function_call_output":
        output = item["output"]
        parts: Any = output if isinstance(output, str) else [read_content(piece) for piece in output]
        return AIMessage([ToolResult(item["call_id"], parts)], "tool")
    if kind == "reasoning":
        kept = {name: value for name, value in item.items() if value is not None}
        return AIMessage([Reasoning("", {"openai": kept})], "assistant")
    return AIMessage([ProviderPart("openai", kind, item)], "assistant")


def read_content(piece: dict[str, Any]) -> Part:
    """Return one entry of a content list."""
    kind = piece["type"]
    if kind in ("input_text", "output_text"):
        return Text(piece["text"])
    if kind == "input_image":
        return read_media(Image, piece.get("image_url"), piece.get("file_id"), detail=piece.get("detail"))
    assert kind == "input_file", kind
    source = piece.get("file_data") or piece.get("file_url")
    return read_media(Document, source, piece.get("file_id"), name=piece.get("filename"))


def read_media(kind: type[M], url: str | None, file_id: str | None, **fields: Any) -> M:
    """Return an image or a document from wherever it is."""
    if url is None:
        return kind.from_id(file_id or "", **fields)
    try:
        return kind.from_url(url, **fields)
    except ValueError:  # the recording holds a note in the place of the bytes
        return kind.from_bytes(b"left out of the recording", url[5:].partition(";")[0], **fields)
