"""Rendering prompts as requests of the Responses API: options, tools and the wanted form. The input is in `items`."""

from __future__ import annotations

from typing import Any

from ...data.http import Request
from ...data.json import as_dict, as_list, as_str, encode_json, merge
from ...data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from ..shared.formats import JSON_WORDS, fit_format
from ..shared.strict import clean_name, render_strictly
from .history import render_input
from .options import NESTED_OPTIONS, ResponsesSettings

__all__ = ["ResponsesRequests", "render_tool"]

_CHOOSABLE = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use_preview",
        "custom",
        "file_search",
        "function",
        "image_generation",
        "mcp",
        "shell",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)
_ENCRYPTED_REASONING = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"


def _render_prompt(wire: ResponsesSettings, prompt: Prompt) -> dict[str, Any]:
    """The body of the request; `prompt.extra` is merged last."""
    prompt = fit_format(wire, prompt, wire.formats)
    body: dict[str, Any] = {"model": prompt.model, **render_input(wire, prompt)}
    wire.put_options(body, prompt)
    if prompt.reasoning_effort is not None:
        body["reasoning"] = {"effort": prompt.reasoning_effort}
    if prompt.response_format is not None:
        body["text"] = {"format": _render_format(prompt.response_format)}
        if prompt.response_format.schema is None and "json" not in encode_json(body["input"]).decode().lower():
            # JSON mode is refused as long as the input has not the word; instructions do not count.
            body["input"] = [{"role": "developer", "content": JSON_WORDS}, *body["input"]]
    for name, value in prompt.options.items():
        if path := NESTED_OPTIONS.get(name):
            body.setdefault(path[0], {})[path[1]] = value
        elif name not in ("include", "allowed_tools"):
            body[name] = value
    if included := _render_include(wire, prompt):
        body["include"] = included
    _render_tools(prompt, body)
    if prompt.stream:
        body["stream"] = True
    if prompt.n not in (None, 1):
        prompt.warn(f"{wire.name} does not support n on the Responses API; it was left out.")
    return merge(body, prompt.extra)


def _render_include(wire: ResponsesSettings, prompt: Prompt) -> list[str]:
    """What the answer shall hold beyond the usual.

    Models that do not reason refuse a request for encrypted reasoning, so unknown ones must have been asked to reason.
    """
    wanted = [item for item in as_list(prompt.options.get("include")) if isinstance(item, str)]
    if prompt.logprobs or prompt.top_logprobs is not None:
        wanted.append(_LOGPROBS)
    if wire.encrypted_reasoning:
        reasons = wire.is_reasoning_model(prompt.model)
        if reasons or (reasons is None and prompt.reasoning_effort not in (None, "none")):
            wanted.append(_ENCRYPTED_REASONING)
    return list(dict.fromkeys(wanted))


def _render_format(wanted: OutputFormat) -> dict[str, Any]:
    if wanted.schema is None:
        return {"type": "json_object"}
    schema, strict = render_strictly(wanted.schema, wanted.strict)
    rendered: dict[str, Any] = {"type": "json_schema", "name": clean_name(wanted.name), "schema": schema}
    if wanted.description:
        rendered["description"] = wanted.description
    # Left out, it is false here and in Chat Completions.
    if strict is not None:
        rendered["strict"] = strict
    return rendered


def _render_tools(prompt: Prompt, body: dict[str, Any]) -> None:
    if not prompt.tools:
        body.pop("parallel_tool_calls", None)
        return
    body["tools"] = tools = [render_tool(tool) for tool in prompt.tools]
    choice = prompt.tool_choice
    allowed = prompt.options.get("allowed_tools")
    if isinstance(allowed, list | tuple):
        mode = "required" if choice == "required" else "auto"
        body["tool_choice"] = _allow([_point_at(tools, name) for name in allowed if isinstance(name, str)], mode)
    elif choice in ("auto", "none", "required"):
        body["tool_choice"] = choice
    elif choice is not None:
        chosen = _point_at(tools, choice)
        # The description lets only these be chosen; the others can be the only ones allowed.
        body["tool_choice"] = chosen if chosen["type"] in _CHOOSABLE else _allow([chosen], "required")


def _allow(tools: list[dict[str, Any]], mode: str) -> dict[str, Any]:
    return {"type": "allowed_tools", "mode": mode, "tools": tools}


def render_tool(tool: ToolSpec | ProviderTool) -> dict[str, Any]:
    """One entry of `tools`."""
    if isinstance(tool, ProviderTool):
        return tool.data
    rendered: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description:
        rendered["description"] = tool.description
    # This API is strict by default, unlike Chat Completions, and then makes every optional argument a required one.
    parameters = tool.parameters or {"type": "object", "properties": {}}
    rendered["parameters"], rendered["strict"] = render_strictly(parameters, bool(tool.strict))
    return rendered


def _point_at(tools: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The reference to one of the tools by its name, its server's label, or its type where it has no name."""
    for tool in tools:
        tool = as_dict(tool)
        kind = as_str(tool.get("type")) or "function"
        if kind == "mcp" and tool.get("server_label") == name:
            return {"type": "mcp", "server_label": name}
        if tool.get("name") == name:
            return {"type": kind, "name": name}
        if kind == name:
            return {"type": kind}
    return {"type": "function", "name": name}


class ResponsesRequests(ResponsesSettings, kw_only=True, eq=False):
    """Builds requests."""

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        body = self.render_prompt(prompt)
        return self.build_post(self.path, body, stream=prompt.stream, headers=prompt.extra_headers)

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request; `prompt.extra` is merged last."""
        return _render_prompt(self, prompt)
