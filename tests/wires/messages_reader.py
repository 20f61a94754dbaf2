"""Reading Messages requests that other libraries made as conversations of ours: the inverse of rendering."""

from __future__ import annotations

from typing import Any

from polydriver.data.messages import (
    AIMessage,
    Document,
    Image,
    Media,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from polydriver.data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec

__all__ = ["read_request"]

ORIGIN = "anthropic"
OPTIONS = ("cache_control", "container", "mcp_servers")
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read_request(body: dict[str, Any]) -> Prompt:
    """Return the prompt that a request body stands for."""
    messages = []
    if system := body.get("system"):
        messages.append(AIMessage(_parts(system), "system"))
    messages += [AIMessage(_parts(message["content"]), message["role"]) for message in body["messages"]]
    choice = body.get("tool_choice") or {}
    parallel = choice.get("disable_parallel_tool_use")
    thinking, config = body.get("thinking") or {}, body.get("output_config") or {}
    wanted = (config.get("format") or body.get("output_format") or {}).get("schema")
    effort = config.get("effort") or ("none" if thinking.get("type") == "disabled" else None)
    return Prompt(
        messages=messages,
        model=body["model"],
        stream=body.get("stream", False),
        max_tokens=body.get("max_tokens"),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        top_k=body.get("top_k"),
        stop=body.get("stop_sequences"),
        tools=[_tool(tool) for tool in body.get("tools") or []],
        tool_choice=choice.get("name") or CHOICES.get(choice.get("type", "")),
        parallel_tool_calls=None if parallel is None else not parallel,
        reasoning_budget=thinking.get("budget_tokens"),
        reasoning_effort=effort,
        response_format=OutputFormat(schema=wanted) if wanted else None,
        options={"system_in_place": True, **{name: body[name] for name in OPTIONS if name in body}},
    )


def _tool(tool: dict[str, Any]) -> ToolSpec | ProviderTool:
    if tool.get("type") or not tool.keys() <= {"name", "description", "input_schema", "strict"}:
        return ProviderTool(data=tool)
    return ToolSpec(
        name=tool["name"],
        description=tool.get("description", ""),
        parameters=tool["input_schema"],
        strict=tool.get("strict"),
    )


def _parts(content: str | list[dict[str, Any]]) -> str | list[Part]:
    return content if isinstance(content, str) else [_part(block) for block in content]


def _part(block: dict[str, Any]) -> Part:
    kind = block["type"]
    own = {ORIGIN: {"cache_control": block["cache_control"]}} if "cache_control" in block else {}
    if kind == "text":
        citations = block.get("citations") or []
        return Text(block["text"], citations, {ORIGIN: {}, **own} if citations else own)
    if kind == "thinking":
        return Reasoning(block["thinking"], {ORIGIN: {"signature": block["signature"]}})
    if kind == "redacted_thinking":
        return Reasoning("", {ORIGIN: {"redacted_data": block["data"]}})
    if kind == "tool_use":
        return ToolCall(block["id"], block["name"], block["input"], None, own)
    if kind == "tool_result":
        return ToolResult(
            block["tool_use_id"],
            _parts(block.get("content", "")),
            is_error=block.get("is_error", False),
            provider_data=own,
        )
    if kind == "image":
        return _media(Image, block["source"], own)
    if kind == "document":
        return _media(Document, block["source"], own, title=block.get("title"), context=block.get("context"))
    return ProviderPart(provider=ORIGIN, kind=kind, data=block)


def _media(kind: type[Media], source: dict[str, Any], own: dict[str, Any], **fields: Any) -> Any:
    if source["type"] == "url":
        return kind(url=source["url"], provider_data=own, **fields)
    if source["type"] == "file":
        return kind(file_id=source["file_id"], provider_data=own, **fields)
    if source["type"] == "text":
        return kind(data=source["data"].encode(), media_type="text/plain", provider_data=own, **fields)
    return kind.from_base64(source["data"], source["media_type"], provider_data=own, **fields)
