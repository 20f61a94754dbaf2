"""Streams that write more than was reserved for: more is reserved, piece by piece, until a budget has no room."""

from __future__ import annotations

import time
from functools import partial

import msgspec

from ..engine.billing import BYTES_PER_TOKEN
from ..engine.policies import Either
from ..errors import BudgetExceededError, StorageError
from ..logger import logger
from .budget_rows import BUDGETS, Hold, extend
from .columns import to_pico
from .estimates import estimate_attempt
from .writer import Work, Writer

__all__ = ["StreamMeter"]

_log = logger()
_PIECE = 1000


class StreamMeter:
    """The `Meter` of one streamed attempt, for those of its budgets that stop streams."""

    def __init__(self, writer: Writer, hold: Hold, patience: float) -> None:
        self._writer = writer
        self._hold = hold
        self._patience = patience
        self._size = 0
        self._estimate = estimate_attempt(hold.attempt)
        usage = self._estimate.usage if self._estimate is not None else None
        self._covered = (usage.output_tokens or 0 if usage is not None else 0) * BYTES_PER_TOKEN

    async def delivered(self, size: int, port: Either) -> None:
        """See `Meter.delivered`. Raises `BudgetExceededError` when what came is no longer covered."""
        self._size += size
        if self._size <= self._covered:
            return
        tokens = -(-self._size // BYTES_PER_TOKEN) + _PIECE
        amounts = self._amounts(tokens)
        if amounts is None:
            self._covered = 2**62  # of a model without a price: nothing can be measured
            return
        work = Work(partial(extend, hold=self._hold, amounts=amounts, now=int(time.time() * 1e6)), BUDGETS)
        try:
            await port.either(
                partial(self._writer.do_blocking, work, self._patience),
                partial(self._writer.do_async, work, self._patience),
            )
        except BudgetExceededError as error:
            error.provider = self._hold.attempt.provider
            raise
        except StorageError as error:
            _log.warning("a stream goes on though its budget could not be asked: %s", error.message)
        self._covered = tokens * BYTES_PER_TOKEN
        for claim, amount in zip(self._hold.claims, amounts, strict=True):
            claim.amount = max(claim.amount or 0, amount) if amount else claim.amount

    def _amounts(self, tokens: int) -> list[int] | None:
        """What is to be held in all for so much output, for each claim; 0 where a budget does not stop streams."""
        if self._estimate is None or self._estimate.cost is None:
            return None
        attempt = self._hold.attempt
        usage = msgspec.structs.replace(self._estimate.usage, output_tokens=tokens)
        assert attempt.model is not None
        cost = attempt.target.driver.calculate_cost(usage, attempt.model)
        if cost is None:
            return None
        return [
            to_pico(cost.total) if claim.budget.stop_streams and claim.budget.currency == cost.currency else 0
            for claim in self._hold.claims
        ]
