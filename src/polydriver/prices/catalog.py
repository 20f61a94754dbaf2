"""The dated table of known models: what each costs and can do, found by provider and model id.

The table is `catalog.json`, made from public data by `tools/build_models.py`; its header names every source
with version, licence and date. It is read at the first look-up, one provider at a time, and never from the
network. It describes models; it never refuses one: what is not in it is unknown, not wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from ..typed import decode
from .batch_discounts import BatchDiscount
from .entries import DatedPricing, ModelEntry, Source, select
from .model_ids import find_id
from .rates import TOOL_RATES, ModelPricing, pricing_from_mapping

__all__ = [
    "BatchDiscount",
    "DatedPricing",
    "ModelEntry",
    "Source",
    "batch_discount",
    "find",
    "find_pricing",
    "models",
    "providers",
    "sources",
]

Overrides = Mapping[str, ModelPricing | Mapping[str, Any]]

# Names of drivers and of services -> the table that describes their models.
_TABLES = {
    "amazon": "bedrock",
    "amazon-bedrock": "bedrock",
    "aws": "bedrock",
    "azure-openai": "azure",
    "dashscope": "alibaba",
    "github-models": "github",
    "google": "gemini",
    "google-gla": "gemini",
    "moonshotai": "moonshot",
    "ollama-cloud": "ollama",
    "ovh": "ovhcloud",
    "qwen": "alibaba",
    "together-ai": "together",
    "togetherai": "together",
    "vertex": "gemini",
    "vertexai": "gemini",
    "voyageai": "voyage",
    "x-ai": "xai",
    "z-ai": "zai",
    "zhipuai": "zhipu",
}
# Services that sell other makers' models at the makers' prices.
_RESOLD = {"azure": ("openai", "anthropic", "deepseek", "xai", "moonshot"), "gemini": ("anthropic",)}

_CACHE_SIZE = 4096


class _Record(ModelEntry, frozen=True, kw_only=True):
    """A line of the file: an entry without what its place tells. Premiums and prices of tools go into its prices."""

    premiums: dict[str, Decimal] = msgspec.field(default_factory=dict)
    tool_prices: dict[str, Decimal] = msgspec.field(default_factory=dict)
    id: str = ""
    provider: str = ""
    priced_as: str | None = None


class _Table(msgspec.Struct):
    aliases: dict[str, str]
    models: dict[str, msgspec.Raw]
    premiums: dict[str, Decimal] = {}
    tool_prices: dict[str, Decimal] = {}
    batches: BatchDiscount | None = None
    batches_at: dict[str, BatchDiscount] = {}
    """Of other sellers at whom the models of this table cost the same, but not in batches; by their name."""


class _Header(msgspec.Struct):
    read: date
    sources: dict[str, Source]


class _Catalog(msgspec.Struct):
    header: _Header
    tables: dict[str, msgspec.Raw]


def find(provider: str, model: str, overrides: Overrides | None = None) -> ModelEntry | None:
    """What is known of a provider's model, or `None`.

    The id is looked up exactly (letter case aside), then without what makes it only a version of a known
    model: a date (`-2024-08-06`, `-20241022`, `@20250514`, `-0709`), `-latest`, `-001`, `-v1:0`, a dated
    preview. The longest known id wins. Anything else behind a known id names another model: `gpt-4o-ultra`
    is not priced as `gpt-4o`. Decorations are understood: Bedrock's region and ARN, `models/...` of Gemini,
    `ft:model:...` of OpenAI. Models that Azure and Vertex resell are found in their makers' tables.

    `overrides` maps model ids, matched by the same rule, to a `ModelPricing` or a mapping for
    `pricing_from_mapping`, and replaces every listed price. Raises `ValueError` for a malformed override.
    """
    entry = _cached(provider, model)
    if overrides:
        known = {name.lower(): name for name in overrides}
        if (name := find_id(_table_name(provider), model, known)) is not None:
            given = overrides[known[name]]
            pricing = given if isinstance(given, ModelPricing) else pricing_from_mapping(given)
            base = entry or ModelEntry(id=model, provider=provider)
            history = (DatedPricing(pricing=pricing),)
            return msgspec.structs.replace(base, pricing=pricing, history=history, variants={})
    return entry


def find_pricing(
    provider: str,
    model: str,
    overrides: Overrides | None = None,
    *,
    at: date | datetime | None = None,
    variant: str | None = None,
) -> ModelPricing | None:
    """The price of a call, or `None` when it is unknown: `find`, then `ModelEntry.pricing_at`."""
    entry = find(provider, model, overrides)
    if entry is None:
        return None
    return entry.pricing if at is None and variant is None else entry.pricing_at(at, variant)


def models(provider: str) -> list[ModelEntry]:
    """All entries of a provider's table, by id; none for a provider without a table."""
    table = _table(_table_name(provider))
    return [] if table is None else [entry for name in table.models if (entry := _cached(provider, name))]


