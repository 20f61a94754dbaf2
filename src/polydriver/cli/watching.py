"""The health of connections, asked again and again and shown as a table that stays in its place."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ..data.models import HealthReport
from ..errors import AIError
from .output import drawn_table, print_table
from .terminal import escape_json

if TYPE_CHECKING:
    from ..manager import AsyncAI

__all__ = ["watch"]

_HEADINGS = ("connection", "health", "circuits", "limits used", "p50", "p95", "failed", "last error")
_RIGHT = ("p50", "p95", "failed")

Show = Callable[[dict[str, HealthReport]], None]


async def watch(ai: AsyncAI, names: list[str], interval: float, rounds: int | None, *, as_json: bool) -> None:
    """Ask all connections side by side every `interval` seconds, `rounds` times or until it is cancelled."""
    async with ai:
        with _lines() if as_json else _table() as show:
            done = 0
            while rounds is None or done < rounds:
                if done:
                    await asyncio.sleep(interval)
                found = await asyncio.gather(*(_ask(ai, name) for name in names))
                show(dict(zip(names, found, strict=True)))
                done += 1


async def _ask(ai: AsyncAI, name: str) -> HealthReport:
    try:
        return await ai.provider(name).get_health()
    except AIError as error:
        return HealthReport(status="unhealthy", message=str(error))


@contextmanager
def _lines() -> Iterator[Show]:
    """A line of JSON for each connection and round."""

    def show(found: dict[str, HealthReport]) -> None:
        for name, report in found.items():
            line = {"time": time(), "connection": name, **msgspec.to_builtins(report)}
            click.echo(escape_json(msgspec.json.encode(line).decode()))
        sys.stdout.flush()

    yield show


@contextmanager
def _table() -> Iterator[Show]:
    """A table that is drawn anew on a terminal, and elsewhere printed once more."""
    if not sys.stdout.isatty():
        yield lambda found: print_table(_HEADINGS, _rows(found), right=_RIGHT)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        yield lambda found: live.update(drawn_table(_HEADINGS, _rows(found), right=_RIGHT)[0], refresh=True)


def _rows(found: dict[str, HealthReport]) -> list[tuple[Any, ...]]:
    return [_row(name, report) for name, report in found.items()]


def _row(name: str, report: HealthReport) -> tuple[Any, ...]:
    recent = report.recent
    broken = [circuit for circuit in report.circuits if circuit.state != "closed"]
    circuits = ", ".join(f"{circuit.model or 'no model'} {circuit.state.replace('_', ' ')}" for circuit in broken)
    limits = ", ".join(f"{limit['limit']} {limit['used']:g}/{limit['of']:g}" for limit in report.limits)
    return (
        name,
        report.status,
        circuits or ("closed" if report.circuits else None),
        limits or None,
        _milliseconds(recent.latency_p50 if recent else None),
        _milliseconds(recent.latency_p95 if recent else None),
        f"{recent.failures}/{recent.attempts}" if recent else None,
        (recent.last_error if recent else None) or report.message,
    )


def _milliseconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds * 1000:.0f} ms"
