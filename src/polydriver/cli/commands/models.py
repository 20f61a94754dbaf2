"""`polydriver models`: what a connection's account can use, and keeping that in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..completing import complete_provider
from ..options import common_options, examples, json_option
from ..output import note, print_json, print_table
from ..session import Session

if TYPE_CHECKING:
    from ...data.models import AIModel
    from ...prices.pricing import ModelPricing

__all__ = ["command"]

_VALUED = ("--config",)
_PLAIN = ("-v", "--verbose", "-h", "--help")


class _Models(click.Group):
    """A group whose first argument may be the name of a connection: `models openai` is `models list openai`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, with `list` put before them where they name no command."""
        first = 0
        while first < len(args) and (args[first] in _PLAIN or args[first].split("=")[0] in _VALUED):
            first += 2 if args[first] in _VALUED else 1
        named = args[first] if first < len(args) else None
        if named not in self.commands and not {"-h", "--help"} & {*args[:first]}:
            args = [*args[:first], "list", *args[first:]]
        return super().parse_args(ctx, args)


@click.group(
    "models",
    cls=_Models,
    short_help="List the models of a connection; keep all of them in the database.",
    epilog=examples("polydriver models openai --filter mini", "polydriver models sync --dry-run"),
)
@common_options
def command() -> None:
    """List the models of a connection, or sync those of all connections into the database.

    Without a command they are listed: `polydriver models openai` is short for `polydriver models list openai`.
    """


@command.command("list", epilog=examples("polydriver models list openai --filter mini"))
@click.argument("provider", required=False, shell_complete=complete_provider)
@click.option("--refresh", is_flag=True, help="Ask the provider anew.")
@click.option("--filter", "wanted", metavar="TEXT", help="Only models with this in their id or name.")
@json_option
@common_options
@click.pass_obj
def list_models(session: Session, provider: str | None, refresh: bool, wanted: str | None, as_json: bool) -> None:
    """List the models that the account of a connection can use. Prices are in USD per million tokens."""
    service: Any = session.ai.provider(session.provider_name(provider))
    models = [model for model in service.get_available_models(refresh=refresh) if _matches(model, wanted)]
    models.sort(key=lambda model: model.id)
    prices = {model.id: service.driver.pricing(model.id) for model in models}
    if as_json:
        print_json([_as_object(model, prices[model.id]) for model in models])
        return
    print_table(
        ("model", "type", "context", "output", "reads", "tools", "$ in", "$ out"),
        [_row(model, prices[model.id]) for model in models],
        right=("context", "output", "$ in", "$ out"),
    )
    if not models:
        note("no models" + (f" match {wanted!r}" if wanted else ""))


@command.command(
    "sync",
    short_help="Keep the models of all connections in the database.",
    epilog=examples("polydriver models sync", "polydriver models sync --provider openai --force --json"),
)
@click.option(
    "-p",
    "--provider",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_provider,
    help="Only this connection; may be given several times.",
)
@click.option("--force", is_flag=True, help="Also those whose last sync is fresh (sync_ttl, 12 hours).")
@click.option("--dry-run", is_flag=True, help="Show what would change, and keep nothing.")
@json_option
@common_options
@click.pass_obj
def sync(session: Session, names: tuple[str, ...], force: bool, dry_run: bool, as_json: bool) -> None:
    """Ask the connections for their models side by side, and keep them with their prices in the database.

    A model that vanished stays there, inactive. Exits with 0 when all went well or was fresh, with 1 when nothing
    worked, and with 2 when some connections failed: one that fails never stops the others.
    """
    from ..syncing import sync_all

    status = sync_all(session, list(names), force=force, dry_run=dry_run, as_json=as_json)
    click.get_current_context().exit(status)


def _matches(model: AIModel, wanted: str | None) -> bool:
    return wanted is None or wanted.lower() in f"{model.id} {model.name or ''}".lower()


def _row(model: AIModel, pricing: ModelPricing | None) -> tuple[object, ...]:
    return (
        model.id,
        model.type,
        _count(model.context_length),
        _count(model.max_output_tokens),
        ", ".join(kind for kind in model.input_modalities or () if kind != "text"),
        {True: "yes", False: "no", None: None}[model.supports_function_calling],
        None if pricing is None or pricing.input is None else f"{pricing.input:f}",
        None if pricing is None or pricing.output is None else f"{pricing.output:f}",
    )


def _count(tokens: int | None) -> str | None:
    return None if tokens is None else f"{tokens:,}"


def _as_object(model: AIModel, pricing: ModelPricing | None) -> dict[str, Any]:
    values = {name: getattr(model, name) for name in model.__struct_fields__ if name != "raw"}
    return {**{name: value for name, value in values.items() if value is not None}, "pricing": pricing}
