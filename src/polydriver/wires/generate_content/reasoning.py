"""How long the model may think: `thinkingConfig`. https://ai.google.dev/gemini-api/docs/thinking"""

from __future__ import annotations

from typing import Any

from ...data.prompt import Prompt
from .models import ModelFacts
from .names import camel
from .options import ContentSettings

__all__ = ["render_thinking"]

_LEVELS = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
# Tokens for each effort, as Google's own OpenAI-compatible API translates it.
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}


def render_thinking(wire: ContentSettings, prompt: Prompt, facts: ModelFacts) -> dict[str, Any]:
    """`thinkingConfig` for the prompt's effort or budget; thoughts are asked for wherever thinking is.

    The driver's own options (`include_thoughts`, `thinking_level`, ...) win.
    """
    config: dict[str, Any] = {}
    effort, budget = prompt.reasoning_effort, prompt.reasoning_budget
    if effort is not None or budget is not None:
        if facts.thinking == "none":
            prompt.warn(f"{wire.name} cannot steer the thinking of {prompt.model}; the reasoning option was left out.")
        elif budget is not None:
            if effort is not None:
                prompt.warn(f"{wire.name} takes either reasoning_budget or reasoning_effort; the effort was left out.")
            config["thinkingBudget"] = _fit_budget(prompt, facts, budget)
        elif effort is not None:
            config.update(_render_effort(wire, prompt, facts, effort))
        if config and config.get("thinkingBudget") != 0 and effort != "none":
            config["includeThoughts"] = True
    own = prompt.options
    config.update(own.get("thinking_config") or {})
    for name in ("include_thoughts", "thinking_level", "thinking_budget"):
        if name in own:
            config[camel(name)] = own[name]
    return config


def _fit_budget(prompt: Prompt, facts: ModelFacts, budget: int) -> int:
    """The budget, or the nearest that the model takes; -1 leaves it to the model."""
    if budget == -1 or facts.thinking != "budget" or (budget == 0 and facts.may_stop_thinking):
        return budget
    least, most = facts.budgets
    nearest = min(max(budget, least), most)
    if nearest != budget:
        prompt.warn(f"{prompt.model} thinks with {least} to {most} tokens; {nearest} was sent instead of {budget}.")
    return nearest


def _render_effort(wire: ContentSettings, prompt: Prompt, facts: ModelFacts, effort: str) -> dict[str, Any]:
    if facts.thinking == "budget":
        least, most = facts.budgets
        budget = _BUDGETS.get(effort, most)
        if budget == 0 and not facts.may_stop_thinking:
            prompt.warn(f"{prompt.model} always thinks; it was asked to think as little as possible.")
        elif budget == 0:
            return {"thinkingBudget": 0}
        return {"thinkingBudget": min(max(budget, least), most)}
    wanted = _LEVELS.get(effort, effort.upper())
    if wanted in _LEVELS.values() and wanted not in facts.levels:
        order = list(dict.fromkeys(_LEVELS.values()))
        higher = [level for level in facts.levels if order.index(level) > order.index(wanted)]
        prompt.warn(f"{prompt.model} has no thinking level {wanted}; {higher[0]} was asked for.")
        wanted = higher[0]
    elif effort == "none":
        prompt.warn(f"{wire.name} cannot switch off the thinking of {prompt.model}; it was asked for the least.")
    return {"thinkingLevel": wanted}
