"""Rendering how long the model may think, and the sampling options, which depend on it.

https://platform.claude.com/docs/en/build-with-claude/extended-thinking
"""

from __future__ import annotations

from typing import Any

from ...data.messages import AIMessage, Part, Reasoning, Refusal, Text
from ...data.prompt import Prompt
from .models import EFFORTS
from .options import MessagesSettings

__all__ = ["continues_unsigned", "render_sampling", "render_thinking"]

MIN_BUDGET = 1024
"""The least that `budget_tokens` may be."""

_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768}
_MIN_TOP_P = 0.95


def continues_unsigned(messages: list[AIMessage], origin: str) -> bool:
    """Whether the last answer is of tool calls that were made without signed reasoning, by another model say.

    A model whose thinking is set by a budget refuses such a turn while it thinks, whatever the user says behind it.
    """
    answers = (message for message in reversed(messages) if message.role == "assistant")
    last = next((message for message in answers if any(_is_said(part, origin) for part in message.parts)), None)
    if last is None or not last.tool_calls:
        return False
    first = next((part for part in last.parts if not isinstance(part, Text) or part.text), None)
    return not (isinstance(first, Reasoning) and first.provider_data.get(origin))


def _is_said(part: Part, origin: str) -> bool:
    """Whether anything of a part goes out: blank texts and the reasoning of others do not."""
    if isinstance(part, Text | Refusal):
        return bool(part.text.strip())
    return not isinstance(part, Reasoning) or bool(part.provider_data.get(origin))


def render_thinking(wire: MessagesSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Set `thinking`, `output_config.effort` and, where the budget asks for it, a larger `max_tokens`.

    `tool_choice` is in the body already: the API does not think when a tool call is forced.
    """
    effort, budget = prompt.reasoning_effort, prompt.reasoning_budget
    if effort is None and budget is None:
        return
    generation = wire.generation(prompt.model)
    kind = generation.thinking
    if effort == "none" or budget == 0:
        if not generation.optional_thinking:
            prompt.warn(f"{prompt.model} always reasons; the least effort was sent instead of none.")
            _render_effort(wire, prompt, body, "low")
        elif kind != "none":
            body["thinking"] = {"type": "disabled"}
        return
    if effort is not None:
        _render_effort(wire, prompt, body, effort)
    if kind == "none":
        prompt.warn(f"{prompt.model} does not reason; reasoning_effort and reasoning_budget were left out.")
    elif body.get("tool_choice", {}).get("type") in ("any", "tool"):
        prompt.warn(f"{wire.name} cannot reason when a tool call is forced; thinking was left out.")
    elif kind == "adaptive" or (kind == "both" and budget is None):
        if budget is not None:
            prompt.warn(f"{prompt.model} does not support reasoning_budget; it was left out. Use reasoning_effort.")
        body["thinking"] = {"type": "adaptive"}
        if kind == "adaptive":
            body["thinking"]["display"] = "summarized"  # these models show nothing unless asked
    elif continues_unsigned(prompt.messages, wire.origin):
        prompt.warn(f"{wire.name} cannot reason on tool calls made without its reasoning; thinking was left out.")
    else:
        _render_budget(wire, prompt, body)


def _render_effort(wire: MessagesSettings, prompt: Prompt, body: dict[str, Any], effort: str) -> None:
    """Set the effort, or the nearest one below that the model takes."""
    allowed = wire.generation(prompt.model).efforts
    if not allowed:
        return
    if effort == "minimal":
        effort = "low"
    if effort not in EFFORTS:
        prompt.warn(f"{wire.name} does not support reasoning_effort {effort!r}; it was left out.")
        return
    given = effort
    while effort not in allowed:
        effort = EFFORTS[EFFORTS.index(effort) - 1]
    if effort != given:
        prompt.warn(f"{prompt.model} does not support reasoning_effort {given!r}; {effort!r} was sent.")
    body["output_config"] = {**body.get("output_config", {}), "effort": effort}


def _render_budget(wire: MessagesSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Set a budget in tokens, which must be below `max_tokens`."""
    limit = body["max_tokens"]
    if prompt.reasoning_budget is None:
        budget = min(_BUDGETS.get(prompt.reasoning_effort or "", _BUDGETS["medium"]), limit // 2)
        if budget < MIN_BUDGET < limit:
            budget = MIN_BUDGET
        if budget < MIN_BUDGET:
            prompt.warn(
                f"max_tokens ({limit}) has no room for reasoning ({MIN_BUDGET} at least); thinking was left out."
            )
            return
    else:
        budget = max(prompt.reasoning_budget, MIN_BUDGET)
        if budget != prompt.reasoning_budget:
            prompt.warn(f"{wire.name} reasons with {MIN_BUDGET} tokens at least; reasoning_budget was raised to that.")
        if budget >= limit:
            most = wire.output_limit(prompt.model) or budget + limit
            if budget >= most:
                budget = max(most // 2, MIN_BUDGET)
                prompt.warn(f"{prompt.model} writes {most} tokens at most; reasoning_budget was lowered to {budget}.")
            body["max_tokens"] = min(budget + limit, most)
            if prompt.max_tokens is not None:
                prompt.warn(
                    f"max_tokens must exceed reasoning_budget; it was raised from {limit} to {body['max_tokens']}."
                )
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}


def render_sampling(wire: MessagesSettings, prompt: Prompt, body: dict[str, Any]) -> None:
    """Set `temperature`, `top_p` and `top_k` as far as the model, and thinking, leave room for them."""
    wanted = {name: value for name in ("temperature", "top_p", "top_k") if (value := getattr(prompt, name)) is not None}
    if wanted.get("top_k", 0) < 0:  # other services' word for no limit
        del wanted["top_k"]
    sampling = wire.generation(prompt.model).sampling
    if wanted and sampling == "none":
        prompt.warn(f"{prompt.model} does not support {' or '.join(wanted)}; left out.")
        return
    if wanted and body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        if wanted.get("temperature", 1) != 1 or "top_k" in wanted or wanted.get("top_p", 1) < _MIN_TOP_P:
            prompt.warn(
                f"{wire.name} does not support temperature, top_k or top_p below {_MIN_TOP_P} while it reasons."
            )
        wanted = {"top_p": wanted["top_p"]} if wanted.get("top_p", 0) >= _MIN_TOP_P else {}
    if wanted.get("temperature", 0) > 1:
        prompt.warn(f"{wire.name} takes a temperature of 1 at most; 1 was sent.")
        wanted["temperature"] = 1
    if sampling == "either" and "temperature" in wanted and wanted.pop("top_p", None) is not None:
        prompt.warn(f"{prompt.model} takes temperature or top_p, not both; top_p was left out.")
    body.update(wanted)
