"""What Chat Completions does with each option of a prompt, and what services set about the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from ...contract import RENDERED, OptionRule, Wire, option_rules
from ...data.prompt import Prompt
from ..shared.formats import FormatRules
from .reasoning import effort_word

__all__ = ["CHAT_RULES", "ChatSettings", "ReasoningRenderer"]

CHAT_RULES: Mapping[str, OptionRule] = option_rules(
    {
        **{
            name: name
            for name in (
                "temperature", "top_p", "top_k", "stop", "seed", "n", "presence_penalty", "frequency_penalty",
                "logprobs", "top_logprobs", "logit_bias", "parallel_tool_calls", "user", "service_tier",
                "prompt_cache_key", "store", "modalities", "audio", "reasoning_effort",
            )
        },
        "max_tokens": RENDERED,
        "reasoning_budget": RENDERED,
        "tools": RENDERED,
        "tool_choice": RENDERED,
        "response_format": RENDERED,
    }
)  # fmt: skip

ReasoningRenderer: TypeAlias = Callable[[Wire, Prompt], dict[str, Any]]
"""A function of `polydriver.wires.chat_completions.reasoning`: the fields that say how long a model may think."""


class ChatSettings(Wire, kw_only=True, eq=False):
    """What services do differently with Chat Completions.

    Requests:

    - `path`: where to post; `max_tokens_field`: the name of the output limit; `fixed_fields`: what every body has.
    - `stream_usage`: whether `stream_options.include_usage` is understood.
    - `tool_choices`: other words for those of `tool_choice`; `None` for one that the service does not have.
    - `forces_while_thinking`: whether a tool can be forced of a model that thinks.
    - `speaker_names`: of whom messages may have a `name`: "all", "users", "none".
    - `formats`: what it takes of `response_format`. `audio_formats`: the formats of sound, if they are known.
    - `reasoning`: how it is told how long a model may think.
    - `replay_reasoning`: the message field in which the service wants its own reasoning back, if it does;
      `replay_only_with_tools`: only that of turns in which tools were called; `requires_reasoning`: whether it refuses
      calls without any, so that those of other models get a blank.
    - `developer_role`: whether the role "developer" is known; else it becomes "system".
    - `marks_prefix`: whether an assistant's message at the end, which the model is to go on with, is marked as such;
      `prefix_path`: where to post such a request, if that is another place.

    Replies:

    - `think_tags`: whether reasoning comes as `<think>...</think>` at the start of the text.
    - `details_as_reasoning`: whether the text of reasoning stands in `reasoning_details` only.
    - `server_tools_field`: the message field with the calls of tools that the service ran itself.
    """

    rules = CHAT_RULES
    path: str = "chat/completions"
    max_tokens_field: str = "max_tokens"
    fixed_fields: Mapping[str, Any] = {}
    stream_usage: bool = True
    tool_choices: Mapping[str, str | None] = {}
    forces_while_thinking: bool = True
    speaker_names: Literal["all", "users", "none"] = "all"
    formats: FormatRules = FormatRules()
    audio_formats: frozenset[str] | None = None
    reasoning: ReasoningRenderer = msgspec.field(default_factory=lambda: effort_word)
    replay_reasoning: str | None = None
    replay_only_with_tools: bool = False
    requires_reasoning: bool = False
    developer_role: bool = True
    marks_prefix: bool = False
    prefix_path: str | None = None
    think_tags: bool = False
    details_as_reasoning: bool = False
    server_tools_field: str | None = None
