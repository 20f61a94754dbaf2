"""What one call sends: the messages, the model, the options, the tools and the wanted form of the answer."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Literal, TypeAlias

import msgspec

from .messages import AIMessage

__all__ = [
    "NOTHING_GIVEN",
    "OPTIONS",
    "OutputFormat",
    "Prompt",
    "ProviderTool",
    "ReasoningEffort",
    "ToolChoice",
    "ToolSpec",
    "option_values",
]

ToolChoice: TypeAlias = str
"""`"auto"`, `"none"`, `"required"` (any tool), or the name of the one tool that must be called."""

ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class ToolSpec(msgspec.Struct, kw_only=True):
    """What a model is told of a tool: its name, what it does, and the JSON schema of its arguments (an object schema).

    `strict` asks the provider to keep to the schema exactly, where it can; `None` leaves it to the provider.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool | None = None


class ProviderTool(msgspec.Struct, kw_only=True):
    """A tool that the provider runs itself (web search, ...): `data` is its declaration in the provider's form."""

    data: dict[str, Any]


class OutputFormat(msgspec.Struct, kw_only=True):
    """The wanted form of the answer: `schema` is a JSON schema, or `None` for any JSON object."""

    name: str = "output"
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class Prompt(msgspec.Struct, kw_only=True):
    """All that one call sends. An option that is `None` is left to the provider; 0 and `False` are sent;
    an empty list of tools or of stop strings is not, since services refuse it.

    - `temperature`, `top_p`, `top_k`, `max_tokens` (output, reasoning included), `stop` (strings), `seed`, `n`
      (choices), `presence_penalty`, `frequency_penalty`, `logprobs`, `top_logprobs`, `logit_bias`.
    - `reasoning_effort` (a word) or `reasoning_budget` (tokens): how long a reasoning model may think.
    - `tools`, `tool_choice`, `parallel_tool_calls`; `response_format`.
    - `user` (an id of the end user), `service_tier`, `prompt_cache_key`, `store`, `modalities`, `audio` (spoken
      answers).
    - `options`: options that only this driver knows, by their names; `extra`: merged into the request's body and
      the objects in it; `extra_headers`: added to the request's headers.
    """

    messages: list[AIMessage]
    model: str
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None
    seed: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    reasoning_effort: str | None = None
    reasoning_budget: int | None = None
    tools: list[ToolSpec | ProviderTool] = []
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: OutputFormat | None = None
    user: str | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    store: bool | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    options: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    extra_headers: dict[str, str] = {}
    warnings: list[str] = []

    def given(self) -> dict[str, Any]:
        """The options that the caller gave, by our names, from `temperature` to `audio`.

        Messages, tools, `options` and what is passed through are not among them.
        """
        return {name: value for name in _OPTIONS if (value := getattr(self, name)) is not None}

    @property
    def uses_server_state(self) -> bool:
        """Whether the provider keeps something that this prompt goes on from, refers to, or leaves there."""
        if self.store or not (self.options or self.extra):
            return bool(self.store)
        return any(self.options.get(name) or self.extra.get(name) for name in _SERVER_STATE)

    def warn(self, text: str) -> None:
        """Note something that cannot be done as asked; it comes back in `AIResponse.warnings`. Said once only."""
        if text not in self.warnings:
            self.warnings.append(text)


_SERVER_STATE = ("previous_response_id", "conversation", "prompt", "background", "store")

_NOT_OPTIONS = frozenset({"messages", "model", "stream", "options", "extra", "extra_headers", "warnings"})

OPTIONS: tuple[str, ...] = tuple(name for name in Prompt.__struct_fields__ if name not in _NOT_OPTIONS)
"""The options that every wire renders, warns of or refuses: see `polydriver.contract.option_rules`."""

option_values = attrgetter(*OPTIONS)
"""The values of `OPTIONS` in a prompt, in their order."""

NOTHING_GIVEN = option_values(Prompt(messages=[], model=""))
"""Those of a prompt without any."""

_OPTIONS = tuple(field.name for field in msgspec.structs.fields(Prompt) if field.default is None)
