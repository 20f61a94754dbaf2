"""One run as data: what the tables, the plots and the page of the documentation are made from."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

__all__ = [
    "Figures",
    "Goal",
    "Later",
    "ManyFigures",
    "Run",
    "Samples",
    "Table",
    "Text",
    "WireFigures",
    "joined",
    "rounded",
]


@dataclass
class Samples:
    """The measurements of one competitor; `problem` says why there are none."""

    values: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def median(self) -> float | None:
        return statistics.median(self.values) if self.values and not self.problem else None


class Goal(msgspec.Struct):
    """A promise: `ours` is at most `limit` times `theirs`."""

    text: str
    ours: Samples
    theirs: Samples
    limit: float

    @property
    def ratio(self) -> float | None:
        """What was measured, if both were."""
        ours, theirs = self.ours.median, self.theirs.median
        return None if ours is None or not theirs else ours / theirs


class Figures(msgspec.Struct, tag=True):
    """One figure for each competitor; `bases` are the columns of ratios, and the rows that they are taken to."""

    title: str
    unit: str
    bases: dict[str, str]
    rows: dict[str, Samples]


class ManyFigures(msgspec.Struct, tag=True):
    """Several figures for each competitor, in the order of `units`; a ratio is taken of the one at `ratio_of`."""

    title: str
    units: tuple[str, ...]
    ratio_of: int
    rows: dict[str, list[Samples]]


class WireFigures(msgspec.Struct, tag=True):
    """For each wire one figure for each competitor: the bare client, our own, and the vendor's SDK if there is one."""

    title: str
    unit: str
    bare: str
    own: str
    rows: dict[str, dict[str, Samples]]


class Text(msgspec.Struct, tag=True):
    """A result in words."""

    title: str
    text: str


Table: TypeAlias = Figures | ManyFigures | WireFigures | Text


class Later(msgspec.Struct):
    """Another run, whose tables stand among those of the first."""

    date: str
    machine: str
    versions: str
    titles: list[str]


class Run(msgspec.Struct):
    """Everything that one run measured, and where; and what later runs of some sections did."""

    date: str
    machine: str
    versions: str
    tables: list[Table] = []
    goals: list[Goal] = []
    later: list[Later] = []


def joined(old: Run, new: Run) -> Run:
    """A run with the tables and goals of a later one in place of its own, and what it did not have behind them."""
    tables = {table.title: table for table in (*old.tables, *new.tables)}
    goals = {goal.text: goal for goal in (*old.goals, *new.goals)}
    titles = {table.title for table in new.tables}
    kept = [
        msgspec.structs.replace(run, titles=[title for title in run.titles if title not in titles]) for run in old.later
    ]
    later = [*(run for run in kept if run.titles), Later(new.date, new.machine, new.versions, sorted(titles))]
    return Run(old.date, old.machine, old.versions, list(tables.values()), list(goals.values()), later)


def rounded(run: Run) -> Run:
    """The run with samples of four digits, as it is stored."""
    for samples in _all_samples(run):
        samples.values = [float(f"{value:.4g}") for value in samples.values]
    return run


def _all_samples(run: Run) -> list[Samples]:
    found = [samples for goal in run.goals for samples in (goal.ours, goal.theirs)]
    for table in run.tables:
        if isinstance(table, Figures):
            found += table.rows.values()
        elif isinstance(table, ManyFigures):
            found += [samples for row in table.rows.values() for samples in row]
        elif isinstance(table, WireFigures):
            found += [samples for row in table.rows.values() for samples in row.values()]
    return found
