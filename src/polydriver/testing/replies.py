"""Replies of a provider, byte by byte, with what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from ..data.messages import AIMessage, Part, ProviderData, ProviderPart
from ..data.responses import AIResponse, FinishReason
from ..data.usage import TokenUsage

__all__ = ["ErrorReply", "ExpectedAnswer", "RequestExample", "WireFixtures"]

ErrorReply: TypeAlias = tuple[int, bytes, str] | tuple[int, bytes, str, Mapping[str, Any]]
"""A failed reply: its status, its body, the class of the tree that it must become, and attributes of that error."""


class ExpectedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer must be read as, by people who know the API.

    `content`, `reasoning`, `refusal`, `tool_calls` (name and arguments of each, in order), `finish_reason` and
    `alternatives` (the texts of the further choices) are always compared: what is not given must not be there. The
    rest is compared where it is given: `call_ids`, `raw_finish_reason`, `usage` (in full, without its `raw`), `cost`
    (as the service reports it), `model`, `id`, and `provider_data`: that of all parts and of the answer, in order,
    without the empty ones.
    """

    content: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: Sequence[tuple[str, Mapping[str, Any] | None]] = ()
    finish_reason: FinishReason = "stop"
    alternatives: Sequence[str] = ()
    call_ids: Sequence[str] | None = None
    raw_finish_reason: str | None = None
    usage: TokenUsage | None = None
    cost: Decimal | None = None
    model: str | None = None
    id: str | None = None
    provider_data: Sequence[ProviderData] | None = None

    @classmethod
    def of(cls, answer: AIResponse) -> ExpectedAnswer:
        """All that an answer was read as."""
        kept = [*map(_kept_by, answer.parts), answer.provider_data]
        usage = answer.usage
        return cls(
            content=answer.content,
            reasoning=answer.reasoning,
            refusal=answer.refusal,
            tool_calls=[(call.name, call.arguments) for call in answer.tool_calls],
            finish_reason=answer.finish_reason or "other",
            alternatives=[choice.content for choice in answer.alternatives],
            call_ids=[call.id for call in answer.tool_calls],
            raw_finish_reason=answer.raw_finish_reason,
            usage=None if usage is None else msgspec.structs.replace(usage, raw=None),
            cost=None if answer.cost is None else answer.cost.total,
            model=answer.model,
            id=answer.id,
            provider_data=[data for data in kept if data],
        )

    def differences(self, answer: AIResponse) -> list[str]:
        """What was read otherwise than expected, in words."""
        found = ExpectedAnswer.of(answer)
        told = []
        if self.cost is not None and answer.cost is not None and answer.cost.currency != "USD":
            told.append(f"the cost is in {answer.cost.currency}, not in USD")
        own = answer.usage.raw if answer.usage is not None else None
        if self.usage is not None and self.usage.raw is not None and own != self.usage.raw:
            told.append(f"the service's own usage, usage.raw, is {own!r}, not {self.usage.raw!r}")
        for name in self.__struct_fields__:
            wanted, got = getattr(self, name), getattr(found, name)
            if wanted is None:
                continue
            if name == "usage":
                wanted = msgspec.structs.replace(wanted, raw=None)
                got = got if got is None or wanted.model else msgspec.structs.replace(got, model=None)
            if not _same(wanted, got):
                told.append(f"{name} is {got!r}, not {wanted!r}")
        return told


