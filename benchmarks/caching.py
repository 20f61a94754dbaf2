"""The section `cache`: what an answer costs that is given again, beside building its prompt."""

from __future__ import annotations

from collections.abc import Iterator

from .records import Figures, Samples
from .section import Section

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


class CacheBench(Section):
    """Measures one table."""

    def tables(self) -> Iterator[Figures]:
        """Hits of each store."""
        [found] = self.measure("step", _STEPS, self.task("step"))
        if (prompt := found[_PROMPT].median) is not None:
            above = Samples([value - prompt for value in found[_HIT].values], found[_HIT].problem)
            text = f"An answer from the cache, above {_PROMPT}, x {HIT_LIMIT:g} µs"
            self.hold(text, above, Samples([HIT_LIMIT]), 1.0)
        yield Figures("An answer from the cache", "CPU µs a call", {f"x {_PROMPT}": _PROMPT}, found)
