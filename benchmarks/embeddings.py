"""The section `embeddings`: 512 vectors of 1,536 dimensions in one reply, beside the `openai` SDK."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .meter import Task
from .records import Figures, Goal
from .runner import Workers
from .wires import Pace

__all__ = ["EmbeddingBench"]

_SDK, _OURS = "openai SDK", "polydriver"
_STEPS = {_SDK: "embedding:OpenAISDK", _OURS: "embedding:Polydriver"}
LIMIT, MEMORY_LIMIT = 0.2, 0.5
"""The goals for CPU and memory, beside the SDK."""


class EmbeddingBench:
    """Measures both tables; `goals` grows with them."""

    def __init__(self, python: Path, origin: str, pace: Pace, log: Path) -> None:
        self._python, self._origin, self._pace, self._log = python, origin, pace, log
        self.goals: list[Goal] = []

    def tables(self) -> Iterator[Figures]:
        """A blocking call of each, by its CPU time and by what it allocates."""
        workers = Workers(self._python, "step", dict(_STEPS), self._origin, self._log)
        try:
            task: Task = {"kind": "step", "in_flight": 1, "seconds": self._pace.seconds}
            found = workers.measure(task, self._pace.samples, self._pace.patience)
            task = {"kind": "allocated", "in_flight": 1, "seconds": self._pace.seconds}
            allocated = workers.measure(task, self._pace.samples, self._pace.patience)
        finally:
            workers.stop()
        self.goals.append(Goal(f"512 embeddings, x {_SDK}", found[_OURS], found[_SDK], LIMIT))
        text = f"512 embeddings, memory, x {_SDK}"
        self.goals.append(Goal(text, allocated[_OURS], allocated[_SDK], MEMORY_LIMIT))
        title, bases = "512 embeddings of 1,536 dimensions", {f"x {_SDK}": _SDK}
        yield Figures(title, "CPU µs a call", bases, found)
        yield Figures(f"{title}: the most memory that Python holds in a call", "KB", bases, allocated)
