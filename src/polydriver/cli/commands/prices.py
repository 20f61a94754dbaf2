"""`polydriver prices`: what a model costs, and where that is known from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ..options import common_options, examples, json_option, provider_option
from ..output import print_json, print_table, say
from ..session import Session

if TYPE_CHECKING:
    from ...data.entries import ModelEntry
    from ...data.rates import ModelPricing, Rates

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
        say(f"\nsource    {entry.pricing.source}")
        say(f"from      {entry.pricing.effective_date or 'unknown'}")
    if others:
        say(f"also at   {', '.join(others)} (-p NAME)")


def _find(session: Session, model: str, provider: str | None) -> tuple[ModelEntry, list[str]]:
    """The entry of a model, and who else sells it. Raises `ModelNotFoundError` with ids that are near."""
    from ...data import catalog

    names = [provider] if provider else _candidates(session)
    found: list[tuple[str, ModelEntry]] = []
    for name in names:
        table, overrides = _table(session, name)
        entry = catalog.find(table, model, overrides)
        if entry is not None and (entry.pricing is not None or provider):
            found.append((name, entry))
    if not found:
        raise _unknown(model, provider, names if provider else list(_MAKERS))
    first = found[0][1]
    return first, sorted({entry.provider for _, entry in found if entry.provider != first.provider})


def _candidates(session: Session) -> list[str]:
    """Where to look: configured connections, then the makers of models, then all others."""
    from ...data import catalog

    default = [session.ai.settings.default] if session.ai.settings.default else []
    return list(dict.fromkeys([*default, *session.ai.settings.providers, *_MAKERS, *catalog.providers()]))


def _table(session: Session, name: str) -> tuple[str, dict[str, Any]]:
    """The name of a connection's table of prices, and the prices that its settings give."""
    from ...drivers import driver_class, driver_names

    settings = session.ai.settings
    driver = settings.driver(name)
    kind = driver_class(driver) if driver in driver_names() else None
    table = (kind.catalog_name or kind.name) if kind is not None else driver
    return table, dict(settings.connection(name).get("prices") or {})


def _unknown(model: str, provider: str | None, names: list[str]) -> Exception:
    from difflib import get_close_matches

    from ...data import catalog
    from ...errors import ModelNotFoundError

    known = [entry.id for name in names for entry in catalog.models(name)]
    near = get_close_matches(model, known, 3)
    place = f" of {provider}" if provider else ""
    return ModelNotFoundError(
        f"no price is known for a model {model!r}{place}",
        hint=f"Did you mean {', '.join(near)}?" if near else "`polydriver models NAME` lists those of a connection.",
    )


def _print_rates(entry: ModelEntry, pricing: ModelPricing) -> None:
    """A row for each price, a column for each variant (usual, batch, ...) and tier."""
    columns: list[tuple[str, Rates]] = [("usual", pricing)]
    columns += [(f"over {tier.above:,} in", tier) for tier in pricing.tiers]
    columns += [(name, price) for name in entry.variants if (price := entry.pricing_at(None, name)) is not None]
    rows = []
    for label, field in _fields(pricing):
        prices = [getattr(rates, field, None) for _, rates in columns]
        if any(price is not None for price in prices):
            rows.append((label, *(None if price is None else f"{price:f}" for price in prices)))
    headings = ("price in " + pricing.currency, *(name for name, _ in columns))
    print_table(headings, rows, right=headings[1:])


def _fields(pricing: ModelPricing) -> Iterator[tuple[str, str]]:
    """What each price is called, and its field."""
    from ...data.rates import Rates

    units = {
        "per_request": "per request",
        "per_web_search": "per web search",
        "per_audio_hour": "per hour of audio",
        "per_million_characters": "per million characters",
        "per_thousand_pages": "per thousand pages",
    }
    for name in Rates.__struct_fields__:
        yield f"{name.replace('_', ' ')} (million tokens)", name
    for name, label in units.items():
        yield label, name


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
