"""`polydriver models`: what a connection's account can use."""

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


@click.command(
    "models",
    short_help="List the models of a connection, with context and prices.",
    epilog=examples("polydriver models openai --filter mini"),
)
@click.argument("provider", required=False, shell_complete=complete_provider)
@click.option("--refresh", is_flag=True, help="Ask the provider anew.")
@click.option("--filter", "wanted", metavar="TEXT", help="Only models with this in their id or name.")
@json_option
@common_options
@click.pass_obj
def command(session: Session, provider: str | None, refresh: bool, wanted: str | None, as_json: bool) -> None:
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
