"""Figures as Markdown tables: median, spread, and the ratios to the bare client and to the `openai` SDK."""

from __future__ import annotations

from collections.abc import Sequence

from .competitors import OPENAI
from .records import Figures, Goal, ManyFigures, Samples, Table, Text, WireFigures

__all__ = ["as_markdown", "goal_table", "number"]


def as_markdown(table: Table) -> str:
    """A table without its title."""
    if isinstance(table, Figures):
        return _figure_table(table)
    if isinstance(table, ManyFigures):
        return _multi_table(table)
    if isinstance(table, WireFigures):
        return _wire_table(table)
    assert isinstance(table, Text)
    return table.text


def number(value: float) -> str:
    """A figure with as many digits as it deserves."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _median(samples: Samples | None) -> float | None:
    return None if samples is None else samples.median


def _spread(samples: Samples) -> str:
    return f"{number(min(samples.values))} - {number(max(samples.values))}"


def _ratio(value: float, base: float | None) -> str:
    if not base:
        return "-"
    return f"{value / base:.2f}" if value < 10 * base else f"{value / base:.0f}"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _figure_table(table: Figures) -> str:
    divisors = [_median(table.rows.get(base)) for base in table.bases.values()]
    rows = []
    for name, samples in table.rows.items():
        if (median := samples.median) is None:
            rows.append([name, samples.problem, *[""] * (len(divisors) + 1)])
        else:
            rows.append([name, number(median), _spread(samples), *(_ratio(median, divisor) for divisor in divisors)])
    return _rows(["", table.unit, "lowest - highest", *table.bases], rows)


def _wire_table(table: WireFigures) -> str:
    rows = []
    for wire, figures in table.rows.items():
        base, ours = figures[table.bare].median, figures[table.own].median
        if base is None or ours is None:
            rows.append([wire, figures[table.bare].problem, figures[table.own].problem, "", "", ""])
            continue
        others = [(name, median) for name, samples in figures.items() if (median := samples.median) is not None]
        sdk = [(name, median) for name, median in others if name not in (table.bare, table.own)]
        rows.append(
            [
                wire,
                number(base),
                number(ours),
                _ratio(ours, base),
                ", ".join(f"{name}: {number(median)}" for name, median in sdk),
                ", ".join(_ratio(ours, median) for _, median in sdk),
            ]
        )
    return _rows([table.unit, table.bare, table.own, "x bare client", "the vendor's SDK", "x SDK"], rows)


def _multi_table(table: ManyFigures) -> str:
    sdk = _median(table.rows[OPENAI][table.ratio_of])
    rows = []
    for name, figures in table.rows.items():
        cells = [
            samples.problem if (median := samples.median) is None else f"{number(median)} ({_spread(samples)})"
            for samples in figures
        ]
        chosen = figures[table.ratio_of].median
        rows.append([name, *cells, "" if chosen is None else _ratio(chosen, sdk)])
    return _rows(["median (lowest - highest)", *table.units, f"{table.units[table.ratio_of]}: x openai SDK"], rows)


def goal_table(goals: Sequence[Goal]) -> str:
    """Each goal beside the ratio that was measured."""
    rows = []
    for goal in goals:
        if (ratio := goal.ratio) is None:
            rows.append([goal.text, f"{goal.limit:.3g}", "not measured", ""])
        else:
            rows.append([goal.text, f"{goal.limit:.3g}", f"{ratio:.3g}", "yes" if ratio <= goal.limit else "no"])
    return _rows(["", "at most", "measured", "reached"], rows)
