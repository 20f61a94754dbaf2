"""What an attempt will cost, before it is made: its input by the rule of `engine.billing`, and its output at most."""

from __future__ import annotations

from typing import NamedTuple

from ..data.cost import Cost
from ..data.usage import TokenUsage
from ..engine.attempts import Attempt
from ..engine.billing import estimate_input, estimate_request
from ..logger import logger
from ..operations.kinds import OPERATIONS

__all__ = ["Estimate", "estimate_attempt", "is_paid"]

_log = logger()
_TYPICAL_OUTPUT = 1000
_PAID = frozenset(name for name, kind in OPERATIONS.items() if kind.needs_model)


class Estimate(NamedTuple):
    """The usage that is expected, and what it costs; `cost` is `None` where that cannot be said, and `is_priced` tells
    whether the model has a price at all."""

    usage: TokenUsage
    cost: Cost | None
    is_priced: bool


def is_paid(attempt: Attempt) -> bool:
    """Whether an attempt is of a kind that is paid for by itself: prompts, embeddings, images, ..., but no lists."""
    return attempt.model is not None and (attempt.prompt is not None or attempt.call.operation in _PAID)


def estimate_attempt(attempt: Attempt) -> Estimate | None:
    """The estimate for an attempt that is paid for: `max_tokens` of output, else 1,000; `None` for any other.

    Operations beyond chat write nothing; what they read is told by `estimate_request`, which is nothing for files: what
    such an operation costs is known at its end.
    """
    if not is_paid(attempt):
        return None
    prompt, model, driver = attempt.prompt, attempt.model, attempt.target.driver
    assert model is not None
    if prompt is None:
        read = estimate_request(attempt.call.operation, attempt.size)
        usage = TokenUsage(input_tokens=read, output_tokens=0, estimated=True)
    else:
        written = prompt.max_tokens or _TYPICAL_OUTPUT
        usage = TokenUsage(input_tokens=estimate_input(prompt), output_tokens=written, estimated=True)
    try:
        cost = driver.calculate_cost(usage, model)
        return Estimate(usage, cost, cost is not None or driver.pricing(model) is not None)
    except Exception:  # noqa: BLE001 - a driver of the user's: its price is not known
        _log.exception("the cost of %s could not be estimated", model)
        return Estimate(usage, None, False)
