"""The ways in which services are told how long a model may think: values for `ChatSettings.reasoning`.

Each takes the wire and the prompt, and gives fields of the body.
"""

from __future__ import annotations

from typing import Any

from ...contract import Wire
from ...data.prompt import Prompt

__all__ = ["effort_word", "reasoning_object", "thinking_budget", "thinking_switch", "thinking_with_effort"]


def effort_word(wire: Wire, prompt: Prompt) -> dict[str, Any]:
    """`reasoning_effort`, as OpenAI has it. A budget can't be said."""
    if prompt.reasoning_budget is not None:
        prompt.warn(
            f"{wire.name} does not support reasoning_budget on this API; it was left out. Use reasoning_effort."
        )
    if prompt.reasoning_effort is None:
        return {}
    rule = wire.rule("reasoning_effort")
    if isinstance(rule, str):
        return {rule: prompt.reasoning_effort}
    prompt.warn(f"{wire.name} does not support reasoning_effort; it was left out.")
    return {}


def reasoning_object(wire: Wire, prompt: Prompt) -> dict[str, Any]:
    """`{"reasoning": {"effort": ...}}` or `{"max_tokens": ...}`, of which a request can have one."""
    if prompt.reasoning_budget is not None:
        if prompt.reasoning_effort is not None:
            prompt.warn(f"{wire.name} takes reasoning_budget or reasoning_effort, not both; the budget was sent.")
        return {"reasoning": {"max_tokens": prompt.reasoning_budget}}
    return {"reasoning": {"effort": prompt.reasoning_effort}} if prompt.reasoning_effort is not None else {}


def thinking_switch(wire: Wire, prompt: Prompt) -> dict[str, Any]:
    """`{"thinking": {"type": "enabled"}}` or `"disabled"`: on or off, without a degree."""
    wanted = _is_wanted(prompt)
    if wanted is None:
        return {}
    if wanted:
        prompt.warn(f"{wire.name} can only switch thinking on or off; it was switched on.")
    return {"thinking": {"type": "enabled" if wanted else "disabled"}}


def thinking_with_effort(wire: Wire, prompt: Prompt) -> dict[str, Any]:
    """The switch of `thinking_switch`, and `reasoning_effort` beside it."""
    wanted = _is_wanted(prompt)
    if wanted is None:
        return {}
    fields: dict[str, Any] = {"thinking": {"type": "enabled" if wanted else "disabled"}}
    if wanted and prompt.reasoning_effort is not None:
        fields["reasoning_effort"] = prompt.reasoning_effort
    if prompt.reasoning_budget:
        prompt.warn(f"{wire.name} does not support reasoning_budget; thinking was only switched on.")
    return fields


def thinking_budget(wire: Wire, prompt: Prompt) -> dict[str, Any]:
    """`enable_thinking`, and `thinking_budget` in tokens."""
    wanted = _is_wanted(prompt)
    if wanted is None:
        return {}
    if wanted and prompt.reasoning_budget:
        return {"enable_thinking": True, "thinking_budget": prompt.reasoning_budget}
    if wanted:
        prompt.warn(f"{wire.name} does not support reasoning_effort; thinking was switched on. Use reasoning_budget.")
    return {"enable_thinking": wanted}


def _is_wanted(prompt: Prompt) -> bool | None:
    """Whether the prompt asks to think; `None` when it doesn't say. The budget goes before the effort."""
    if prompt.reasoning_budget is not None:
        return prompt.reasoning_budget > 0
    return None if prompt.reasoning_effort is None else prompt.reasoning_effort != "none"
