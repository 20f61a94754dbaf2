"""The section `batches`: what `send_batch` and `stream_batch` cost for each prompt, beside loops written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .batch_meter import PROMPTS
from .records import Figures, Goal
from .runner import Workers
from .wires import Pace

__all__ = ["BatchBench"]

_IN_FLIGHT = 50
_BARE, _CALLS, _SENT, _STREAMED = "aiohttp in a loop", "polydriver in a loop", "send_batch", "stream_batch"
_COMPETITORS = {
    _BARE: "bulk:AiohttpLoop",
    _CALLS: "bulk:PolydriverLoop",
    _SENT: "bulk:SendBatch",
    _STREAMED: "bulk:StreamBatch",
}
LIMIT = 1 / 0.7
"""The goal, in multiples of the loop over calls: at least 70 % of the rate of the bare pipeline."""


class BatchBench:
    """Measures the table; `goals` grows with it."""

    def __init__(self, python: Path, origin: str, pace: Pace, log: Path) -> None:
        self._python, self._origin, self._pace, self._log = python, origin, pace, log
        self.goals: list[Goal] = []

    def tables(self) -> Iterator[Figures]:
        """A batch in each of the four ways."""
        workers = Workers(self._python, "batch", _COMPETITORS, self._origin, self._log)
        try:
            found = workers.measure(
                {"kind": "batch", "in_flight": _IN_FLIGHT, "seconds": self._pace.seconds},
                self._pace.samples,
                self._pace.patience * 2,
            )
        finally:
            workers.stop()
        for ours in (_SENT, _STREAMED):
            text = f"{ours}, {_IN_FLIGHT} in flight, x {_CALLS}"
            self.goals.append(Goal(text, found[ours], found[_CALLS], LIMIT))
        title = f"A batch of {PROMPTS:,} prompts, async, {_IN_FLIGHT} in flight"
        yield Figures(title, "CPU µs a prompt", {"x aiohttp": _BARE, "x calls": _CALLS}, found)
