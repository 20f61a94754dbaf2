"""What Cohere's chat does with each option of a prompt."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ...contract import RENDERED, OptionRule, Wire, option_rules

__all__ = ["COHERE_OPTIONS", "COHERE_RULES", "CohereSettings"]

COHERE_RULES: Mapping[str, OptionRule] = option_rules(
    {
        "temperature": "temperature",
        "top_p": "p",
        "top_k": "k",
        "max_tokens": "max_tokens",
        "stop": "stop_sequences",
        "seed": "seed",
        "presence_penalty": "presence_penalty",
        "frequency_penalty": "frequency_penalty",
        "logprobs": "logprobs",
        "reasoning_effort": RENDERED,
        "reasoning_budget": RENDERED,
        "tools": RENDERED,
        "tool_choice": RENDERED,
        "response_format": RENDERED,
    }
)

COHERE_OPTIONS = frozenset(
    {"documents", "citation_options", "priority", "raw_prompting", "safety_mode", "strict_tools", "thinking"}
)
"""Options beyond those of `Prompt`."""


_RANGES = {
    "temperature": (0, 2),
    "top_p": (0.01, 0.99),
    "top_k": (0, 500),
    "presence_penalty": (0, 1),
    "frequency_penalty": (0, 1),
    "seed": (0, 2**63 - 1),
}


class CohereSettings(Wire, kw_only=True, eq=False):
    """What services set about this wire: `path` is where to post."""

    rules = COHERE_RULES
    option_names: frozenset[str] = COHERE_OPTIONS
    max_stops: int | None = 5
    ranges: Mapping[str, tuple[float, float]] = msgspec.field(default_factory=lambda: _RANGES)
    path: str = "v2/chat"
