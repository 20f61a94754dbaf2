"""The section `limits`: what limits, circuit and retry budget add to a call, beside libraries that limit rates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .competitors.limiters import LIMITERS, LINES, OWN
from .meter import Task
from .records import Figures, Goal, Samples
from .runner import Workers
from .wires import Pace

__all__ = ["LimitBench"]

CALL_LIMIT, LIMITER_LIMIT, LINE_LIMIT = 1.1, 0.5, 1.1
"""The goals: a call beside one without; a limiter beside the best of the others; a long line beside a short one."""

_WITHOUT, _BY_DEFAULT, _WITH = "without any", "circuit and retry budget (by default)", "with four limits as well"
_CALLS = {
    _WITHOUT: "polydriver_client:AsyncPolydriverUnguarded",
    _BY_DEFAULT: "polydriver_client:AsyncPolydriver",
    _WITH: "polydriver_client:AsyncPolydriverWithLimits",
}


class LimitBench:
    """Measures table after table; `goals` grows with it."""

    def __init__(self, python: Path, origin: str, pace: Pace, log: Path) -> None:
        self._python, self._origin, self._pace, self._log = python, origin, pace, log
        self.goals: list[Goal] = []

    def tables(self) -> Iterator[Figures]:
        """A call with and without; taking from four limits; serving who waits."""
        calls = self._measure("async", _CALLS, {"kind": "call", "in_flight": 50, "seconds": self._pace.seconds}, 3)
        text = "Async call, 50 in flight, with limits, circuit and retry budget, x without"
        self.goals.append(Goal(text, calls[_WITH], calls[_WITHOUT], CALL_LIMIT))
        yield self._table("Limits, circuit and retry budget in a call, async, 50 in flight", "a call", calls)

        step: Task = {"kind": "step", "in_flight": 1, "seconds": self._pace.seconds / 2}
        limiters = self._measure("step", LIMITERS, step)
        others = {name: median for name, found in limiters.items() if (median := found.median) is not None}
        others.pop(OWN, None)
        if others:
            best = min(others, key=lambda name: others[name])
            self.goals.append(Goal(f"Four limits of a call, x {best}", limiters[OWN], limiters[best], LIMITER_LIMIT))
        yield self._table("Taking from four limits, one call", "a call", limiters)

        lines = self._measure("step", LINES, step)
        short, long = LINES
        self.goals.append(Goal(f"Serving who waits, {long}, x {short}", lines[long], lines[short], LINE_LIMIT))
        yield self._table("Serving who waits for a limit", "a served call", lines)

    @staticmethod
    def _table(title: str, unit: str, results: dict[str, Samples]) -> Figures:
        base = next(iter(results))
        return Figures(title, f"CPU µs {unit}", {f"x {base}": base}, results)

    def _measure(self, colour: str, targets: dict[str, str], task: Task, times: int = 1) -> dict[str, Samples]:
        """Takes `times` as many samples as elsewhere, where a small difference is looked for."""
        workers = Workers(self._python, colour, targets, self._origin, self._log)
        try:
            return workers.measure(task, self._pace.samples * times, self._pace.patience * times)
        finally:
            workers.stop()
