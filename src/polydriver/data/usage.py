"""Token counts in buckets that cannot be counted twice."""

from __future__ import annotations

from typing import Any

import msgspec

from .json import as_int

__all__ = ["TokenUsage", "as_counts"]

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
)


_WHOLE = frozenset({int, type(None)})


def as_counts(*values: Any) -> tuple[Any, ...]:
    """Several counts of a usage object at once: each an integer that is not negative, or `None` (see `as_int`)."""
    if _WHOLE.issuperset(map(type, values)) and min(filter(None, values), default=0) >= 0:
        return values
    return tuple(map(as_int, values))


class TokenUsage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one call used, in tokens. `None` means that the provider did not say; it is not 0.

    - `input_tokens`: all input. It contains `cached_input_tokens` (read from the prompt cache), `cache_write_tokens`
      (all writes to it, of which `cache_write_1h_tokens` live for an hour) and `uncached_input_tokens` (the rest),
      which do not overlap.
    - `output_tokens`: all output. It contains `reasoning_tokens`.
    - `input_audio_tokens`, `output_audio_tokens`: the part of input and output that is audio.
    - `total_tokens`: the provider's own total when it sends one, else the sum of input and output.
    - `estimated`: whether counts were estimated by us, because a stream ended before the provider told them.
    - `model`: the model that was used; usages of different models cannot be added.
    - `raw`: the provider's own numbers, as they came.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    total_tokens: int | None = None
    model: str | None = None
    raw: dict[str, Any] | None = None
    estimated: bool = False

    def __post_init__(self) -> None:
        if self.total_tokens is None and (self.input_tokens is not None or self.output_tokens is not None):
            msgspec.structs.force_setattr(self, "total_tokens", (self.input_tokens or 0) + (self.output_tokens or 0))

    @property
    def uncached_input_tokens(self) -> int | None:
        """Input that was neither read from the cache nor written to it."""
        if self.input_tokens is None:
            return None
        return max(0, self.input_tokens - (self.cached_input_tokens or 0) - (self.cache_write_tokens or 0))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was used, as far as it says: no count is above 0."""
        return not (self.input_tokens or self.output_tokens or self.total_tokens)

    def __add__(self, other: TokenUsage) -> TokenUsage:
        """The sum, bucket by bucket; unknown plus known is known.

        Raises `ValueError` for usages of different models.
        """
        if not isinstance(other, TokenUsage):
            return NotImplemented
        if self.model and other.model and self.model != other.model:
            raise ValueError(f"cannot add the usage of {self.model} and {other.model}: add their costs instead")
        names = (*_COUNTS, "total_tokens")
        counts: dict[str, Any] = {name: _sum(getattr(self, name), getattr(other, name)) for name in names}
        return TokenUsage(**counts, model=self.model or other.model, estimated=self.estimated or other.estimated)


def _sum(first: int | None, second: int | None) -> int | None:
    return second if first is None else first + (second or 0)
