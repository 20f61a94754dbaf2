"""What the Messages API does with each option of a prompt, and what platforms set about the wire."""

from __future__ import annotations

from collections.abc import Mapping

from ...contract import RENDERED, OptionRule, Wire, option_rules
from ...prices.catalog import find
from .models import Generation, find_generation

__all__ = ["MESSAGES_OPTIONS", "MESSAGES_RULES", "OWN_OPTIONS", "MessagesSettings"]

MESSAGES_RULES: Mapping[str, OptionRule] = option_rules(
    dict.fromkeys(
        (
            "temperature", "top_p", "top_k", "max_tokens", "stop", "n", "logprobs", "reasoning_effort",
            "reasoning_budget", "tools", "tool_choice", "parallel_tool_calls", "response_format", "user",
            "service_tier", "store", "modalities",
        ),
        RENDERED,
    )
)  # fmt: skip

OWN_OPTIONS = frozenset({"betas", "cache", "system_in_place"})
"""Options that are not fields of the body."""

MESSAGES_OPTIONS = OWN_OPTIONS | {
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "mcp_servers",
    "output_config",
    "speed",
    "thinking",
}
"""Options beyond those of `Prompt` that are rendered here."""


class MessagesSettings(Wire, kw_only=True, eq=False):
    """What platforms do differently with Messages.

    - `native_output`: whether `output_config.format` is understood; without it a forced tool stands in.
    """

    rules = MESSAGES_RULES
    option_names: frozenset[str] = MESSAGES_OPTIONS
    native_output: bool = True

    def generation(self, model: str) -> Generation:
        """What the model takes, as far as generations differ in it."""
        return find_generation(model)

    def takes_prefill(self, model: str) -> bool:
        """See `Wire.takes_prefill`."""
        return self.generation(model).prefill

    def output_limit(self, model: str) -> int | None:
        """How many tokens the model can write, where the catalog knows it; sent when no `max_tokens` is given."""
        entry = find(self.driver.catalog_name or self.name, model)
        return entry.max_output_tokens if entry is not None else None
