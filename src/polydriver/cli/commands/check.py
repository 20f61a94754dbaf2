"""`polydriver check`: whether connections work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ..options import common_options, examples, json_option
from ..output import note, print_json, print_table
from ..session import Session

if TYPE_CHECKING:
    from ...manager import AsyncAI

__all__ = ["Checked", "command"]


class Checked(msgspec.Struct, kw_only=True):
    """What the check of one connection found. `latency` is in seconds; `error` is the first problem."""

    connection: str
    driver: str | None = None
    valid: bool = False
    health: str | None = None
    latency: float | None = None
    models: int | None = None
    error_type: str | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the connection can be used."""
        return self.valid and self.health != "unhealthy"


@click.command(
    "check",
    short_help="Check the credentials and the health of connections.",
    epilog=examples("polydriver check", "polydriver check openai --json"),
)
@click.argument("names", nargs=-1)
@json_option
@common_options
@click.pass_obj
@click.pass_context
def command(ctx: click.Context, session: Session, names: tuple[str, ...], as_json: bool) -> None:
    """Check connections side by side: all that are configured, or the named ones. Costs nothing.

    Exits with 1 when one of them fails, or when there is none.
    """
    wanted = list(names) or session.connections()
    found = asyncio.run(_check_all(session.ai.asynchronous(), wanted))
    if as_json:
        print_json([{**msgspec.to_builtins(checked), "ok": checked.ok} for checked in found])
    elif found:
        print_table(
            ("connection", "driver", "credentials", "health", "latency", "models", "problem"),
            [_row(checked) for checked in found],
            right=("latency", "models"),
        )
    if not found:
        note("no connection is configured: `polydriver providers` lists the keys that can be set")
    ctx.exit(0 if found and all(checked.ok for checked in found) else 1)


async def _check_all(ai: AsyncAI, names: list[str]) -> list[Checked]:
    async with ai:
        return list(await asyncio.gather(*(_check(ai, name) for name in names)))


async def _check(ai: AsyncAI, name: str) -> Checked:
    """Check one connection; whatever is wrong with it is a finding."""
    from ...errors import AIError

    checked = Checked(connection=name)
    try:
        provider = ai.provider(name)
        checked.driver = provider.get_name()
        credentials, health = await asyncio.gather(provider.validate_credentials(), provider.get_health())
    except AIError as error:
        checked.error_type, checked.error = type(error).__name__, str(error)
        return checked
    checked.valid, checked.models = credentials.valid, credentials.available_models
    checked.health, checked.latency = health.status, health.latency
    checked.error_type = credentials.error_type
    checked.error = credentials.errors[0] if credentials.errors else health.message
    return checked


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
