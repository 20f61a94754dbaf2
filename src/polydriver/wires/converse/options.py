"""What Converse does with each option of a prompt."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ...contract import RENDERED, OptionRule, Wire, option_rules
from ...prices.catalog import find
from ..messages.models import Generation, find_generation
from .models import Family, find_family

__all__ = ["CONVERSE_OPTIONS", "CONVERSE_RULES", "ConverseSettings"]

CONVERSE_RULES: Mapping[str, OptionRule] = option_rules(
    dict.fromkeys(
        (
            "temperature", "top_p", "top_k", "max_tokens", "stop", "n", "logprobs", "reasoning_effort",
            "reasoning_budget", "tools", "tool_choice", "parallel_tool_calls", "response_format", "service_tier",
            "store", "modalities",
        ),
        RENDERED,
    )
)  # fmt: skip

CONVERSE_OPTIONS = frozenset(
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
"""Options beyond those of `Prompt`: fields of the API by its names, and `cache` (`True`, "5m" or "1h")."""


class ConverseSettings(Wire, kw_only=True, eq=False):
    """What the modules of this wire ask it for."""

    rules = CONVERSE_RULES
    ranges: Mapping[str, tuple[float, float]] = msgspec.field(
        default_factory=lambda: {"temperature": (0, 1), "top_p": (0, 1)}
    )
    option_names: frozenset[str] = CONVERSE_OPTIONS

    def family(self, model: str) -> Family:
        """What the models of this one's maker take, as far as they differ."""
        return find_family(model)

    def generation(self, model: str) -> Generation:
        """What a Claude model takes, as far as generations differ in it."""
        return find_generation(model)

    def takes_prefill(self, model: str) -> bool:
        """See `Wire.takes_prefill`."""
        return self.family(model).prefill

    def output_limit(self, model: str) -> int | None:
        """How many tokens the model can write at most, where the catalog knows it."""
        entry = find(self.driver.catalog_name or self.name, model)
        return entry.max_output_tokens if entry is not None else None
