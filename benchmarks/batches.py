"""The section `batches`: what `send_batch` and `stream_batch` cost for each prompt, beside loops written by hand."""

from __future__ import annotations

from collections.abc import Iterator

from .batch_meter import PROMPTS
from .records import Figures
from .section import Section

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


class BatchBench(Section):
    """Measures the table."""

    def tables(self) -> Iterator[Figures]:
        """A batch in each of the four ways."""
        [found] = self.measure("batch", _COMPETITORS, self.task("batch", _IN_FLIGHT), patience=2)
        for ours in (_SENT, _STREAMED):
            self.hold(f"{ours}, {_IN_FLIGHT} in flight, x {_CALLS}", found[ours], found[_CALLS], LIMIT)
        title = f"A batch of {PROMPTS:,} prompts, async, {_IN_FLIGHT} in flight"
        yield Figures(title, "CPU µs a prompt", {"x aiohttp": _BARE, "x calls": _CALLS}, found)
