"""What differs between generations of Gemini models in how they want to be asked. Facts, found by the model's id.

https://ai.google.dev/gemini-api/docs/thinking, .../thought-signatures, .../structured-output, .../whats-new-gemini-3.7;
the end of a conversation:
https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/3-6-flash (all read 2026-11)
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["ModelFacts", "bare_id", "facts_of"]


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How one generation is asked. The defaults are those of the newest one, which unknown models are taken for.

    - `thinking`: whether thinking is set by a level, by a budget in tokens, or not at all; `levels` that exist, in
      rising order; `budgets`: the least and the most; `may_stop_thinking`: whether a budget of 0 is allowed.
    - `json_schema`: whether JSON schemas are read; older models know a subset of OpenAPI's schemas only.
    - `json_with_tools`: whether a form of the answer can be asked for beside functions.
    - `signed_calls`: whether a function call without a thought signature is refused.
    - `mixed_tools`: whether functions can be offered beside Google's own tools.
    - `media_in_results`: whether the result of a function may hold images and documents.
    - `system`: whether there is a system instruction.
    - `prefill`: whether a conversation may end with the start of the answer.
    """

    thinking: Literal["level", "budget", "none"] = "level"
    levels: tuple[str, ...] = ("LOW", "MEDIUM", "HIGH")
    budgets: tuple[int, int] = (0, 24576)
    may_stop_thinking: bool = False
    json_schema: bool = True
    json_with_tools: bool = True
    signed_calls: bool = True
    mixed_tools: bool = True
    media_in_results: bool = True
    system: bool = True
    prefill: bool = False


_NEWEST = ModelFacts()
_FROM_MINIMAL = ModelFacts(levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"))
_THIRD = msgspec.structs.replace(_FROM_MINIMAL, prefill=True)
_SECOND = ModelFacts(
    thinking="none",
    json_with_tools=False,
    signed_calls=False,
    mixed_tools=False,
    media_in_results=False,
    prefill=True,
)
_FIRST = msgspec.structs.replace(_SECOND, json_schema=False)
_THINKING_SECOND = msgspec.structs.replace(_SECOND, thinking="budget")

_FACTS: dict[str, ModelFacts] = {
    "gemini-3": _THIRD,
    "gemini-3.1": _THIRD,
    "gemini-3.5": _FROM_MINIMAL,
    "gemini-3.6": _FROM_MINIMAL,
    "gemini-3-pro": ModelFacts(levels=("LOW", "HIGH"), prefill=True),
    "gemini-3.1-pro": ModelFacts(prefill=True),
    "gemini-3-pro-image": ModelFacts(thinking="none", prefill=True),
    "gemini-2.5-pro": msgspec.structs.replace(_THINKING_SECOND, budgets=(128, 32768)),
    "gemini-2.5-flash": msgspec.structs.replace(_THINKING_SECOND, budgets=(1, 24576), may_stop_thinking=True),
    "gemini-2.5-flash-lite": msgspec.structs.replace(_THINKING_SECOND, budgets=(512, 24576), may_stop_thinking=True),
    "gemini-2.5-flash-image": _SECOND,
    "gemini-2.5": _THINKING_SECOND,
    "gemini-2.0": _SECOND,
    "gemini-1.5": _FIRST,
    "gemini-1.0": _FIRST,
    "gemma": msgspec.structs.replace(_FIRST, system=False),
    "learnlm": _SECOND,
}


def bare_id(model: str) -> str:
    """A model's id without the path that it may come with: `models/gemini-2.5-pro` is `gemini-2.5-pro`."""
    return model.rpartition("/")[2]


def facts_of(model: str) -> ModelFacts:
    """The facts under the longest known beginning of the id, ending at a `-` or at its end."""
    name = bare_id(model).lower()
    while name:
        if (found := _FACTS.get(name)) is not None:
            return found
        name = name.rpartition("-")[0]
    return _NEWEST
