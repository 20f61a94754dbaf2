"""`polydriver check`: whether connections work."""

from __future__ import annotations

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
    epilog=examples("polydriver check", "polydriver check openai --json"),
)
@click.argument("names", nargs=-1, shell_complete=complete_provider)
@json_option
@common_options
@click.pass_obj
@click.pass_context
def command(ctx: click.Context, session: Session, names: tuple[str, ...], as_json: bool) -> None:
    """Check connections side by side: all that are configured, or the named ones. Costs nothing.

    Exits with 1 when one of them fails, or when there is none.
    """
    import asyncio

    from ..checking import check_all

    wanted = list(names) or session.connections()
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
