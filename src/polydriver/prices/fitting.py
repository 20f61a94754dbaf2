"""Fitting the options of a prompt to its model, so that a conversation can go on with another one.

What the model is known to refuse is left out, and an effort that it does not know becomes the nearest one that it does,
with a warning each. Of a model that is not known nothing is changed.
"""

from __future__ import annotations

from ..data.prompt import Prompt
from .model_rules import ModelRules

__all__ = ["fit_options"]

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def fit_options(prompt: Prompt, rules: ModelRules) -> None:
    """Change the options that the model is known to refuse, by its rules (`find_rules`)."""
    if prompt.reasoning_effort is not None and rules.efforts is not None:
        prompt.reasoning_effort = _fit_effort(prompt, prompt.reasoning_effort, rules.efforts)
    if prompt.max_tokens is not None and rules.max_output is not None and prompt.max_tokens > rules.max_output:
        prompt.warn(f"{prompt.model} writes {rules.max_output} tokens at most; max_tokens was {prompt.max_tokens}.")
        prompt.max_tokens = rules.max_output
    if rules.writes_text and (prompt.audio is not None or set(prompt.modalities or ()) - {"text"}):
        prompt.warn(f"{prompt.model} answers in text alone; modalities and audio were left out.")
        prompt.modalities = prompt.audio = None
    if rules.refused:
        _leave_out(prompt, rules.refused, "")
    if rules.refused_while_reasoning and prompt.reasoning_effort != "none":
        _leave_out(prompt, rules.refused_while_reasoning, _advice(rules))


def _advice(rules: ModelRules) -> str:
    is_known = rules.efforts is None or "none" in rules.efforts
    return ' It takes it with reasoning_effort="none" only.' if is_known else ""


def _leave_out(prompt: Prompt, names: frozenset[str], advice: str) -> None:
    for name in sorted(name for name in names if getattr(prompt, name) is not None):
        value = getattr(prompt, name)
        setattr(prompt, name, None)
        if value is not False and value != []:
            prompt.warn(f"{prompt.model} does not support {name}; it was left out.{advice}")


def _fit_effort(prompt: Prompt, wanted: str, known: tuple[str, ...]) -> str | None:
    """The nearest effort that the model knows, in doubt the higher one; `None` where it knows none."""
    if wanted in known or wanted not in _EFFORTS:
        return wanted
    if not known:
        if wanted != "none":
            prompt.warn(f"{prompt.model} does not support reasoning_effort; it was left out.")
        return None
    place = _EFFORTS.index(wanted)
    thinking = [word for word in known if word != "none"]
    nearest = min(thinking, key=lambda word: _distance(word, place))
    prompt.warn(f"{prompt.model} does not support reasoning_effort={wanted!r}; {nearest!r} was sent.")
    return nearest


def _distance(word: str, place: int) -> float:
    if word not in _EFFORTS:
        return len(_EFFORTS)
    away = _EFFORTS.index(word) - place
    return away if away > 0 else 0.5 - away
