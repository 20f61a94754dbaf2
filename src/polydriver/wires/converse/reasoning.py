"""Rendering the length of the answer, the sampling, and how long the model may think.

https://docs.aws.amazon.com/bedrock/latest/userguide/inference-reasoning.html
"""

from __future__ import annotations

from typing import Any, cast

from ...data.prompt import Prompt
from ..messages.options import MessagesSettings
from ..messages.reasoning import render_sampling, render_thinking
from .options import ConverseSettings

__all__ = ["render_inference"]

_DEFAULT_MAX_TOKENS = 4096
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


def render_inference(wire: ConverseSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Set `inferenceConfig` and, in `additionalModelRequestFields`, what the maker's models take beyond it."""
    family = wire.family(prompt.model)
    if family.reasoning == "claude":
        config, fields = _render_claude(wire, prompt, body)
    else:
        config, fields = _render_plain(wire, prompt), _render_effort(wire, prompt)
        if prompt.top_k is not None:
            _put(fields, family.top_k, prompt.top_k)
    if prompt.stop is not None:
        stops = [stop for stop in prompt.stop if (stop.strip() if family.reasoning == "claude" else stop)]
        if len(stops) < len(prompt.stop):
            prompt.warn(f"{prompt.model} does not stop at blank texts; they were left out of stop.")
        config["stopSequences"] = stops
    if config:
        body["inferenceConfig"] = config
    if fields:
        body["additionalModelRequestFields"] = fields


def _render_plain(wire: ConverseSettings, prompt: Prompt) -> dict[str, Any]:
    wanted = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p"}
    return {
        theirs: wire.within_range(prompt, ours, value)
        for theirs, ours in wanted.items()
        if (value := getattr(prompt, ours)) is not None
    }


def _render_effort(wire: ConverseSettings, prompt: Prompt) -> dict[str, Any]:
    """How long a model that is not Claude may think, in its maker's words."""
    kind, effort = wire.family(prompt.model).reasoning, prompt.reasoning_effort
    if prompt.reasoning_budget is not None:
        prompt.warn(f"{prompt.model} does not support reasoning_budget; it was left out. Use reasoning_effort.")
    if effort is None:
        return {}
    if kind == "nova" and effort == "none":
        return {"reasoningConfig": {"type": "disabled"}}
    if kind == "nova" and effort in _EFFORTS:
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _EFFORTS[effort]}}
    if kind == "effort" and effort in _EFFORTS:
        return {"reasoning_effort": _EFFORTS[effort]}
    prompt.warn(f"{prompt.model} does not support reasoning_effort {effort!r}; it was left out.")
    return {}


def _render_claude(
    wire: ConverseSettings, prompt: Prompt, body: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Claude's rules on thinking and sampling are those of its own API; here is where Converse has the same fields."""
    forced = body.get("toolConfig", {}).get("toolChoice", {})
    limit = prompt.max_tokens
    drawn: dict[str, Any] = {"max_tokens": limit or wire.output_limit(prompt.model) or _DEFAULT_MAX_TOKENS}
    if "any" in forced or "tool" in forced:
        drawn["tool_choice"] = {"type": "any"}
    claude = cast(MessagesSettings, wire)  # of a wire, these rules read name and generation
    render_thinking(claude, prompt, drawn)
    render_sampling(claude, prompt, drawn)
    config: dict[str, Any] = {}
    if limit is not None or drawn.get("thinking", {}).get("type") == "enabled":
        config["maxTokens"] = drawn["max_tokens"]
    for ours, theirs in (("temperature", "temperature"), ("top_p", "topP")):
        if ours in drawn:
            config[theirs] = drawn[ours]
    if "output_config" in drawn:
        body["outputConfig"] = {**body.get("outputConfig", {}), "effort": drawn["output_config"]["effort"]}
    return config, {name: drawn[name] for name in ("thinking", "top_k") if name in drawn}


def _put(fields: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        fields = fields.setdefault(name, {})
    fields[path[-1]] = value
