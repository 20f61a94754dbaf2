"""What is printed: tables, JSON, errors and footers, all of it neutralised."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from .hints import explain
from .terminal import escape_json, neutralise

if TYPE_CHECKING:
    from rich.table import Table

    from ..data.cost import Cost
    from ..data.responses import AIResponse
    from ..data.usage import TokenUsage
    from ..errors import AIError

__all__ = [
    "amount",
    "describe_usage",
    "drawn_table",
    "drop_output",
    "footer",
    "note",
    "print_json",
    "print_table",
    "report",
    "safe_streams",
    "say",
    "shows_styles",
]


def safe_streams() -> None:
    """Never fail on a character that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def drop_output() -> None:
    """Let nothing more be written on stdout, which failed: what is left in its buffer would fail once more at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def say(text: str = "", *, end: str = "\n", err: bool = False, **style: Any) -> None:
    """Print text at once. Style (`dim=True`, `fg="red"`) shows on a terminal only."""
    text = neutralise(text)
    click.echo((click.style(text, **style) if style else text) + end, nl=False, err=err)


def shows_styles() -> bool:
    """Whether stdout is a terminal that shows styles, and they are wanted: https://no-color.org"""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def note(text: str) -> None:
    """Print a remark on stderr, apart from the answer."""
    say(text, err=True, dim=True)


def report(error: AIError) -> None:
    """Print an error on stderr: what happened, and what to do about it."""
    text, hint = explain(error)
    say("error: ", end="", err=True, fg="red", bold=True)
    say(text, err=True)
    if hint:
        say("hint: ", end="", err=True, bold=True)
        say(hint, err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON, decimals as strings, with control characters escaped."""
    import msgspec

    document = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    click.echo(escape_json(document))


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
    whole: Sequence[str] | None = None,
) -> None:
    """Print a table: drawn on a terminal, and elsewhere a line for each row with tabs between the cells.

    `right` names the columns of numbers, `whole` those of ids, the first one by default: they and numbers are never
    folded, so that they can be copied, in a terminal that is too narrow as well. `None` is an empty cell.
    """
    cells = [["" if cell is None else neutralise(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in ([heading.upper() for heading in headings], *cells):
            click.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in line))
        return
    from rich.console import Console

    table, needed = drawn_table(headings, cells, right=right, whole=whole)
    console = Console(highlight=False)
    console.width = max(console.width, needed)
    console.print(table)


def drawn_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
    whole: Sequence[str] | None = None,
) -> tuple[Table, int]:
    """The table that `print_table` draws on a terminal, and how many columns it needs."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    cells = [["" if cell is None else neutralise(str(cell)) for cell in row] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    unfolded = {*(headings[:1] if whole is None else whole), *right}
    needed = 2 * len(headings)
    for place, heading in enumerate(headings):
        width = max([cell_len(heading), *(cell_len(line[place]) for line in cells)])
        keep = heading in unfolded
        needed += width if keep else min(width, _LEAST_WIDTH)
        justify: Literal["left", "right"] = "right" if heading in right else "left"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=keep, min_width=width if keep else None)
    for line in cells:
        table.add_row(*(Text(cell, style=_STYLES.get(cell.split(" ", 1)[0], "")) for cell in line))
    return table, needed


_LEAST_WIDTH = 12


_STYLES = {"ok": "green", "healthy": "green", "degraded": "yellow", "unhealthy": "red", "failed": "red"}


def amount(cost: Cost | None) -> str:
    """A cost for people; says so when it is unknown."""
    return "cost unknown" if cost is None else str(cost)


def describe_usage(usage: TokenUsage | None) -> str | None:
    """The tokens of a call for people, or `None`."""
    if usage is None or usage.total_tokens is None:
        return None
    text = f"{usage.input_tokens or 0:,} in"
    if usage.cached_input_tokens:
        text += f" ({usage.cached_input_tokens:,} cached)"
    text += f" + {usage.output_tokens or 0:,} out"
    if usage.reasoning_tokens:
        text += f" ({usage.reasoning_tokens:,} reasoning)"
    return f"{text} tokens"


def footer(response: AIResponse) -> str:
    """One line on a response: model, tokens, cost and seconds."""
    seconds = None if response.response_time is None else f"{response.response_time:.1f} s"
    facts = (response.model or response.requested_model, describe_usage(response.usage), amount(response.cost), seconds)
    return " · ".join(fact for fact in facts if fact)
