"""What an attempt will use, and what it did: for all limits, wherever they are kept.

Before an attempt its use is estimated: the input by the rules of `engine.billing` (`estimate_input`, and for operations
beyond chat `estimate_request`, which write nothing); the output as `max_tokens`, or, without it, as what the model has
written lately (1,000 tokens before anything is known). When it
ends, what was really used takes the place of that, if it is known. An attempt that never reached the provider gives all
of it back; one that the provider refused keeps its request; one that may be billed and told no usage keeps its
estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....data.prompt import Prompt
from ....data.usage import TokenUsage
from ...billing import estimate_input, estimate_request
from .. import Outcome
from .limiter import Amounts

__all__ = ["UNLIMITED", "Estimates"]

UNLIMITED = ("get_available_models", "check")
"""The operations that count as nothing."""

_TYPICAL_OUTPUT = 1000
_NEVER_SENT = ("connect", "pool")


class Estimates:
    """The estimates of one connection, which learn from what its models write."""

    __slots__ = ("_uncounted", "_written")

    def __init__(self, uncounted: tuple[str, ...] = ()) -> None:
        """`uncounted` names the parts of `TokenUsage` that the provider does not count as input."""
        self._uncounted = uncounted
        self._written: dict[str | None, float] = {}

    def before(self, attempt: Any, *, tokens: bool) -> Amounts:
        """What an attempt will use. `tokens`: whether that matters; without it there are none."""
        prompt: Prompt | None = attempt.prompt
        if not tokens:
            return {"requests": 1.0, "tokens": 0.0, "input_tokens": 0.0, "output_tokens": 0.0, "concurrent": 1.0}
        if prompt is None:
            written, output = float(estimate_request(attempt.call.operation, attempt.size)), 0.0
        else:
            written = float(estimate_input(prompt))
            output = float(prompt.max_tokens or self._written.get(attempt.model, _TYPICAL_OUTPUT))
        return {
            "requests": 1.0, "tokens": written + output, "input_tokens": written, "output_tokens": output,
            "concurrent": 1.0,
        }  # fmt: skip

    def after(self, model: str | None, estimate: Amounts, outcome: Outcome) -> Amounts | None:
        """What an attempt really used; `None`: nothing, since it was never sent."""
        error = outcome.error
        if outcome.kind == "refused" or (error is not None and _was_never_sent(error)):
            return None
        if outcome.usage is not None and not outcome.was_fetched:
            return self._counted(model, outcome.usage)
        if outcome.may_be_billed:
            return estimate
        return {"requests": 1.0, "tokens": 0.0, "input_tokens": 0.0, "output_tokens": 0.0}

    def _counted(self, model: str | None, usage: TokenUsage) -> Amounts:
        read = float(usage.input_tokens or 0)
        for name in self._uncounted:
            read -= getattr(usage, name) or 0
        output = float(usage.output_tokens or 0)
        if not usage.estimated:
            before = self._written.get(model)
            self._written[model] = output if before is None or output > before else before * 0.9 + output * 0.1
        read = max(0.0, read)
        return {"requests": 1.0, "tokens": read + output, "input_tokens": read, "output_tokens": output}


def _was_never_sent(error: BaseException) -> bool:
    details: Callable[..., Any] = getattr(error, "details", {}).get
    return getattr(error, "status", None) is None and details("phase") in _NEVER_SENT
