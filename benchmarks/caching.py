"""The section `cache`: what an answer costs that is given again, beside building its prompt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .meter import Task
from .records import Figures, Goal, Samples
from .runner import Workers
from .wires import Pace

__all__ = ["CacheBench"]

_PROMPT, _HIT = "building the prompt", "a hit, from memory"
_STEPS = {
    _PROMPT: "caching:Prompt",
    _HIT: "caching:Hit",
    "a streamed hit, from memory": "caching:StreamedHit",
    "a hit, from SQLite": "caching:HitOfDatabase",
}
HIT_LIMIT = 15.0
"""The goal, in CPU µs above building the prompt."""


class CacheBench:
    """Measures one table; `goals` grows with it."""

    def __init__(self, python: Path, origin: str, pace: Pace, log: Path) -> None:
        self._python, self._origin, self._pace, self._log = python, origin, pace, log
        self.goals: list[Goal] = []

    def tables(self) -> Iterator[Figures]:
        """Hits of each store."""
        workers = Workers(self._python, "step", dict(_STEPS), self._origin, self._log)
        try:
            task: Task = {"kind": "step", "in_flight": 1, "seconds": self._pace.seconds}
            found = workers.measure(task, self._pace.samples, self._pace.patience)
        finally:
            workers.stop()
        if (prompt := found[_PROMPT].median) is not None:
            above = Samples([value - prompt for value in found[_HIT].values], found[_HIT].problem)
            text = f"An answer from the cache, above {_PROMPT}, x {HIT_LIMIT:g} µs"
            self.goals.append(Goal(text, above, Samples([HIT_LIMIT]), 1.0))
        yield Figures("An answer from the cache", "CPU µs a call", {f"x {_PROMPT}": _PROMPT}, found)
