"""Rendering tools, the choice among them, and the wanted form of the answer.

https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use.html and `/structured-output.html`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...data.json import encode_json
from ...data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from ..messages.schemas import StrictBudget, close_arguments, describe_tool, object_schema, render_schema
from ..shared.formats import ask_in_words
from ..shared.strict import clean_name
from ..shared.tools import free_tool_name
from .options import ConverseSettings

__all__ = ["find_output_tool", "fit_output", "render_output", "render_tools"]


def render_tools(wire: ConverseSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Set `toolConfig`. `messages` are in the body already: calls in the history ask for it even without tools."""
    called = list(dict.fromkeys(_called_names(body["messages"])))
    if not prompt.tools or (prompt.tool_choice == "none" and not called):
        if called:
            body["toolConfig"] = {"tools": [_declare(name, {"type": "object"}) for name in called]}
        return
    if not wire.family(prompt.model).tools:
        raise wire.unsupported(f"tools with the model {prompt.model}")
    budget = StrictBudget()
    if prompt.response_format is not None and (form := _native_schema(wire, prompt, prompt.response_format)):
        budget.take(form, is_tool=False)
    config: dict[str, Any] = {"tools": [_render_tool(wire, prompt, tool, budget) for tool in prompt.tools]}
    if prompt.tool_choice == "none":
        prompt.warn(f"{wire.name} cannot forbid tools that the history calls; tool_choice was left out.")
    elif prompt.tool_choice is not None:
        _render_choice(wire, prompt, config, prompt.tool_choice, called)
    if prompt.parallel_tool_calls is False:
        prompt.warn(f"{wire.name} does not support parallel_tool_calls; it was left out.")
    body["toolConfig"] = config


def _render_choice(
    wire: ConverseSettings, prompt: Prompt, config: dict[str, Any], choice: str, called: list[str]
) -> None:
    """The choice as the model takes it. A tool that cannot be named is the only one offered beside those called."""
    choices = wire.family(prompt.model).choices
    if choice == "auto":
        if "auto" in choices:
            config["toolChoice"] = {"auto": {}}
        return
    if choice != "required":
        if "tool" in choices:
            config["toolChoice"] = {"tool": {"name": choice}}
            return
        kept = {choice, *called}
        config["tools"] = [tool for tool in config["tools"] if tool.get("toolSpec", {}).get("name") in kept]
        if len(config["tools"]) == 1 and "any" in choices:
            config["toolChoice"] = {"any": {}}
            return
    elif "any" in choices:
        config["toolChoice"] = {"any": {}}
        return
    prompt.warn(f"{prompt.model} cannot be made to call a tool; tool_choice {choice!r} was left out.")


def _called_names(messages: list[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        for block in message["content"]:
            if "toolUse" in block and block["toolUse"].get("type") != "server_tool_use":
                yield block["toolUse"]["name"]


def _declare(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"toolSpec": {"name": name, "inputSchema": {"json": schema}}}


def _render_tool(
    wire: ConverseSettings, prompt: Prompt, tool: ToolSpec | ProviderTool, budget: StrictBudget
) -> dict[str, Any]:
    """One entry of `tools`. A strict tool whose schema the API cannot promise to keep to is offered as a plain one."""
    if isinstance(tool, ProviderTool):
        return tool.data
    description = tool.description
    arguments = object_schema({"type": "object", **tool.parameters})
    if arguments is None:
        description, arguments = describe_tool(description, tool.parameters)
    schema: dict[str, Any] = {"properties": {}, **arguments}
    closed = _closed(wire, prompt, schema) if tool.strict else None
    if closed is not None and not budget.take(closed, is_tool=True):
        closed = None
    rendered = _declare(tool.name, closed or schema)
    if description.strip():
        rendered["toolSpec"]["description"] = description
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
    return close_arguments(schema)


def render_output(wire: ConverseSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Ask for JSON: by `outputConfig.textFormat` where model and schema allow it, else by a forced tool."""
    wanted = prompt.response_format
    if wanted is None:
        return
    if (schema := _native_schema(wire, prompt, wanted)) is not None:
        definition = {"name": clean_name(wanted.name), "schema": encode_json(schema).decode()}
        if wanted.description:
            definition["description"] = wanted.description
        body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}
        return
    name = find_output_tool(wire, prompt)
    if name is None:
        return
    tool = _declare(name, object_schema(wanted.schema or {}) or {"type": "object"})
    tool["toolSpec"]["description"] = wanted.description or "Gives the final answer. Call it once, at the end."
    config = body.setdefault("toolConfig", {"tools": []})
    config["tools"] = [*config["tools"], tool]
    if prompt.tool_choice in (None, "none"):
        free = prompt.tools and prompt.tool_choice is None
        config["toolChoice"] = {"any": {}} if free else {"tool": {"name": name}}


def fit_output(wire: ConverseSettings, prompt: Prompt) -> Prompt:
    """The prompt itself, or one that asks for JSON in words, where neither a schema nor a forced tool does it."""
    wanted = prompt.response_format
    if wanted is None or _native_schema(wire, prompt, wanted) is not None or _can_force(wire, prompt):
        return prompt
    return ask_in_words(prompt, wanted)


def _can_force(wire: ConverseSettings, prompt: Prompt) -> bool:
    family, wanted = wire.family(prompt.model), prompt.response_format
    if wanted is None or not family.tools or "tool" not in family.choices:
        return False
    return wanted.schema is None or object_schema(wanted.schema) is not None


def _native_schema(wire: ConverseSettings, prompt: Prompt, wanted: OutputFormat) -> dict[str, Any] | None:
    if wanted.schema is None or wanted.strict is False or not wire.family(prompt.model).structured:
        return None
    return render_schema(wanted.schema)


def find_output_tool(wire: ConverseSettings, prompt: Prompt) -> str | None:
    """The name of the tool that stands in for structured output; `None` when none is wanted, or the API has its own."""
    wanted = prompt.response_format
    if wanted is None or _native_schema(wire, prompt, wanted) is not None or not _can_force(wire, prompt):
        return None
    return free_tool_name(prompt, wanted.name)
