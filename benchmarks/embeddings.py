"""The section `embeddings`: 512 vectors of 1,536 dimensions in one reply, beside the `openai` SDK."""

from __future__ import annotations

from collections.abc import Iterator

from .records import Figures
from .section import Section

__all__ = ["EmbeddingBench"]

_SDK, _OURS = "openai SDK", "polydriver"
_STEPS = {_SDK: "embedding:OpenAISDK", _OURS: "embedding:Polydriver"}
LIMIT, MEMORY_LIMIT = 0.2, 0.5
"""The goals for CPU and memory, beside the SDK."""


class EmbeddingBench(Section):
    """Measures both tables."""

    def tables(self) -> Iterator[Figures]:
        """A blocking call of each, by its CPU time and by what it allocates."""
        found, allocated = self.measure("step", _STEPS, self.task("step"), self.task("allocated"))
        self.hold(f"512 embeddings, x {_SDK}", found[_OURS], found[_SDK], LIMIT)
        self.hold(f"512 embeddings, memory, x {_SDK}", allocated[_OURS], allocated[_SDK], MEMORY_LIMIT)
        title, bases = "512 embeddings of 1,536 dimensions", {f"x {_SDK}": _SDK}
        yield Figures(title, "CPU µs a call", bases, found)
        yield Figures(f"{title}: the most memory that Python holds in a call", "KB", bases, allocated)
