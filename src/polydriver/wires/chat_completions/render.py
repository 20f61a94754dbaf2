"""Rendering prompts as Chat Completions requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec

if TYPE_CHECKING:
    from . import ChatCompletions

__all__ = ["render_prompt", "render_response_format", "render_tool"]

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
    body: dict[str, Any] = {"model": prompt.model, "messages": wire.render_messages(prompt), **wire.fixed_fields}
    for option in _OPTIONS:
        value = getattr(prompt, option)
        if value is not None:
            _set_option(wire, prompt, body, option, value)
    if prompt.max_tokens is not None:
        body[wire.max_tokens_field] = prompt.max_tokens
    if prompt.reasoning_effort is not None or prompt.reasoning_budget is not None:
        body.update(wire.render_reasoning(prompt))
    if prompt.tools:
        body["tools"] = [render_tool(tool) for tool in prompt.tools]
        if prompt.tool_choice is not None:
            _set_tool_choice(wire, prompt, body, prompt.tool_choice)
    else:
        body.pop("parallel_tool_calls", None)
    if prompt.response_format is not None:
        body["response_format"] = wire.render_response_format(prompt.response_format)
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


def _set_tool_choice(wire: ChatCompletions, prompt: Prompt, body: dict[str, Any], choice: str) -> None:
    """One of the words, as the service has it, or the tool of that name."""
    if choice not in ("auto", "none", "required"):
        body["tool_choice"] = {"type": "function", "function": {"name": choice}}
        return
    word = wire.tool_choices.get(choice, choice)
    if word is None:
        prompt.warn(f"{wire.name} takes no tool_choice {choice!r}; it was left out.")
    else:
        body["tool_choice"] = word


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
    from ...schema import strict_schema

    changed = strict_schema(schema)
    return (changed, True) if changed is not None else (schema, False)