class RequestExample(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the service's documentation shows it: `body` is the JSON object that `messages` with these `options`
    (fields of `Prompt`, tools among them) must become, and `path` what its address must end with."""

    messages: Sequence[AIMessage]
    body: Mapping[str, Any]
    options: Mapping[str, Any] = {}
    path: str = ""


class WireFixtures(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider sends, byte by byte, and what it means.

    - `whole_reply`: a whole answer with text and usage; `stream_reply`: one as a stream, with text and usage.
    - `tool_reply`, `tool_stream_reply`: answers that call at least one tool.
    - `reasoning_reply`, `reasoning_stream_reply`: answers with reasoning, and what the next turn must repeat of it.
    - `expected`: what each of these must be read as, by its name. Without it, only what is never right is found.
    - `models_reply`: the first page of the model list, `models_pages`: those after it; `models_paths`: what the
      addresses of all of them end with; `expected_models`: some attributes of the models on all pages, in order
      (`{"id": "m-1", "context_length": 8192}`).
    - `embeddings_reply`: vectors for as many texts as there are in `expected_vectors`; `expected_embeddings`: what else
      it tells, of `model`, `input_tokens` and `cost` (US dollars as a text).
    - `signed`: what signatures depend on beside the key, the time and the body: "method", "path", "query".
    - `finish_words`: the service's words for the end, with our finish reasons (`{"blocked": "content_filter"}`).
    - `error_replies`: failed replies as (status, body, name of the class of the tree, such as "RateLimitError"), with
      a status of 200 for an error inside a success; attributes of the error can follow (`{"retry_after": 7.0}`).
    - `stream_errors`: streams with an error in them, as (bytes, name of the class).
    - `option_places`: where options go in the body, by their names: `{"temperature": "settings.heat"}`.
    - `request_examples`: requests from the documentation.
    - `expected_prices`: prices per million tokens by model, as (input, output), where the driver has some of its own.
    - `tells_failed_results`: whether the service is told that a tool failed apart from the text of its result.

    Absent ones are empty; what needs them is skipped.
    """

    whole_reply: bytes = b""
    stream_reply: bytes = b""
    tool_reply: bytes = b""
    tool_stream_reply: bytes = b""
    reasoning_reply: bytes = b""
    reasoning_stream_reply: bytes = b""
    models_reply: bytes = b""
    models_pages: Sequence[bytes] = ()
    models_paths: Sequence[str] = ()
    embeddings_reply: bytes = b""
    error_replies: Sequence[ErrorReply] = ()
    stream_errors: Sequence[tuple[bytes, str]] = ()
    expected: Mapping[str, ExpectedAnswer] = {}
    expected_models: Sequence[Mapping[str, Any]] = ()
    expected_vectors: Sequence[Sequence[float]] = ()
    signed: Sequence[Literal["method", "path", "query"]] = ()
    expected_embeddings: Mapping[str, str | int] = {}
    finish_words: Mapping[str, FinishReason] = {}
    expected_prices: Mapping[str, tuple[Decimal, Decimal]] = {}
    option_places: Mapping[str, str] = {}
    request_examples: Sequence[RequestExample] = ()
    tells_failed_results: bool = True

    def __post_init__(self) -> None:
        unknown = set(self.expected) - set(ANSWERS)
        if unknown:
            raise ValueError(f"expected has {', '.join(sorted(unknown))}; answers are {', '.join(ANSWERS)}")


ANSWERS = (
    "whole_reply",
    "stream_reply",
    "tool_reply",
    "tool_stream_reply",
    "reasoning_reply",
    "reasoning_stream_reply",
)
"""The fields of `WireFixtures` that hold answers."""


def _kept_by(part: Part) -> ProviderData:
    """What a part keeps for its provider alone."""
    return {part.provider: part.data} if isinstance(part, ProviderPart) else part.provider_data


def _same(wanted: Any, got: Any) -> bool:
    """Whether values are equal, lists and tuples alike, and numbers of one kind: 1 is not true."""
    if isinstance(wanted, Mapping):
        return (
            isinstance(got, Mapping) and wanted.keys() == got.keys() and all(_same(wanted[k], got[k]) for k in wanted)
        )
    if isinstance(wanted, list | tuple):
        return isinstance(got, list | tuple) and len(wanted) == len(got) and all(map(_same, wanted, got))
    return bool(wanted == got) and isinstance(wanted, bool) == isinstance(got, bool)
