"""Rendering prompts as Converse requests.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...data.prompt import Prompt
from .caching import apply_cache
from .content import render_history
from .reasoning import render_inference
from .tools import render_output, render_tools

if TYPE_CHECKING:
    from . import Converse

__all__ = ["OPTION_NAMES", "render_prompt"]

OPTION_NAMES = frozenset(
    {
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "cache",
        "guardrailConfig",
        "inferenceConfig",
        "outputConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
        "toolConfig",
    }
)
"""Options that are no options of `Prompt`; all but `cache` are fields of the body."""

_LEFT_OUT = (
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "logit_bias",
    "user",
    "prompt_cache_key",
    "audio",
)
_NEUTRAL = {"n": 1, "logprobs": False, "store": False, "modalities": ["text"]}
_TIERS = ("priority", "default", "flex", "reserved")


def render_prompt(wire: Converse, prompt: Prompt) -> dict[str, Any]:
    """The body of the request; `prompt.extra` is merged last. The model and streaming are in the path."""
    system, messages = render_history(wire, prompt)
    body: dict[str, Any] = {"messages": messages}
    if system:
        body["system"] = system
    render_tools(wire, prompt, body)
    render_output(wire, prompt, body)
    render_inference(wire, prompt, body)
    _render_options(wire, prompt, body)
    apply_cache(body, prompt.options.get("cache"))
    body.update(prompt.extra)
    return body


def _render_options(wire: Converse, prompt: Prompt, body: dict[str, Any]) -> None:
    if prompt.service_tier in _TIERS:
        body["serviceTier"] = {"type": prompt.service_tier}
    elif prompt.service_tier not in (None, "auto"):
        prompt.warn(f"{wire.name} takes no service_tier {prompt.service_tier!r}; it was left out.")
    for name in (*_LEFT_OUT, *_NEUTRAL):
        value = getattr(prompt, name)
        if value is not None and value != _NEUTRAL.get(name):
            prompt.warn(f"{wire.name} takes no {name}; it was left out.")
    for name, value in prompt.options.items():
        if name != "cache":
            both = isinstance(value, dict) and isinstance(body.get(name), dict)
            body[name] = {**body[name], **value} if both else value