def batch_discount(provider: str) -> BatchDiscount | None:
    """The discount on batches that holds for a provider's models whose batch prices are not listed one by one."""
    table = _table(_table_name(provider))
    return None if table is None else table.batches_at.get(_plain(provider), table.batches)


def providers() -> list[str]:
    """The names of the tables."""
    return sorted(_catalog().tables)


def sources() -> dict[str, Source]:
    """The data sets that the table was made from, by short name."""
    return dict(_catalog().header.sources)


_entries: dict[tuple[str, str], ModelEntry | None] = {}


def _cached(provider: str, model: str) -> ModelEntry | None:
    key = (provider, model)
    try:
        return _entries[key]
    except KeyError:
        if len(_entries) >= _CACHE_SIZE:
            _entries.clear()
        entry = _entries[key] = _find(provider, model)
        return entry


def _find(provider: str, model: str) -> ModelEntry | None:
    name = _table_name(provider)
    own = _entry(name, provider, model)
    if own is not None and own.history:
        return own
    for maker in _RESOLD.get(name, ()):
        if (resold := _entry(maker, provider, model, seller=name)) is not None:
            if own is None:
                return resold
            prices = {"pricing": resold.pricing, "history": resold.history, "variants": resold.variants}
            return msgspec.structs.replace(own, **prices)
    return own


def _entry(table_name: str, provider: str, model: str, *, seller: str | None = None) -> ModelEntry | None:
    """The entry of a model in a table, as `seller` (another table's name) sells it."""
    table = _table(table_name)
    if table is None or (name := find_id(table_name, model, table.aliases, table.models)) is None:
        return None
    return _build(table, table.aliases.get(name, name), provider, _table(seller) if seller else None)


def _build(table: _Table, name: str, provider: str, seller: _Table | None = None) -> ModelEntry:
    record = decode(table.models[name], _Record)
    priced = decode(table.models[record.priced_as], _Record) if record.priced_as else record
    read = _catalog().header.read
    sold_by = seller or table
    # What a maker charges for its own regions and tools is not what another seller of its models charges.
    premiums, tools = sold_by.premiums, sold_by.tool_prices
    if seller is None:
        premiums = {**premiums, **priced.premiums, **record.premiums}
        tools = {**tools, **priced.tool_prices, **record.tool_prices}
    history = _completed(priced.history, premiums, tools)
    variants = {key: _completed(prices, premiums, tools) for key, prices in priced.variants.items()}
    priced_as = record.priced_as or name
    if history and (own := table.batches_at.get(_plain(provider))) is not None and own.holds_for(priced_as):
        variants["batch"] = own.apply(priced_as, history)
    elif history and sold_by.batches is not None:
        variants.setdefault("batch", sold_by.batches.apply(priced_as, history))
    values = {field: getattr(record, field) for field in ModelEntry.__struct_fields__}
    values |= {
        "id": record.id or name,
        "provider": provider,
        "history": history,
        "variants": variants,
        "read": read,
        "pricing": (select(history, read) or history[0].pricing) if history else None,
    }
    return ModelEntry(**values)


def _completed(
    history: tuple[DatedPricing, ...], premiums: dict[str, Decimal], tools: dict[str, Decimal]
) -> tuple[DatedPricing, ...]:
    """With source and date in each price (its start, or the source's date for a price never superseded), and with
    premiums and prices of tools."""
    named = []
    dated = any(price.start for price in history)
    for price in history:
        source = _catalog().header.sources[price.pricing.source or "genai-prices"]
        day = price.start or (None if dated else source.date)
        added = {unit: tools[unit] for unit in TOOL_RATES if unit in tools and getattr(price.pricing, unit) is None}
        pricing = msgspec.structs.replace(
            price.pricing, source=str(source), effective_date=day, premiums=premiums, **added
        )
        named.append(msgspec.structs.replace(price, pricing=pricing))
    return tuple(named)


def _table_name(provider: str) -> str:
    name = _plain(provider)
    return _TABLES.get(name, name)


@cache
def _catalog() -> _Catalog:
    return decode(Path(__file__).with_name("catalog.json").read_bytes(), _Catalog)


@cache
def _table(name: str) -> _Table | None:
    raw = _catalog().tables.get(name)
    return None if raw is None else decode(raw, _Table)


def _plain(provider: str) -> str:
    return provider.lower().replace("_", "-")
