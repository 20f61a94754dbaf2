"""The table of models: who is found by which id, at which price, and that it agrees with its source."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import types as genai
from genai_prices.data import providers as genai_providers
from hypothesis import given
from hypothesis import strategies as st

from polydriver.data.usage import TokenUsage
from polydriver.prices import catalog
from polydriver.prices.catalog import ModelEntry, find, find_pricing
from polydriver.prices.pricing import ModelPricing, Rates, calculate_cost
from polydriver.storage.columns import from_pico, to_pico
from tools import build_models

CATALOG = Path(catalog.__file__).with_name("catalog.json")


def id_of(provider: str, model: str) -> str | None:
    entry = find(provider, model)
    return None if entry is None else entry.id


class TestFind:
    @pytest.mark.parametrize(
        ("provider", "model", "found"),
        [
            ("openai", "gpt-4o", "gpt-4o"),
            ("openai", "GPT-4o", "gpt-4o"),
            ("openai", "gpt-4o-mini", "gpt-4o-mini"),
            ("openai", "gpt-4o-2099-01-31", "gpt-4o"),
            ("openai", "gpt-4o-mini-2099-01-31", "gpt-4o-mini"),
            ("openai", "gpt-4o-latest", "gpt-4o"),
            ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc123", "ft:gpt-4o-mini"),
            ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("anthropic", "claude-sonnet-4-5-20990131", "claude-sonnet-4-5"),
            ("vertexai", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
            ("gemini", "models/gemini-2.5-flash-lite", "gemini-2.5-flash-lite"),
            ("vertexai", "publishers/google/models/gemini-2.5-flash-001", "gemini-2.5-flash"),
            ("gemini", "gemini-2.5-flash-lite-preview-0520", "gemini-2.5-flash-lite"),
            (
                "bedrock",
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
            ),
            (
                "bedrock",
                "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0",
                "amazon.nova-lite-v1:0",
            ),
            ("bedrock", "ca.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
            ("xai", "grok-4-0709", "grok-4-0709"),
            ("x-ai", "grok-4-latest", "grok-4-0709"),
            ("openrouter", "anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
            ("openrouter", "openai/gpt-oss-20b:free", "openai/gpt-oss-20b:free"),
            ("azure", "gpt-4o-mini-2099-01-31", "gpt-4o-mini"),
        ],
    )
    def test_an_id_and_its_versions_name_the_model(self, provider: str, model: str, found: str) -> None:
        assert id_of(provider, model) == found

    @pytest.mark.parametrize(
        ("provider", "model"),
        [
            ("openai", "gpt-4o-ultra"),
            ("openai", "gpt-4o-ultra-2099-01-31"),
            ("openai", "gpt-4oo"),
            ("openai", "gpt"),
            ("openai", ""),
            ("anthropic", "claude-opus-4-99"),
            ("openrouter", "openai/gpt-4o:nitro"),
            ("openrouter", "gpt-4o-2024-08-06-turbo"),
            ("no-such-provider", "gpt-4o"),
        ],
    )
    def test_anything_else_is_unknown(self, provider: str, model: str) -> None:
        assert find(provider, model) is None
        assert find_pricing(provider, model) is None

    def test_the_snapshot_keeps_what_it_can_do_and_takes_the_price(self) -> None:
        entry = find("openai", "gpt-4o-2024-08-06")
        assert entry is not None
        assert entry.pricing == find_pricing("openai", "gpt-4o")
        assert entry.released == date(2024, 8, 6)

    def test_facts_of_a_known_model(self) -> None:
        entry = find("anthropic", "claude-sonnet-4-5")
        assert entry is not None
        assert entry.pricing is not None
        assert entry.pricing.cache_write_1h == Decimal(6)
        assert entry.pricing.tiers[0].above == 200_000
        assert (entry.context_window, entry.max_output_tokens) == (200_000, 64_000)
        assert (entry.tools, entry.reasoning) == (True, True)
        assert "image" in (entry.input_modalities or ())
        assert entry.pricing.source.startswith("genai-prices ")
        assert entry.pricing.effective_date is not None

    def test_what_another_maker_sells_costs_what_it_costs_there(self) -> None:
        resold, made = find_pricing("azure", "gpt-5.4"), find_pricing("openai", "gpt-5.4")
        assert resold is not None
        assert made is not None
        assert [getattr(resold, name) for name in Rates.__struct_fields__] == [
            getattr(made, name) for name in Rates.__struct_fields__
        ]
        # Regions and tools are charged for by who sells.
        assert resold.premiums == {"data_zone": Decimal("1.1"), "regional": Decimal("1.1")}
        assert made.premiums == {"*": Decimal("1.1")}
        assert (resold.per_container, made.per_container) == (Decimal("0.033"), Decimal("0.03"))

    def test_a_huggingface_model_has_the_price_of_its_route_only(self) -> None:
        assert find_pricing("huggingface", "Qwen/Qwen3-Coder-480B-A35B-Instruct:together") is not None
        assert find_pricing("huggingface", "Qwen/Qwen3-Coder-480B-A35B-Instruct") is None

    @given(st.sampled_from(catalog.providers()), st.text(max_size=30))
    def test_no_id_breaks_it(self, provider: str, model: str) -> None:
        entry = find(provider, model)
        assert entry is None or isinstance(entry, ModelEntry)

    def test_every_entry_can_be_read(self) -> None:
        for provider in catalog.providers():
            for entry in catalog.models(provider):
                assert entry.provider == provider
                assert entry.pricing is None or entry.pricing.source
        assert catalog.models("no-such-provider") == []


class TestOverrides:
    def test_a_price_of_the_user_wins_by_the_same_rule(self) -> None:
        overrides = {"GPT-4o": {"input": "1.1", "output": 2}}
        pricing = find_pricing("openai", "gpt-4o-2024-08-06", overrides)
        assert pricing is not None
        assert (pricing.input, pricing.cached_input, pricing.source) == (
            Decimal("1.1"),
            None,
            "configuration",
        )
        assert find_pricing("openai", "gpt-4o-mini", overrides) == find_pricing("openai", "gpt-4o-mini")

    def test_it_can_price_what_is_not_listed(self) -> None:
        mine = ModelPricing(input=Decimal(1), output=Decimal(1))
        entry = find("vllm", "my-model", {"my-model": mine})
        assert entry is not None
        assert entry.pricing_at(datetime(2026, 1, 1, tzinfo=UTC)) is mine

    def test_a_wrong_one_is_named(self) -> None:
        with pytest.raises(ValueError, match="did you mean 'input'"):
            find("openai", "gpt-4o", {"gpt-4o": {"inputs": 1}})


class TestTime:
    def test_a_dated_price_starts_on_its_day(self) -> None:
        entry = find("anthropic", "claude-opus-4-6")
        assert entry is not None
        before, after = entry.pricing_at(date(2026, 3, 12)), entry.pricing_at(date(2026, 3, 13))
        assert before is not None
        assert after is not None
        assert (before.effective_date, after.effective_date) == (None, date(2026, 3, 13))
        assert (len(before.tiers), len(after.tiers)) == (1, 0)
        assert entry.pricing == after

    def test_peak_hours_are_in_utc_and_need_a_time(self) -> None:
        def price(*moment: int) -> Decimal | None:
            pricing = find_pricing("deepseek", "deepseek-v4-pro", at=datetime(2026, 10, 1, *moment, tzinfo=UTC))
            return None if pricing is None else pricing.input

        assert price(0, 59) == price(4) == price(23) == Decimal("0.66")
        assert price(1) == price(3, 59) == price(6) == Decimal("1.32")
        at_day = find_pricing("deepseek", "deepseek-v4-pro", at=date(2026, 10, 1))
        assert at_day is not None
        assert at_day.input == Decimal("0.66")

    def test_a_variant_is_its_own_price_or_unknown(self) -> None:
        batch = find_pricing("openai", "gpt-5", variant="batch")
        assert batch is not None
        assert batch.input == Decimal("0.625")
        assert find_pricing("openai", "gpt-5", variant="default") == find_pricing("openai", "gpt-5")
        assert find_pricing("openai", "gpt-5", variant="no-such-tier") is None


class TestTheFile:
    def test_importing_reads_nothing(self) -> None:
        program = (
            "import sys; seen = []; sys.addaudithook(lambda e, a: e == 'open' and seen.append(str(a[0])));"
            "import polydriver.prices.pricing, polydriver.prices.catalog as c;"
            "assert not any('catalog.json' in s for s in seen), seen; c.find('openai', 'gpt-4o');"
            "assert any('catalog.json' in s for s in seen)"
        )
        subprocess.run([sys.executable, "-c", program], check=True)

    def test_it_names_its_sources(self) -> None:
        header = json.loads(CATALOG.read_text("utf-8"))["header"]
        assert {source["licence"] for source in header["sources"].values()} == {"MIT"}
        assert set(catalog.sources()) == {"genai-prices", "litellm", "models.dev"}

    def test_it_agrees_with_the_installed_source(self) -> None:
        assert list(build_models.differences(json.loads(CATALOG.read_text("utf-8")))) == []


MOMENTS = [
    datetime(2025, 6, 1, 12, tzinfo=UTC),
    datetime(2026, 11, 22, 2, tzinfo=UTC),
    datetime(2027, 2, 1, tzinfo=UTC),
]
USAGES = [
    TokenUsage(input_tokens=1234, output_tokens=567),
    TokenUsage(input_tokens=0, output_tokens=1),
    TokenUsage(input_tokens=1, output_tokens=0),
    TokenUsage(input_tokens=5000, output_tokens=321, cached_input_tokens=4321, reasoning_tokens=300),
    TokenUsage(input_tokens=9000, output_tokens=1, cached_input_tokens=17, cache_write_tokens=8000),
    TokenUsage(input_tokens=9000, output_tokens=1, cache_write_tokens=8000, cache_write_1h_tokens=3000),
    TokenUsage(input_tokens=200_000, output_tokens=70_001, cached_input_tokens=100_000),
    TokenUsage(input_tokens=300_001, output_tokens=70_001, cached_input_tokens=100_000, cache_write_tokens=3),
    TokenUsage(input_tokens=900, output_tokens=77, input_audio_tokens=800, output_audio_tokens=70),
    TokenUsage(input_tokens=900, output_tokens=77, input_audio_tokens=800),
]
NAMES = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
}


def priced_by_source() -> Iterator[tuple[str, str, genai.Provider, genai.ModelInfo]]:
    """(table, model id, provider, model) of all that genai-prices lists for our tables."""
    for table, (names, _, _) in build_models.TABLES.items():
        for provider in genai_providers:
            if provider.id in names:
                route = f":{provider.id.removeprefix('huggingface_')}" if table == "huggingface" else ""
                for model in provider.models:
                    yield table, build_models.canonical(model) + route, provider, model


def why_unknown(usage: TokenUsage, listed: set[str], free: bool) -> str | None:
    """Why we say "unknown" where genai-prices bills nothing, or bills at the price of text."""
    if free:
        return None
    if "input_mtok" not in listed or (usage.output_tokens and "output_mtok" not in listed):
        return "tokens without a price are not free"
    if usage.input_audio_tokens and "input_audio_mtok" not in listed:
        return "audio is not text"
    if usage.output_audio_tokens and "output_audio_mtok" not in listed:
        return "audio is not text"
    if usage.cache_write_1h_tokens and "cache_write_mtok" in listed and "cache_write_1h_mtok" not in listed:
        return "a one-hour write is not a five-minute write"
    if listed & {"output_image_mtok", "output_video_mtok"}:
        return "images are not text, and their number is not given"
    return None


@pytest.mark.parametrize("variant", [None, "batch", "priority"])
def test_costs_equal_those_of_genai_prices(variant: str | None) -> None:
    context = {"batch": {"processing": "batch"}, "priority": {"service_tier": "priority"}}.get(variant or "", {})
    compared = unknown = 0
    for table, model_id, provider, model in priced_by_source():
        if variant and not any(item.when == context for item in model.price_variants or ()):
            continue
        for moment in MOMENTS:
            if variant and moment.year < 2026:
                continue
            prices = model.get_prices(moment, context or None)
            listed = {key for key, value in vars(prices).items() if value is not None}
            ours = find_pricing(table, model_id, at=moment, variant=variant)
            if ours is not None and not ours.source.startswith("genai-prices"):
                assert not listed
                continue
            for usage in USAGES:
                cost = None if ours is None else calculate_cost(usage, ours)
                if cost is None:
                    assert why_unknown(usage, listed, model_id.endswith(":free")), (table, model_id, usage)
                    unknown += 1
                    continue
                counts = {theirs: getattr(usage, name) for name, theirs in NAMES.items()}
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    expected = model.calc_price(
                        genai.Usage(**counts),
                        provider,
                        genai_request_timestamp=moment,
                        price_context=context or None,
                    )
                assert cost.total == expected.total_price, (table, model_id, usage, prices)
                kept = from_pico(to_pico(cost.total))  # in the ledger: thirds of a price have no last digit
                assert abs(kept - cost.total) <= Decimal("5e-13")
                assert (kept > 0) == (cost.total > 0)
                compared += 1
    assert compared > (20_000 if variant is None else 300)
    assert unknown < compared


MEDIA: list[dict[str, int]] = [
    {"input_image_tokens": 500},
    {"input_image_tokens": 500, "cached_image_tokens": 1},
    {"input_image_tokens": 500, "cached_image_tokens": 500, "input_video_tokens": 1},
    {"input_image_tokens": 0, "cached_audio_tokens": 300, "input_video_tokens": 499},
]
MEDIA_NAMES = {"cached_audio_tokens": "cache_audio_read_tokens", "cached_image_tokens": "cache_image_read_tokens"}


def test_costs_of_media_equal_those_of_genai_prices() -> None:
    compared = 0
    for table, model_id, provider, model in priced_by_source():
        prices = model.get_prices(MOMENTS[1])
        listed = {key for key, value in vars(prices).items() if value is not None}
        ours = find_pricing(table, model_id, at=MOMENTS[1])
        is_of_media = any("image" in key or "audio_mtok" in key or "video" in key for key in listed)
        if ours is None or not is_of_media or not ours.source.startswith("genai-prices"):
            continue
        for parts in MEDIA:
            audio = parts.get("cached_audio_tokens", 0)
            cached = 200 + audio + parts.get("cached_image_tokens", 0)
            usage = TokenUsage(
                input_tokens=3000, output_tokens=7, cached_input_tokens=cached, input_audio_tokens=audio and audio + 5
            )
            extra = {**parts, "output_image_tokens": 0, "output_video_tokens": 0, "cached_audio_tokens": audio}
            cost = calculate_cost(usage, ours, extra=extra)
            if cost is None:
                assert why_unknown(usage, listed - {"output_image_mtok", "output_video_mtok"}, False)
                continue
            counts = {theirs: getattr(usage, name) for name, theirs in NAMES.items()}
            counts |= {MEDIA_NAMES.get(name, name): count for name, count in extra.items()}
            counts.setdefault("cache_image_read_tokens", 0)
            expected = model.calc_price(genai.Usage(**counts), provider, genai_request_timestamp=MOMENTS[1])
            assert cost.total == expected.total_price, (table, model_id, parts, prices)
            compared += 1
    assert compared > 100


def test_every_listed_id_is_priced_like_genai_prices_matches_it() -> None:
    """Each alias of the file leads to the model that the source's own rules choose."""
    tables = json.loads(CATALOG.read_text("utf-8"))["tables"]
    for table, content in tables.items():
        if table == "huggingface":
            continue
        for alias, target in content["aliases"].items():
            assert build_models.matching(build_models.TABLES[table][0], alias) == target, (table, alias)
