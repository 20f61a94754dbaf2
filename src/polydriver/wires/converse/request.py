"""Rendering prompts as Converse requests.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from typing import Any

from ...data.json import merge
from ...data.prompt import Prompt
from .caching import apply_cache
from .history import render_history
from .options import ConverseSettings
from .reasoning import render_inference
from .tools import fit_output, render_output, render_tools

__all__ = ["render_prompt"]

_NEUTRAL = {"n": 1, "logprobs": False, "store": False, "modalities": ["text"]}
_TIERS = ("priority", "default", "flex", "reserved")


def render_prompt(wire: ConverseSettings, prompt: Prompt) -> dict[str, Any]:
    """The body of the request; `prompt.extra` is merged last. The model and streaming are in the path."""
    prompt = fit_output(wire, prompt)
    system, messages = render_history(wire, prompt)
    body: dict[str, Any] = {"messages": messages}
    if system:
        body["system"] = system
    render_tools(wire, prompt, body)
    render_output(wire, prompt, body)
    render_inference(wire, prompt, body)
    _render_options(wire, prompt, body)
    apply_cache(wire, prompt, body)
    return merge(body, prompt.extra)


def _render_options(wire: ConverseSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    if prompt.service_tier in _TIERS:
        body["serviceTier"] = {"type": prompt.service_tier}
    elif prompt.service_tier not in (None, "auto"):
        prompt.warn(f"{wire.name} does not support service_tier {prompt.service_tier!r}; it was left out.")
    wire.put_options(body, prompt)
    for name, neutral in _NEUTRAL.items():
        if getattr(prompt, name) not in (None, neutral):
            prompt.warn(f"{wire.name} does not support {name}; it was left out.")
    for name, value in prompt.options.items():
        if name != "cache":
            both = isinstance(value, dict) and isinstance(body.get(name), dict)
            body[name] = {**body[name], **value} if both else value
