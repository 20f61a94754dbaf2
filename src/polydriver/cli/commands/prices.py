"""`polydriver prices`: what a model costs, and the source of each price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..options import common_options, examples, json_option, provider_option
from ..output import print_json, print_table, say
from ..session import Session

if TYPE_CHECKING:
    from ...prices.entries import ModelEntry
    from ...prices.rates import ModelPricing, Rates

__all__ = ["command"]

_MAKERS = ("openai", "anthropic", "gemini", "mistral", "xai", "deepseek", "cohere", "alibaba", "moonshot", "zai")


@click.command(
    "prices",
    short_help="Show every price of a model, with source and date.",
    epilog=examples("polydriver prices gpt-4o-mini", "polydriver prices claude-sonnet-4-5 -p bedrock --json"),
)
@click.argument("model")
@provider_option
@json_option
@common_options
@click.pass_obj
def command(session: Session, model: str, provider: str | None, as_json: bool) -> None:
    """Show every price of a model: per million tokens, tiers for long prompts, batch and other variants.

    Prices come from the table in the package and from the settings; nothing is asked over the network.
    """
    entry, others = _find(session, model, provider)
    if as_json:
        print_json(_as_object(entry, others))
        return
    say(entry.id, end="", bold=True)
    say(f" of {entry.provider}" + (f", {entry.name}" if entry.name and entry.name != entry.id else ""))
    if entry.pricing is None:
        say("no price is known")
    else:
        _print_rates(entry, entry.pricing)
        say(f"source    {entry.pricing.source}")
        batch = entry.pricing_at(variant="batch")
        if batch is not None and batch.source != entry.pricing.source:
            say(f"batches   {batch.source.removeprefix(f'{entry.pricing.source}; batches: ')}")
        say(f"from      {entry.pricing.effective_date or 'unknown'}")
    if others:
        say(f"also at   {', '.join(others)} (-p NAME)")


def _find(session: Session, model: str, provider: str | None) -> tuple[ModelEntry, list[str]]:
    """The entry of a model, and the other providers that sell it. Raises `ModelNotFoundError` with ids that are
    near."""
    from ...prices import catalog

    places = [session.price_table(provider)] if provider else _places(session)
    found: dict[str, ModelEntry] = {}
    for table, overrides in places:
        entry = catalog.find(table, model, overrides)
        if table not in found and entry is not None and (entry.pricing is not None or provider):
            found[table] = entry
    if not found:
        raise _unknown(model, provider, [table for table, _ in places] if provider else list(_MAKERS))
    first, *others = found
    return found[first], sorted(others)


def _places(session: Session) -> list[tuple[str, dict[str, Any]]]:
    """Where to look, each a table and prices that go before it: connections, makers of models, all others."""
    from ...prices import catalog

    settings = session.ai.settings
    connections = [settings.default] if settings.default else []
    places = [session.price_table(name) for name in dict.fromkeys([*connections, *settings.providers])]
    return [*places, *((table, {}) for table in dict.fromkeys([*_MAKERS, *catalog.providers()]))]


def _unknown(model: str, provider: str | None, names: list[str]) -> Exception:
    from difflib import get_close_matches

    from ...errors import ModelNotFoundError
    from ...prices import catalog

    known = [entry.id for name in names for entry in catalog.models(name)]
    near = get_close_matches(model, known, 3)
    place = f" of {provider}" if provider else ""
    return ModelNotFoundError(
        f"no price is known for a model {model!r}{place}",
        hint=f"Did you mean {', '.join(near)}?" if near else "`polydriver models NAME` lists those of a connection.",
    )


def _print_rates(entry: ModelEntry, pricing: ModelPricing) -> None:
    """A column for each price, a row for each variant (usual, batch, ...) and each of its tiers."""
    lines: list[tuple[str, Rates]] = []
    variants = {name: price for name in entry.variants if (price := entry.pricing_at(None, name)) is not None}
    for name, price in {"usual": pricing, **variants}.items():
        lines.append((name, price))
        lines += [(f"{name}, over {tier.above:,} in", tier) for tier in price.tiers]
    fields = [field for field in _fields() if any(getattr(rates, field, None) is not None for _, rates in lines)]
    headings = ("price", *(field.replace("_", " ") for field in fields))
    print_table(headings, [(name, *_prices(rates, fields)) for name, rates in lines], right=headings[1:])
    say(f"\nin {pricing.currency} per million tokens, or per what the heading says")


def _fields() -> tuple[str, ...]:
    """The prices that there can be."""
    from ...prices.rates import ModelPricing, Rates

    return (*Rates.__struct_fields__, *(name for name in ModelPricing.__struct_fields__ if name.startswith("per_")))


def _prices(rates: Rates, fields: list[str]) -> list[str | None]:
    found = [getattr(rates, field, None) for field in fields]
    return [None if price is None else f"{price:f}" for price in found]


def _as_object(entry: ModelEntry, others: list[str]) -> dict[str, Any]:
    return {
        "model": entry.id,
        "provider": entry.provider,
        "name": entry.name,
        "pricing": entry.pricing,
        "variants": {name: entry.pricing_at(None, name) for name in entry.variants},
        "history": entry.history,
        "table_read": entry.read,
        "also_at": others,
    }
