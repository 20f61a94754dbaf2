"""What a batch of ordinary calls reports: the outcome of each prompt, and its progress."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic

import msgspec

from .responses import AIResponse, ParsedT

__all__ = ["BatchOutcome", "BatchProgress"]


class BatchOutcome(msgspec.Struct, Generic[ParsedT], kw_only=True, omit_defaults=True):
    """What became of one prompt of `stream_batch`: its response, or the error in its place.

    `index` is its place among the prompts, from 0; `prompt` is what was given. `error` is an `AIError`, or what a
    listener or a tool of yours raised.
    """

    index: int
    prompt: Any
    response: AIResponse[ParsedT] | None = None
    error: BaseException | None = None


class BatchProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a batch has come.

    - `total`: prompts altogether, `None` where that is not known before the end; `begun`: those that were sent or
      are about to be.
    - `answered`, `failed`, `running`: what of these has an answer, an error, or neither yet; `stopped`: those that
      were running when the batch was cancelled.
    - `input_tokens`, `output_tokens`: of all answers, as far as the provider told them.
    - `costs`: money so far by currency, that of attempts which failed included; `unpriced`: answers whose price is not
      known, and which are not in it.
    - `seconds`: since the batch began; `rate`: prompts that were finished in a second, on average.
    - `seconds_left`: at that rate; `None` where it cannot be told.
    """

    total: int | None = None
    begun: int = 0
    answered: int = 0
    failed: int = 0
    running: int = 0
    stopped: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    costs: dict[str, Decimal] = {}
    unpriced: int = 0
    seconds: float = 0.0

    @property
    def finished(self) -> int:
        """Prompts with an answer or an error."""
        return self.answered + self.failed

    @property
    def rate(self) -> float:
        """Prompts that were finished in a second, on average; 0 at the beginning."""
        return self.finished / self.seconds if self.seconds > 0.0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; `None` where that cannot be told."""
        if self.total is None or not self.rate:
            return None
        return max(0, self.total - self.finished) / self.rate

    def __str__(self) -> str:
        """In words: "3 answered, 1 failed, 5 stopped, 91 not begun"."""
        counts = {"answered": self.answered, "failed": self.failed, "running": self.running, "stopped": self.stopped}
        if self.total is not None:
            counts["not begun"] = max(0, self.total - self.begun)
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "answered")
