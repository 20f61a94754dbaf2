"""The book of a batch: which prompts have begun, which are finished, and what is to be handed out next."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

from ...data.attempts import AttemptReport
from ...data.batches import BatchOutcome, BatchProgress
from ...data.cost import EXACT
from ...data.responses import AIResponse
from ...errors import AIError, ConfigurationError
from ..waiting import now

__all__ = ["Book", "put", "tell"]

_WINDOW = 2
_ORDERED_WINDOW = 8


class Book:
    """Kept by one thread. Both colours keep it in the same way.

    `ready` holds the outcomes to hand out, in this order. A batch reads at most so far ahead of its reader: `limit`
    prompts run, and outcomes that wait to be taken count, too, up to a small multiple of `limit`. In order that
    multiple is larger, since outcomes have to wait for the slowest before them.
    """

    def __init__(self, limit: object, *, ordered: bool = False, total: int | None = None) -> None:
        """Raises `ConfigurationError` when `limit` is not a count."""
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ConfigurationError(f"max_concurrency must be a whole number of at least 1, not {limit!r}")
        self.limit = limit
        self.ready: deque[BatchOutcome[Any]] = deque()
        self._ordered = ordered
        self._window = limit * (_ORDERED_WINDOW if ordered else _WINDOW)
        self._held: dict[int, BatchOutcome[Any]] = {}
        self._next = 0
        self._running: dict[int, Any] = {}
        self._stopped: list[int] = []
        self._total = total
        self._begun = self._answered = self._failed = 0
        self._input = self._output = self._unpriced = 0
        self._costs: dict[str, Decimal] = {}
        self._started: float | None = None
        self._ended: float | None = None

    @property
    def running(self) -> int:
        """How many prompts are on their way."""
        return len(self._running)

    @property
    def has_room(self) -> bool:
        """Whether another prompt may be read and sent."""
        running = len(self._running)
        return running < self.limit and running + len(self._held) + len(self.ready) < self._window

    @property
    def unfinished(self) -> list[int]:
        """The places of prompts that were running when the batch was cancelled."""
        return sorted(self._stopped)

    def begin(self, prompt: Any) -> int:
        """Note that a prompt is about to be sent. Returns its place."""
        if self._started is None:
            self._started = now()
        index, self._begun = self._begun, self._begun + 1
        self._running[index] = prompt
        return index

    def finish(self, index: int, response: Any, error: BaseException | None) -> None:
        """Note an outcome; it is made ready when its turn has come."""
        outcome = BatchOutcome(index=index, prompt=self._running.pop(index), response=response, error=error)
        self._count(outcome)
        if not self._ordered:
            self.ready.append(outcome)
            return
        self._held[index] = outcome
        while self._next in self._held:
            self.ready.append(self._held.pop(self._next))
            self._next += 1

    def end(self) -> None:
        """Note that nothing more is finished: what still waits for others before it is ready now."""
        self._stopped += self._running
        self._running.clear()
        self.ready.extend(self._held.pop(index) for index in sorted(self._held))
        if self._ended is None:
            self._ended = now()

    def progress(self) -> BatchProgress:
        """How far it has come."""
        end = now() if self._ended is None else self._ended
        return BatchProgress(
            total=self._total,
            begun=self._begun,
            answered=self._answered,
            failed=self._failed,
            running=len(self._running),
            stopped=len(self._stopped),
            input_tokens=self._input,
            output_tokens=self._output,
            costs=dict(self._costs),
            unpriced=self._unpriced,
            seconds=0.0 if self._started is None else max(0.0, end - self._started),
        )

    def _count(self, outcome: BatchOutcome[Any]) -> None:
        response, error = outcome.response, outcome.error
        if error is not None:
            self._failed += 1
            self._pay(error.attempts if isinstance(error, AIError) else ())
            return
        self._answered += 1
        if not isinstance(response, AIResponse):
            return
        usage = response.usage
        if usage is not None:
            self._input += usage.input_tokens or 0
            self._output += usage.output_tokens or 0
        self._unpriced += response.cost is None
        if response.attempts:
            self._pay(response.attempts)
        elif response.cost is not None:
            self._add(response.cost.currency, response.cost.total)

    def _pay(self, attempts: Any) -> None:
        report: AttemptReport
        for report in attempts:
            if report.cost is not None:
                self._add(report.cost.currency, report.cost.total)

    def _add(self, currency: str, amount: Decimal) -> None:
        self._costs[currency] = EXACT.add(self._costs.get(currency, Decimal(0)), amount)


def put(results: list[Any], outcome: BatchOutcome[Any]) -> None:
    """Put an outcome in its place; others may be missing before it."""
    if outcome.index >= len(results):
        results += [None] * (outcome.index + 1 - len(results))
    results[outcome.index] = outcome.response if outcome.error is None else outcome.error


def tell(error: BaseException, progress: BatchProgress) -> None:
    """Note on an error what was done of a batch that it ended."""
    error.add_note(f"the batch ended early: {progress}")
