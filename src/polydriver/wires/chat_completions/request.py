"""Rendering prompts as Chat Completions requests."""

from __future__ import annotations

from typing import Any

from ...data.http import Request
from ...data.json import as_list, merge
from ...data.prompt import NOTHING_GIVEN, OutputFormat, Prompt, ProviderTool, ToolSpec, option_values
from ...errors import ConfigurationError
from ...prices.catalog import find
from ..shared.formats import fit_format
from ..shared.strict import clean_name, render_strictly
from .history import ChatHistory

__all__ = ["ChatRequests", "render_tool"]


def _render_prompt(wire: ChatRequests, prompt: Prompt) -> dict[str, Any]:
    if prompt.response_format is not None:
        prompt = fit_format(wire, prompt, wire.formats)
    body: dict[str, Any] = {"model": prompt.model, "messages": wire.render_messages(prompt), **wire.fixed_fields}
    if option_values(prompt) != NOTHING_GIVEN:
        wire.put_options(body, prompt)
    if prompt.modalities is not None and "audio" in as_list(body.get("modalities")) and prompt.audio is None:
        raise ConfigurationError(
            'modalities with "audio" need the voice and the format: audio={"voice": "alloy", "format": "wav"}',
            provider=wire.name,
        )
    if prompt.logit_bias is not None and "logit_bias" in body:
        body["logit_bias"] = {token: round(bias) for token, bias in prompt.logit_bias.items()}  # integers, documented
    if "top_logprobs" in body:  # which is refused without the other
        if prompt.logprobs is False:
            del body["top_logprobs"]
        else:
            body.setdefault("logprobs", True)
    if prompt.max_tokens is not None:
        body[wire.max_tokens_field] = prompt.max_tokens
    if prompt.reasoning_effort is not None or prompt.reasoning_budget is not None:
        body.pop("reasoning_effort", None)
        body.update(wire.reasoning(wire, prompt))
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
    return merge(body, prompt.extra) if prompt.extra else body


def _set_tool_choice(wire: ChatRequests, prompt: Prompt, body: dict[str, Any], choice: str) -> None:
    """One of the words, as the service has it, or the tool of that name."""
    if choice not in ("auto", "none") and not wire.forces_while_thinking and _is_thinking(wire, prompt):
        prompt.warn(f"{wire.name} cannot force a tool while it thinks; tool_choice {choice!r} was left out.")
        return
    if choice not in ("auto", "none", "required"):
        body["tool_choice"] = {"type": "function", "function": {"name": choice}}
        return
    word = wire.tool_choices.get(choice, choice)
    if word is None:
        prompt.warn(f"{wire.name} does not support tool_choice {choice!r}; it was left out.")
    else:
        body["tool_choice"] = word


def _is_thinking(wire: ChatRequests, prompt: Prompt) -> bool:
    """Whether the prompt asks to think, or the model does so unasked."""
    if prompt.reasoning_budget is not None:
        return prompt.reasoning_budget > 0
    if prompt.reasoning_effort is not None:
        return prompt.reasoning_effort != "none"
    entry = find(wire.driver.catalog_name or wire.name, prompt.model)
    return entry is not None and entry.reasoning is True


def render_tool(tool: ToolSpec | ProviderTool) -> dict[str, Any]:
    """One entry of `tools`."""
    if isinstance(tool, ProviderTool):
        return tool.data
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function["parameters"], strict = render_strictly(parameters, tool.strict)
    if strict is not None:
        function["strict"] = strict
    return {"type": "function", "function": function}


def _render_response_format(wanted: OutputFormat) -> dict[str, Any]:
    """The `response_format` object."""
    if wanted.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": clean_name(wanted.name)}
    schema["schema"], strict = render_strictly(wanted.schema, wanted.strict)
    if wanted.description:
        schema["description"] = wanted.description
    if strict is not None:
        schema["strict"] = strict
    return {"type": "json_schema", "json_schema": schema}


class ChatRequests(ChatHistory, kw_only=True, eq=False):
    """Builds requests. The methods are for services whose difference is more than a name."""

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        body = self.render_prompt(prompt)
        path = self.path
        if self.prefix_path is not None and as_list(body["messages"])[-1].get("prefix"):
            path = self.prefix_path
        request: Request = self.driver.build_post(path, body, stream=prompt.stream, headers=prompt.extra_headers)
        return request

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request; `prompt.extra` is merged last."""
        return _render_prompt(self, prompt)

    def render_response_format(self, wanted: OutputFormat) -> dict[str, Any]:
        """The `response_format` object."""
        return _render_response_format(wanted)
