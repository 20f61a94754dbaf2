"""Rendering prompts for Cohere: the request's body and its options. Messages are in `messages`."""

from __future__ import annotations

from typing import Any

from ...data.json import merge
from ...data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from ...prices.model_rules import find_rules
from ..shared.formats import FormatRules, ask_in_words, fit_format
from ..shared.tools import tool_parameters
from .history import render_documents, render_messages
from .options import CohereSettings
from .schemas import render_schema

__all__ = ["render_prompt"]

_FORMATS = FormatRules(beside_tools=False, says_json=False)


def render_prompt(wire: CohereSettings, prompt: Prompt) -> dict[str, Any]:
    """The body of the request; `prompt.extra` is merged last."""
    documents = [*render_documents(wire, prompt), *(prompt.options.get("documents") or [])]
    if documents and prompt.response_format is not None:  # which is refused beside them
        prompt = ask_in_words(prompt, prompt.response_format)
    prompt = fit_format(wire, prompt, _FORMATS, lambda wanted: render_schema(wanted.schema or {}) is not None)
    body: dict[str, Any] = {
        "model": prompt.model,
        "messages": render_messages(wire, prompt),
        "stream": prompt.stream,
    }
    wire.put_options(body, prompt)
    if prompt.tools:
        _render_tools(wire, prompt, body)
    if prompt.response_format is not None:
        body["response_format"] = _render_format(prompt.response_format)
    if (thinking := _render_thinking(wire, prompt)) is not None:
        body["thinking"] = thinking
    options = dict(prompt.options)
    options.pop("documents", None)
    if documents:
        body["documents"] = documents
    body.update(options)
    return merge(body, prompt.extra)


def _render_tools(wire: CohereSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    tools, choice = prompt.tools, prompt.tool_choice
    if choice in ("required", "none"):
        body["tool_choice"] = choice.upper()
    elif choice not in (None, "auto"):
        # There is no way to name a tool; one that must be called, and is the only one, comes to the same.
        tools = [tool for tool in tools if not isinstance(tool, ToolSpec) or tool.name == choice]
        body["tool_choice"] = "REQUIRED"
    specs = [tool for tool in tools if isinstance(tool, ToolSpec)]
    schemas = {tool.name: render_schema(tool.parameters) for tool in specs if tool.strict}
    if schemas and len(schemas) == len(specs) and None not in schemas.values():
        body["strict_tools"] = True
    elif schemas:
        prompt.warn(
            f"{wire.name} is strict with all tools at once or none, and with schemas that it can keep to; "
            "strict was left out."
        )
        schemas = {}
    body["tools"] = [_render_tool(wire, tool, schemas) for tool in tools]


def _render_tool(
    wire: CohereSettings, tool: ToolSpec | ProviderTool, schemas: dict[str, dict[str, Any] | None]
) -> dict[str, Any]:
    if isinstance(tool, ProviderTool):
        return tool.data
    function: dict[str, Any] = {"name": tool.name, "parameters": schemas.get(tool.name) or tool_parameters(tool)}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _render_format(wanted: OutputFormat) -> dict[str, Any]:
    if wanted.schema is None:
        return {"type": "json_object"}
    return {"type": "json_object", "json_schema": render_schema(wanted.schema)}


def _render_thinking(wire: CohereSettings, prompt: Prompt) -> dict[str, Any] | None:
    """Thinking is on, with a budget of tokens or without, or off: there are no degrees."""
    budget, effort = prompt.reasoning_budget, prompt.reasoning_effort
    if budget is not None and find_rules(wire.name, prompt.model).efforts == ():
        if budget:
            prompt.warn(f"{prompt.model} does not reason; reasoning_budget was left out.")
        return None
    if budget == 0 or (budget is None and effort == "none"):
        return {"type": "disabled"}
    if budget is not None:
        return {"type": "enabled", "token_budget": budget} if budget > 0 else {"type": "enabled"}
    if effort is None:
        return None
    if effort != "high":
        prompt.warn(
            f"{wire.name} does not support degrees of reasoning_effort: {effort!r} switches reasoning on. "
            "Use reasoning_budget."
        )
    return {"type": "enabled"}
