"""Rendering tools, the choice among them, and the wanted form of the answer.

https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use.html and `/structured-output.html`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...data.json import encode_json
from ...data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from ..messages.schemas import render_schema
from ..shared.tools import free_tool_name
from .options import ConverseSettings

__all__ = ["find_output_tool", "render_output", "render_tools"]


def render_tools(wire: ConverseSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Set `toolConfig`. `messages` are in the body already: calls in the history ask for it even without tools."""
    called = list(dict.fromkeys(_called_names(body["messages"])))
    if not prompt.tools or (prompt.tool_choice == "none" and not called):
        if called:
            body["toolConfig"] = {"tools": [_declare(name, {"type": "object"}) for name in called]}
        return
    config: dict[str, Any] = {"tools": [_render_tool(wire, prompt, tool) for tool in prompt.tools]}
    choice = prompt.tool_choice
    if choice == "none":
        prompt.warn(f"{wire.name} cannot forbid tools that the history calls; tool_choice was left out.")
    elif choice is not None:
        words: dict[str, dict[str, Any]] = {"auto": {"auto": {}}, "required": {"any": {}}}
        config["toolChoice"] = words.get(choice) or {"tool": {"name": choice}}
    if prompt.parallel_tool_calls is False:
        prompt.warn(f"{wire.name} does not support parallel_tool_calls; it was left out.")
    body["toolConfig"] = config


def _called_names(messages: list[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        for block in message["content"]:
            if "toolUse" in block and block["toolUse"].get("type") != "server_tool_use":
                yield block["toolUse"]["name"]


def _declare(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"toolSpec": {"name": name, "inputSchema": {"json": schema}}}


def _render_tool(wire: ConverseSettings, prompt: Prompt, tool: ToolSpec | ProviderTool) -> dict[str, Any]:
    """One entry of `tools`. A strict tool whose schema the API cannot promise to keep to is offered as a plain one."""
    if isinstance(tool, ProviderTool):
        return tool.data
    schema: dict[str, Any] = {"type": "object", "properties": {}, **tool.parameters}
    closed = _closed(wire, prompt, schema) if tool.strict else None
    rendered = _declare(tool.name, closed or schema)
    if tool.description.strip():
        rendered["toolSpec"]["description"] = tool.description
    if closed is not None:
        rendered["toolSpec"]["strict"] = True
    elif tool.strict:
        prompt.warn(
            f"{wire.name} cannot keep to the schema of the tool {tool.name!r} exactly; it is offered without strict."
        )
    return rendered


def _closed(wire: ConverseSettings, prompt: Prompt, schema: dict[str, Any]) -> dict[str, Any] | None:
    """The schema in the subset that Bedrock can promise to keep to, which is the one of Claude's own API."""
    if not wire.family(prompt.model).structured:
        return None
    return render_schema(schema) if schema.get("properties") else {**schema, "additionalProperties": False}


def render_output(wire: ConverseSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Ask for JSON: by `outputConfig.textFormat` where model and schema allow it, else by a forced tool."""
    wanted = prompt.response_format
    if wanted is None:
        return
    if (schema := _native_schema(wire, prompt, wanted)) is not None:
        definition = {"name": wanted.name, "schema": encode_json(schema).decode()}
        if wanted.description:
            definition["description"] = wanted.description
        body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}
        return
    name = find_output_tool(wire, prompt) or wanted.name
    tool = _declare(name, wanted.schema or {"type": "object"})
    tool["toolSpec"]["description"] = wanted.description or "Gives the final answer. Call it once, at the end."
    config = body.setdefault("toolConfig", {"tools": []})
    config["tools"] = [*config["tools"], tool]
    if prompt.tool_choice in (None, "none"):
        free = prompt.tools and prompt.tool_choice is None
        config["toolChoice"] = {"any": {}} if free else {"tool": {"name": name}}


def _native_schema(wire: ConverseSettings, prompt: Prompt, wanted: OutputFormat) -> dict[str, Any] | None:
    if wanted.schema is None or wanted.strict is False or not wire.family(prompt.model).structured:
        return None
    return render_schema(wanted.schema)


def find_output_tool(wire: ConverseSettings, prompt: Prompt) -> str | None:
    """The name of the tool that stands in for structured output; `None` when none is wanted, or the API has its own."""
    wanted = prompt.response_format
    if wanted is None or _native_schema(wire, prompt, wanted) is not None:
        return None
    return free_tool_name(prompt, wanted.name)
