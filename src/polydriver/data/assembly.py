"""Putting a streamed answer together, delta by delta, into the parts that a whole answer would have had."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from .arguments import LONGEST_SEED, make_call_id, parse_arguments
from .cost import Cost
from .messages import Part, ProviderData, Reasoning, Refusal, Text, ToolCall
from .partial_calls import PartialCall
from .responses import AIResponse, Choice, FinishReason
from .usage import TokenUsage

__all__ = ["Assembly", "ChoiceAssembly"]


class ChoiceAssembly:
    """One choice of a streamed answer. Text and reasoning are appended; a change between them begins a new part."""

    __slots__ = (
        "_calls_made",
        "_counted",
        "_keys",
        "_kind",
        "_kinds",
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
        self._keys: dict[str, object] = {}
        self._counted: tuple[list[Part], int] = (self.parts, 0)
        self._calls_made = 0
        self._kinds: set[type[Part]] = set()

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

    def key_of(self, call_id: str) -> object | None:
        """The key of the first call that has this id, if there is one."""
        key = self._keys.get(call_id)
        known = self.calls.get(key)
        return key if known is not None and known.id == call_id else None

    def name_call(self, key: object, call_id: str) -> None:
        """Give the call under `key`, which is begun when it is new, its id."""
        self.call(key).id = call_id
        if self.key_of(call_id) is None:
            self._keys[call_id] = key

    def take_calls(self, *, cut: bool = False) -> list[ToolCall]:
        """Turn all calls begun so far into `ToolCall` parts.

        `cut`: the answer ended early, so the last may be incomplete.
        """
        calls = []
        begun = self._begun()
        last, made_before = len(begun) - 1, self.calls_made
        for position, partial in enumerate(begun):
            raw = partial.arguments if isinstance(partial.arguments, dict) else "".join(partial.arguments)
            arguments, text = parse_arguments(raw, cut=cut and position == last)
            made = partial.id or make_call_id(self.seed[:LONGEST_SEED], made_before + position)
            calls.append(ToolCall(made, partial.name, arguments, text, partial.provider_data))
        self.calls.clear()
        self._keys.clear()
        if calls:
            self.flush()
            self.parts.extend(calls)
        return calls

    @property
    def calls_made(self) -> int:
        """How many calls are complete so far."""
        self._count()
        return self._calls_made

    @property
    def kinds(self) -> Set[type[Part]]:
        """The types of the parts that are complete so far."""
        self._count()
        return self._kinds

    @property
    def has_begun(self) -> bool:
        """Whether anything of the choice has come."""
        return bool(self.parts or self._pieces or self.calls or self.finish_reason)

    def _count(self) -> None:
        """Look at the parts that are new since the last time: all of them would be too many for each event."""
        parts, seen = self._counted
        if parts is not self.parts or len(parts) < seen:
            seen = self._calls_made = 0
            self._kinds = set()
        for part in self.parts[seen:]:
            self._kinds.add(type(part))
            self._calls_made += type(part) is ToolCall
        self._counted = (self.parts, len(self.parts))

    def incomplete_calls(self) -> list[ToolCall]:
        """The calls whose deltas are still coming, as incomplete calls; for the partial answer of a broken stream."""
        calls = []
        made_before = self.calls_made
        for position, partial in enumerate(self._begun()):
            raw = partial.arguments
            text = "".join(raw) if isinstance(raw, list) else ""
            made = partial.id or make_call_id(self.seed[:LONGEST_SEED], made_before + position)
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

    __slots__ = (
        "_ended",
        "_order",
        "_others",
        "_warned",
        "cost",
        "first",
        "id",
        "model",
        "provider_data",
        "raw",
        "service_tier",
        "usage",
        "warnings",
    )

    def __init__(self) -> None:
        self.first = ChoiceAssembly()
        self._others: dict[int, ChoiceAssembly] = {}
        self._order = [self.first]
        self._ended = 0
        self._warned: set[str] = set()
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
            self._order.append(found)
        return found

    def has_ended(self, expected: int = 1) -> bool:
        """Whether all choices begun so far, and at least `expected`, have a finish reason, which none loses again."""
        order = self._order
        while self._ended < len(order) and order[self._ended].finish_reason:
            self._ended += 1
        return self._ended == len(order) >= expected

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self._warned:
            self._warned.add(text)
            self.warnings.append(text)

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
