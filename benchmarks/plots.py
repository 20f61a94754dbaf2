"""Tables as bar charts: SVG in the colours of the page, with a whisker from the lowest to the highest sample."""

from __future__ import annotations

from typing import NamedTuple
from xml.sax.saxutils import escape

from .competitors import POLYDRIVER
from .records import Figures, ManyFigures, Samples, Table, WireFigures
from .report import number

__all__ = ["plot"]

WIDTH, RIGHT = 480, 56
LINE, HEAD = 22, 52
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
STYLE = """
    text { fill: #1c2030 }
    .small { fill: #4c5367 }
    .other { fill: #b3bccf }
    .own { fill: #4d6bd6 }
    .whisker { stroke: #1c2030; stroke-width: 1.2; fill: none }
    .axis { stroke: #8a8f9c }
    @media (prefers-color-scheme: dark) {
      text { fill: #eceff7 }
      .small { fill: #b4bccd }
      .other { fill: #4f5a76 }
      .own { fill: #7f9bff }
      .whisker { stroke: #eceff7 }
    }
"""


class Line(NamedTuple):
    """A bar, or the heading of those that follow when there are no samples."""

    label: str
    samples: Samples | None = None


def plot(table: Table) -> str | None:
    """The SVG of a table, of the figure that its ratio is taken of; `None` for what is told in words."""
    if isinstance(table, Figures):
        return _chart(table.title, table.unit, [Line(name, samples) for name, samples in table.rows.items()])
    if isinstance(table, ManyFigures):
        chosen = [Line(name, figures[table.ratio_of]) for name, figures in table.rows.items()]
        return _chart(table.title, table.units[table.ratio_of], chosen)
    if isinstance(table, WireFigures):
        lines = []
        for wire, figures in table.rows.items():
            lines += [Line(wire), *(Line(name, samples) for name, samples in figures.items())]
        return _chart(table.title, table.unit, lines)
    return None


def _chart(title: str, unit: str, lines: list[Line]) -> str:
    highest = max((max(line.samples.values) for line in lines if line.samples and line.samples.median), default=1.0)
    left = 20 + 6.6 * max(len(line.label) for line in lines if line.samples)
    scale = (WIDTH - left - RIGHT) / highest
    height = HEAD + LINE * len(lines) + 8
    drawn = [_line(line, HEAD + LINE * place, left, scale) for place, line in enumerate(lines)]
    first, last = HEAD - 4, HEAD + LINE * len(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title" '
        f'font-family="{FONT}" font-size="12">\n'
        f'  <title id="title">{escape(title)}: {escape(unit)}</title>\n'
        f"  <style>{STYLE}  </style>\n"
        f'  <text x="8" y="18" font-size="14" font-weight="700">{escape(title)}</text>\n'
        f'  <text class="small" x="8" y="36">{escape(unit)}; less is better</text>\n'
        + "".join(drawn)
        + f'  <path class="axis" d="M{left:.0f} {first}V{last}"/>\n</svg>\n'
    )


def _line(line: Line, top: int, left: float, scale: float) -> str:
    base = top + 15
    if line.samples is None:
        return f'  <text x="8" y="{base}" font-weight="700">{escape(line.label)}</text>\n'
    kind, weight = ("own", ' font-weight="700"') if line.label.startswith(POLYDRIVER) else ("other", "")
    text = f'  <text x="{left - 8:.0f}" y="{base}" text-anchor="end"{weight}>{escape(line.label)}</text>\n'
    if (median := line.samples.median) is None:
        return text + f'  <text class="small" x="{left + 6:.0f}" y="{base}">{escape(line.samples.problem)}</text>\n'
    length = max(1.5, median * scale)
    low, high = (left + end(line.samples.values) * scale for end in (min, max))
    ends = f"M{low:.1f} {top + 8}v6M{high:.1f} {top + 8}v6"
    return (
        text
        + f'  <rect class="{kind}" x="{left:.1f}" y="{top + 3}" width="{length:.1f}" height="16"/>\n'
        + f'  <path class="whisker" d="M{low:.1f} {top + 11}H{high:.1f}{ends}"/>\n'
        + f'  <text x="{max(left + length, high) + 6:.1f}" y="{base}"{weight}>{number(median)}</text>\n'
    )
