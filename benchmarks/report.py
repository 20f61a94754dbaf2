"""Figures as Markdown tables: median, spread, and the ratios to the bare client and to the `openai` SDK."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .competitors import OPENAI
from .runner import Samples

__all__ = ["Goal", "figure_table", "goal_table", "multi_table", "plain_table", "wire_table"]


class Goal(NamedTuple):
    """A promise: `ours` is at most `limit` times `theirs`."""

    text: str
    ours: Samples
    theirs: Samples
    limit: float


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _median(samples: Samples | None) -> float | None:
    return statistics.median(samples.values) if samples is not None and samples.values and not samples.problem else None


def _ratio(value: float, base: float | None) -> str:
    if not base:
        return "-"
    return f"{value / base:.2f}" if value < 10 * base else f"{value / base:.0f}"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def figure_table(unit: str, results: Mapping[str, Samples], bare: str) -> str:
    """One figure for each competitor."""
    return _figures(unit, results, {"x bare client": bare, "x openai SDK": OPENAI})


def plain_table(unit: str, results: Mapping[str, Samples], base: str) -> str:
    """One figure for each competitor, and the ratio to one of them."""
    return _figures(unit, results, {f"x {base}": base})


def _figures(unit: str, results: Mapping[str, Samples], bases: Mapping[str, str]) -> str:
    divisors = [_median(results.get(base)) for base in bases.values()]
    rows = []
    for name, samples in results.items():
        median = _median(samples)
        if median is None:
            rows.append([name, samples.problem, *[""] * (len(bases) + 1)])
        else:
            spread = f"{_number(min(samples.values))} - {_number(max(samples.values))}"
            rows.append([name, _number(median), spread, *(_ratio(median, divisor) for divisor in divisors)])
    return _rows(["", unit, "lowest - highest", *bases], rows)


def wire_table(unit: str, results: Mapping[str, Mapping[str, Samples]], bare: str, own: str) -> str:
    """One row for each wire: the bare client, polydriver, and, where there is one, the vendor's SDK."""
    rows = []
    for wire, figures in results.items():
        base, ours = _median(figures[bare]), _median(figures[own])
        if base is None or ours is None:
            rows.append([wire, figures[bare].problem, figures[own].problem, "", "", ""])
            continue
        others = [(name, median) for name, samples in figures.items() if (median := _median(samples)) is not None]
        sdk = [(name, median) for name, median in others if name not in (bare, own)]
        rows.append(
            [
                wire,
                _number(base),
                _number(ours),
                _ratio(ours, base),
                ", ".join(f"{name}: {_number(median)}" for name, median in sdk),
                ", ".join(_ratio(ours, median) for _, median in sdk),
            ]
        )
    return _rows([unit, bare, own, "x bare client", "the vendor's SDK", "x SDK"], rows)


def multi_table(units: Sequence[str], results: Mapping[str, Sequence[Samples]], ratio_of: int) -> str:
    """Several figures for each competitor; the ratio to the `openai` SDK is of the figure at `ratio_of`."""
    sdk = _median(results[OPENAI][ratio_of])
    rows = []
    for name, figures in results.items():
        cells = []
        for samples in figures:
            median = _median(samples)
            cells.append(
                samples.problem
                if median is None
                else f"{_number(median)} ({_number(min(samples.values))} - {_number(max(samples.values))})"
            )
        chosen = _median(figures[ratio_of])
        rows.append([name, *cells, "" if chosen is None else _ratio(chosen, sdk)])
    return _rows(["median (lowest - highest)", *units, f"{units[ratio_of]}: x openai SDK"], rows)


def goal_table(goals: Sequence[Goal]) -> str:
    """Each goal beside the ratio that was measured."""
    rows = []
    for goal in goals:
        ours, theirs = _median(goal.ours), _median(goal.theirs)
        if ours is None or not theirs:
            rows.append([goal.text, f"{goal.limit:.3g}", "not measured", ""])
        else:
            reached = "yes" if ours <= goal.limit * theirs else "no"
            rows.append([goal.text, f"{goal.limit:.3g}", f"{ours / theirs:.3g}", reached])
    return _rows(["", "at most", "measured", "reached"], rows)
