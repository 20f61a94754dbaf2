"""What is printed: tables, JSON, errors and footers, all of it neutralised."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from .terminal import escape_json, neutralise

if TYPE_CHECKING:
    from ..data.cost import Cost
    from ..data.responses import AIResponse
    from ..data.usage import TokenUsage
    from ..errors import AIError

__all__ = [
    "amount",
    "describe_usage",
    "footer",
    "note",
    "print_json",
    "print_table",
    "report",
    "safe_streams",
    "say",
]


def safe_streams() -> None:
    """Never fail on a character that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def say(text: str = "", *, end: str = "\n", err: bool = False, **style: Any) -> None:
    """Print text at once. Style (`dim=True`, `fg="red"`) shows on a terminal only."""
    text = neutralise(text)
    click.echo((click.style(text, **style) if style else text) + end, nl=False, err=err)


def note(text: str) -> None:
    """Print a remark on stderr, apart from the answer."""
    say(text, err=True, dim=True)


def report(error: AIError) -> None:
    """Print an error on stderr: what happened, and what to do about it."""
    hint = error.hint or ""
    text = str(error)
    if hint and text.endswith(hint):
        text = text.removesuffix(hint).rstrip()
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


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print a table: drawn on a terminal, and elsewhere a line for each row with tabs between the cells.

    `right` names the columns of numbers. `None` is an empty cell.
    """
    cells = [["" if cell is None else neutralise(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in ([heading.upper() for heading in headings], *cells):
            click.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in line))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for line in cells:
        table.add_row(*(Text(cell, style=_STYLES.get(cell.split(" ", 1)[0], "")) for cell in line))
    Console(highlight=False).print(table)


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
