"""`polydriver check`: whether connections work."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ..completing import complete_provider
from ..options import common_options, examples, json_option
from ..output import note, print_json, print_table
from ..session import Session

if TYPE_CHECKING:
    from ..checking import Checked

__all__ = ["command"]


@click.command(
    "check",
    short_help="Check the credentials and the health of connections.",
    epilog=examples("polydriver check", "polydriver check openai --json", "polydriver check --watch"),
)
@click.argument("names", nargs=-1, shell_complete=complete_provider)
@click.option("--watch", is_flag=True, help="Ask again and again, and keep a table; Ctrl-C ends it.")
@click.option(
    "--interval",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    help="Seconds between rounds.",
)
@click.option("--rounds", type=click.IntRange(1), help="End the watch after so many rounds.")
@json_option
@common_options
@click.pass_obj
@click.pass_context
def command(
    ctx: click.Context,
    session: Session,
    names: tuple[str, ...],
    watch: bool,
    interval: float,
    rounds: int | None,
    as_json: bool,
) -> None:
    """Check connections side by side: all that are configured, or the named ones. Costs nothing.

    Exits with 1 when one of them fails, or when there is none. With --watch the table stays, with circuits, limits
    used, percentiles of the time that answers took, and the last error; with --json it is a line for each connection
    and round.
    """
    import asyncio

    from ..checking import check_all

    wanted = list(names) or session.connections()
    if watch and wanted:
        from ..watching import watch as keep_watching

        with suppress(KeyboardInterrupt):
            asyncio.run(keep_watching(session.ai.asynchronous(), wanted, interval, rounds, as_json=as_json))
        return
    found = asyncio.run(check_all(session.ai.asynchronous(), wanted))
    if as_json:
        print_json([{**msgspec.to_builtins(checked), "ok": checked.ok} for checked in found])
    elif found:
        print_table(
            ("connection", "driver", "credentials", "health", "latency", "models", "problem"),
            [_row(checked) for checked in found],
            right=("latency", "models"),
            whole=("connection", "driver"),
        )
    if not found:
        note("no connection is configured: `polydriver providers` lists the keys that can be set")
    ctx.exit(0 if found and all(checked.ok for checked in found) else 1)


def _row(checked: Checked) -> tuple[Any, ...]:
    return (
        checked.connection,
        checked.driver,
        "ok" if checked.valid else "failed",
        checked.health,
        None if checked.latency is None else f"{checked.latency * 1000:.0f} ms",
        checked.models,
        checked.error,
    )
