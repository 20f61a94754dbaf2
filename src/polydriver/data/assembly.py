"""Putting a streamed answer together, delta by delta, into the parts that a whole answer would have had."""

from __future__ import annotations

from typing import Any

import msgspec

from .arguments import make_call_id, parse_arguments
from .cost import Cost
from .messages import Part, ProviderData, Reasoning, Refusal, Text, ToolCall
from .responses import AIResponse, Choice, FinishReason
from .usage import TokenUsage

__all__ = ["Assembly", "ChoiceAssembly", "PartialCall"]


class PartialCall(msgspec.Struct):
    """A tool call on its way: `arguments` holds the pieces of its JSON text, or the object where a wire sends one."""

    id: str = ""
    name: str = ""
    arguments: list[str] | dict[str, Any] = []
    provider_data: ProviderData = {}


class ChoiceAssembly:
    """One choice of a streamed answer. Text and reasoning are appended; a change between them begins a new part."""

    __slots__ = (
        "_kind",
        "_pieces",
        "calls",
        "finish_reason",
        "index",
        "logprobs",
        "parts",
        "raw_finish_reason",
        "seed",
    )

    def __init__(self, index: int = 0) -> None:
        self.index = index
        self.seed = ""
        self.parts: list[Part] = []
        self.calls: dict[object, PartialCall] = {}
        self.finish_reason: FinishReason | None = None
        self.raw_finish_reason: str | None = None
        self.logprobs: dict[str, list[Any]] | None = None
        self._kind: type[Text] | type[Reasoning] | type[Refusal] = Text
        self._pieces: list[str] = []

    def add_text(self, delta: str) -> None:
        """Append to the answer's text."""
        if self._kind is not Text:
            self.flush()
            self._kind = Text
        self._pieces.append(delta)

    def add_reasoning(self, delta: str) -> None:
        """Append to the reasoning."""
        if self._kind is not Reasoning:
            self.flush()
            self._kind = Reasoning
        self._pieces.append(delta)

    def sign_reasoning(self, provider_data: ProviderData) -> None:
        """End the reasoning, with what the next turn must repeat of it: also of one that is hidden, and is nothing but
        its signature."""
        if self._kind is not Reasoning:
            self.flush()
            self._kind = Reasoning
        self.flush(provider_data)

    def add_refusal(self, delta: str) -> None:
        """Append to the model's words of refusal."""
        if self._kind is not Refusal:
            self.flush()
            self._kind = Refusal
        self._pieces.append(delta)

    def add_part(self, part: Part) -> None:
        """Append a part that came whole."""
        self.flush()
        self.parts.append(part)

    def flush(self, provider_data: ProviderData | None = None) -> None:
        """End the current run of text or reasoning, so that the next delta begins a part of its own."""
        if self._pieces or (provider_data and self._kind is Reasoning):
            text = "".join(self._pieces)
            self._pieces = []
            if text or provider_data:
                self.parts.append(self._kind(text, provider_data=provider_data or {}))

    def call(self, key: object) -> PartialCall:
        """The call that is being assembled under `key` (an index or an id), begun when it is new."""
        found = self.calls.get(key)
        if found is None:
            found = self.calls[key] = PartialCall()
        return found

    def _begun(self) -> list[PartialCall]:
        """The calls that have an id or a name: pieces of arguments alone begin none."""
        return [partial for partial in self.calls.values() if partial.id or partial.name]

    def take_calls(self, *, cut: bool = False) -> list[ToolCall]:
        """Turn all calls begun so far into `ToolCall` parts.

        `cut`: the answer ended early, so the last may be incomplete.
        """
        calls = []
        begun = self._begun()
        last = len(begun) - 1
        for position, partial in enumerate(begun):
            raw = partial.arguments if isinstance(partial.arguments, dict) else "".join(partial.arguments)
            arguments, text = parse_arguments(raw, cut=cut and position == last)
            made = partial.id or make_call_id(self.seed, len(self.tool_calls) + position)
            calls.append(ToolCall(made, partial.name, arguments, text, partial.provider_data))
        self.calls.clear()
        if calls:
            self.flush()
            self.parts.extend(calls)
        return calls

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The calls that are complete so far."""
        return [part for part in self.parts if type(part) is ToolCall]

    def incomplete_calls(self) -> list[ToolCall]:
        """The calls whose deltas are still coming, as incomplete calls; for the partial answer of a broken stream."""
        calls = []
        for position, partial in enumerate(self._begun()):
            raw = partial.arguments
            text = "".join(raw) if isinstance(raw, list) else ""
            made = partial.id or make_call_id(self.seed, len(self.tool_calls) + position)
            calls.append(ToolCall(made, partial.name, None, text, partial.provider_data))
        return calls

    def build_parts(self) -> list[Part]:
        """All parts so far, with the text or reasoning that is still open and the calls that are still incomplete."""
        open_text = "".join(self._pieces)
        parts = [*self.parts, self._kind(open_text)] if open_text else list(self.parts)
        return [*parts, *self.incomplete_calls()] if self.calls else parts


class Assembly:
    """A streamed answer with all its choices; `build()` gives the response so far at any time.

    `cost` is what the provider itself says that the answer costs; without it, the answer is priced by its usage.
    """

    __slots__ = ("_others", "cost", "first", "id", "model", "provider_data", "raw", "service_tier", "usage", "warnings")

    def __init__(self) -> None:
        self.first = ChoiceAssembly()
        self._others: dict[int, ChoiceAssembly] = {}
        self.id: str | None = None
        self.model: str | None = None
        self.usage: TokenUsage | None = None
        self.cost: Cost | None = None
        self.provider_data: ProviderData = {}
        self.warnings: list[str] = []
        self.raw: Any = None
        self.service_tier: str | None = None

    def choice(self, index: int) -> ChoiceAssembly:
        """The choice with this index, begun when it is new."""
        if index == 0:
            return self.first
        found = self._others.get(index)
        if found is None:
            found = self._others[index] = ChoiceAssembly(index)
        return found

    @property
    def choices(self) -> list[ChoiceAssembly]:
        """All choices begun so far, by index."""
        return [self.first, *(self._others[index] for index in sorted(self._others))]

    def build(self) -> AIResponse:
        """The response so far."""
        first = self.first
        return AIResponse(
            parts=first.build_parts(),
            finish_reason=first.finish_reason,
            raw_finish_reason=first.raw_finish_reason,
            logprobs=first.logprobs,
            usage=self.usage,
            cost=self.cost,
            model=self.model,
            id=self.id,
            warnings=list(self.warnings),
            raw=self.raw,
            provider_data=self.provider_data,
            alternatives=[
                Choice(
                    index=other.index,
                    parts=other.build_parts(),
                    finish_reason=other.finish_reason,
                    raw_finish_reason=other.raw_finish_reason,
                    logprobs=other.logprobs,
                )
                for other in self.choices[1:]
            ],
        )
