"""What the sections of the comparison have in common: workers that measure, and goals that they are held to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from .meter import Task
from .records import Goal, Samples, Table
from .runner import Workers

__all__ = ["Pace", "Section"]


class Pace(Protocol):
    """How long to measure: see `Plan`."""

    @property
    def seconds(self) -> float: ...
    @property
    def samples(self) -> int: ...
    @property
    def patience(self) -> float: ...


class Section(ABC):
    """A section of the comparison, over the server at `origin`; `goals` grows with its tables."""

    def __init__(self, python: Path, origin: str, pace: Pace, log: Path) -> None:
        self._python, self._origin, self._pace, self._log = python, origin, pace, log
        self.goals: list[Goal] = []

    @abstractmethod
    def tables(self) -> Iterator[Table]:
        """The tables, as they are measured."""

    def hold(self, text: str, ours: Samples, theirs: Samples, limit: float) -> None:
        """Add a goal: ours is at most so many times theirs."""
        self.goals.append(Goal(text, ours, theirs, limit))

    def task(self, kind: str, in_flight: int = 1, part: float = 1.0) -> Task:
        """What workers are to measure, for a `part` of the usual seconds."""
        return {"kind": kind, "in_flight": in_flight, "seconds": self._pace.seconds * part}

    def measure(
        self, colour: str, targets: Mapping[str, str], *tasks: Task, times: int = 1, patience: int = 1, path: str = ""
    ) -> list[dict[str, Samples]]:
        """The samples of each target, for task after task, below `path` of the server.

        It takes `times` as many samples as elsewhere, where a small difference is looked for, and waits `patience`
        times as long for them.
        """
        workers = Workers(self._python, colour, dict(targets), f"{self._origin}{path}", self._log)
        pace = self._pace
        try:
            return [workers.measure(task, pace.samples * times, pace.patience * times * patience) for task in tasks]
        finally:
            workers.stop()
