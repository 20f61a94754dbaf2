"""The section `limits`: what limits, circuit and retry budget add to a call, beside libraries that limit rates."""

from __future__ import annotations

from collections.abc import Iterator

from .competitors.limiters import LIMITERS, LINES, OWN
from .records import Figures, Samples
from .section import Section

__all__ = ["LimitBench"]

CALL_LIMIT, LIMITER_LIMIT, LINE_LIMIT = 1.1, 0.5, 1.1
"""The goals: a call beside one without; a limiter beside the best of the others; a long line beside a short one."""

_WITHOUT, _BY_DEFAULT, _WITH = "without any", "circuit and retry budget (by default)", "with four limits as well"
_CALLS = {
    _WITHOUT: "polydriver_client:AsyncPolydriverUnguarded",
    _BY_DEFAULT: "polydriver_client:AsyncPolydriver",
    _WITH: "polydriver_client:AsyncPolydriverWithLimits",
}


class LimitBench(Section):
    """Measures table after table."""

    def tables(self) -> Iterator[Figures]:
        """A call with and without; taking from four limits; serving who waits."""
        [calls] = self.measure("async", _CALLS, self.task("call", 50), times=3)
        text = "Async call, 50 in flight, with limits, circuit and retry budget, x without"
        self.hold(text, calls[_WITH], calls[_WITHOUT], CALL_LIMIT)
        yield self._table("Limits, circuit and retry budget in a call, async, 50 in flight", "a call", calls)

        [limiters] = self.measure("step", LIMITERS, self.task("step", part=0.5))
        others = {name: median for name, found in limiters.items() if (median := found.median) is not None}
        others.pop(OWN, None)
        if others:
            best = min(others, key=lambda name: others[name])
            self.hold(f"Four limits of a call, x {best}", limiters[OWN], limiters[best], LIMITER_LIMIT)
        yield self._table("Taking from four limits, one call", "a call", limiters)

        [lines] = self.measure("step", LINES, self.task("step", part=0.5))
        short, long = LINES
        self.hold(f"Serving who waits, {long}, x {short}", lines[long], lines[short], LINE_LIMIT)
        yield self._table("Serving who waits for a limit", "a served call", lines)

    @staticmethod
    def _table(title: str, unit: str, results: dict[str, Samples]) -> Figures:
        base = next(iter(results))
        return Figures(title, f"CPU µs {unit}", {f"x {base}": base}, results)
