"""The section `storage`: what a ledger in SQLite adds to a call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .records import Figures, Goal
from .runner import Workers
from .wires import Pace

__all__ = ["StorageBench"]

_WITHOUT, _WRITE_BEHIND, _DURABLE = "without storage", "write-behind", "durable"
_CALLS = {
    _WITHOUT: "polydriver_client:AsyncPolydriver",
    _WRITE_BEHIND: "polydriver_client:AsyncPolydriverWriteBehind",
    _DURABLE: "polydriver_client:AsyncPolydriverDurable",
}
LIMITS = {_WRITE_BEHIND: 1.3, _DURABLE: 2.5}
"""The goals, in multiples of a call without storage."""


class StorageBench:
    """Measures the table; `goals` grows with it."""

    def __init__(self, python: Path, origin: str, pace: Pace, log: Path) -> None:
        self._python, self._origin, self._pace, self._log = python, origin, pace, log
        self.goals: list[Goal] = []

    def tables(self) -> Iterator[Figures]:
        """A call with a ledger, and without."""
        workers = Workers(self._python, "async", _CALLS, self._origin, self._log)
        try:
            calls = workers.measure(
                {"kind": "call", "in_flight": 50, "seconds": self._pace.seconds},
                self._pace.samples * 2,
                self._pace.patience * 2,
            )
        finally:
            workers.stop()
        for name, limit in LIMITS.items():
            text = f"Async call, 50 in flight, with a {name} ledger, x without"
            self.goals.append(Goal(text, calls[name], calls[_WITHOUT], limit))
        title = "A ledger in SQLite in a call, async, 50 in flight"
        yield Figures(title, "CPU µs a call", {f"x {_WITHOUT}": _WITHOUT}, calls)
