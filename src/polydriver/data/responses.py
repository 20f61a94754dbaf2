"""What comes back from a provider: responses and the chunks of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeAlias

import msgspec

from .attempts import AttemptReport
from .billing import BillingFacts
from .cost import Cost
from .messages import AIMessage, Part, ProviderData, Reasoning, Refusal, Text, ToolCall
from .usage import TokenUsage

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers know it without installing it

    ParsedT = TypeVar("ParsedT", default=Any)
else:
    from typing import TypeVar

    ParsedT = TypeVar("ParsedT")

__all__ = ["AIChunk", "AIResponse", "Choice", "Continuation", "FinishReason", "ParsedT"]

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "error", "other"]


class Choice(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One of several answers to the same prompt (`n` above 1): its parts and how it ended."""

    index: int = 0
    parts: list[Part] = []
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    logprobs: Any = None

    @property
    def content(self) -> str:
        """The text of all text parts, without separators."""
        return "".join([part.text for part in self.parts if type(part) is Text])

    @property
    def reasoning(self) -> str:
        """The text of all reasoning that the provider shows."""
        return "".join([part.text for part in self.parts if type(part) is Reasoning])

    @property
    def refusal(self) -> str:
        """The model's own words for refusing, where the provider sends them apart from the text."""
        return "".join([part.text for part in self.parts if type(part) is Refusal])

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The calls that the model wants made, in order. Tools that the provider ran itself are not among them."""
        return [part for part in self.parts if type(part) is ToolCall]


class Continuation(msgspec.Struct, frozen=True, kw_only=True):
    """The place where a stream broke and another target went on: after `at` characters of text, by whom, and with which
    model."""

    provider: str | None
    model: str | None
    at: int


class AIResponse(Choice, Generic[ParsedT], kw_only=True, omit_defaults=True):
    """A provider's whole answer. For type checkers it is an `AIResponse[T]` when `response_format` is a class `T`.

    - `parts`: everything in order; `content` (text), `reasoning` and `tool_calls` are read from it.
    - `finish_reason`: stop, length, tool_calls, content_filter, error or other; `raw_finish_reason` is the provider's
      own word.
    - `usage`, and `cost` in money (`None` when the price is unknown; never guessed).
    - `model`: as answered; `requested_model`: as asked; `provider`: its connection's name; `id`: the provider's id of
      the answer.
    - `request_id`: the provider's id of the request; `response_time`: seconds from the start of the call to its end.
    - `alternatives`: the further choices when `n` was above 1.
    - `parsed`: the validated value of a structured call, an instance of the class asked for. It is `None` without one,
      and when the answer is not a value: it calls tools, or was refused (see `finish_reason`).
    - `warnings`: what could not be done as asked; `raw`: the decoded reply.
    - `provider_data`: opaque data that the next turn needs, for this provider alone.
    - `billing`: what decides the price beyond model and tokens, such as the service tier that served.
    - `attempts`: the attempts of the call in their order, the last one being that of this answer.
    - `cached`: whether nothing was asked for it: it was kept from an equal prompt, or shared with an equal call that
      was under way. Its cost is 0 then; `usage` and the ids are those of the answer when it was made.
    - `continuations`: where a stream broke and another target went on (`continue_with`). Then `usage` and `cost` are
      those of all parts together, `provider`, `model`, ids and `raw` those of the last one.
    """

    usage: TokenUsage | None = None
    cost: Cost | None = None
    model: str | None = None
    requested_model: str | None = None
    provider: str | None = None
    id: str | None = None
    request_id: str | None = None
    response_time: float | None = None
    alternatives: list[Choice] = []
    parsed: ParsedT = None  # type: ignore[assignment]
    warnings: list[str] = []
    raw: Any = None
    provider_data: ProviderData = {}
    billing: BillingFacts | None = None
    attempts: list[AttemptReport] = []
    cached: bool = False
    continuations: list[Continuation] = []

    @classmethod
    def from_text(cls, text: str, **fields: Any) -> Self:
        """A finished answer of plain text, for fakes and simple drivers."""
        return cls(parts=[Text(text)] if text else [], **{"finish_reason": "stop", **fields})

    @property
    def text(self) -> str:
        """The same as `content`."""
        return self.content

    def to_message(self) -> AIMessage:
        """The assistant's message to put into the history, with all that the provider wants back."""
        return AIMessage(list(self.parts), "assistant", provider_data=self.provider_data)


class AIChunk(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One piece of a streamed answer. `content`, `reasoning` and `refusal` are what is new; nothing is ever repeated.

    `tool_calls` holds calls that are complete (assembled from their deltas), `parts` other finished parts. `index`
    tells the choices apart when `n` is above 1. The last chunk has `finish_reason` and `usage`.
    """

    content: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: list[ToolCall] = []
    parts: list[Part] = []
    index: int = 0
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    usage: TokenUsage | None = None
