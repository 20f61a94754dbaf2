"""What the Responses API does with each option of a prompt, and what services set about the wire."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ...contract import LEFT_OUT, RENDERED, OptionRule, Wire, option_rules
from ...data.prompt import Prompt
from ...prices.catalog import find
from ...prices.model_rules import find_rules
from ..shared.formats import FormatRules

__all__ = ["NESTED_OPTIONS", "RESPONSES_OPTIONS", "RESPONSES_RULES", "ResponsesSettings"]

RESPONSES_RULES: Mapping[str, OptionRule] = option_rules(
    {
        "temperature": "temperature",
        "top_p": "top_p",
        "max_tokens": "max_output_tokens",
        "top_logprobs": "top_logprobs",
        "parallel_tool_calls": "parallel_tool_calls",
        "user": "user",
        "service_tier": "service_tier",
        "prompt_cache_key": "prompt_cache_key",
        "store": "store",
        "n": RENDERED,
        "logprobs": RENDERED,
        "reasoning_effort": RENDERED,
        "response_format": RENDERED,
        "tools": RENDERED,
        "tool_choice": RENDERED,
    }
)

_RANGES = {"temperature": (0, 2), "top_logprobs": (0, 20), "max_tokens": (16, 10**9)}

NESTED_OPTIONS = {
    "reasoning_summary": ("reasoning", "summary"),
    "reasoning_context": ("reasoning", "context"),
    "verbosity": ("text", "verbosity"),
}
"""Options that are fields of another field."""

RESPONSES_OPTIONS = frozenset(
    {
        *NESTED_OPTIONS, "allowed_tools", "background", "context_management", "conversation", "include",
        "max_tool_calls", "moderation", "previous_response_id", "prompt", "prompt_cache_options",
        "prompt_cache_retention", "safety_identifier", "stream_options", "truncation",
    }
)  # fmt: skip
"""Options beyond those of `Prompt` that are rendered here."""


class ResponsesSettings(Wire, kw_only=True, eq=False):
    """What services do differently with the Responses API.

    - `path`: where to post.
    - `formats`: what it takes of `response_format`.
    - `encrypted_reasoning`: whether encrypted reasoning is asked for, so that a conversation can go on without stored
      answers.
    """

    rules = RESPONSES_RULES
    option_names: frozenset[str] = RESPONSES_OPTIONS
    path: str = "responses"
    ranges: Mapping[str, tuple[float, float]] = msgspec.field(default_factory=lambda: _RANGES)
    formats: FormatRules = FormatRules(says_json=False)
    encrypted_reasoning: bool = True

    @property
    def item_origin(self) -> str:
        """The name under which ids and other facts of items are kept on calls and texts.

        Not `origin` itself, since Chat Completions sends back what it finds there.
        """
        return f"{self.origin}.responses"

    def leaves_state(self, prompt: Prompt) -> bool:
        """See `Wire.leaves_state`: answers are stored where `store` is not false, if the service stores any.

        https://platform.openai.com/docs/api-reference/responses/create#responses-create-store (2026-11-28)
        """
        stores = self.rule("store") is not LEFT_OUT and prompt.extra.get("store", prompt.store) is not False
        return stores or super().leaves_state(prompt)

    def is_reasoning_model(self, model: str) -> bool | None:
        """Whether the model is known as one that reasons; `None` when that is unknown."""
        provider = self.driver.catalog_name or self.name
        if find_rules(provider, model).efforts == ():
            return False
        entry = find(provider, model)
        return None if entry is None else entry.reasoning
