"""What a call costs: exact, by the provider's rules, and unknown rather than guessed."""

from __future__ import annotations

import decimal
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.data.cost import Cost
from polydriver.data.usage import TokenUsage
from polydriver.prices.pricing import ModelPricing, PriceTier, calculate_cost, pricing_from_mapping

PRICES = ModelPricing(
    input=Decimal("3"),
    output=Decimal("15"),
    cached_input=Decimal("0.3"),
    cache_write=Decimal("3.75"),
    cache_write_1h=Decimal("6"),
    source="a page",
    effective_date=date(2026, 1, 2),
)


def cost_of(pricing: ModelPricing, extra: dict[str, int] | None = None, **counts: int | None) -> Cost | None:
    return calculate_cost(TokenUsage(**counts), pricing, extra=extra)


def items_of(pricing: ModelPricing, extra: dict[str, int] | None = None, **counts: int | None) -> dict[str, str] | None:
    cost = cost_of(pricing, extra, **counts)
    return None if cost is None else {name: f"{amount.normalize():f}" for name, amount in cost.items.items()}


class TestCalculateCost:
    def test_every_bucket_is_billed_once(self) -> None:
        usage = TokenUsage(
            input_tokens=1000,
            cached_input_tokens=200,
            cache_write_tokens=300,
            cache_write_1h_tokens=100,
            output_tokens=50,
            reasoning_tokens=20,
        )
        cost = calculate_cost(usage, PRICES, model="m")
        assert cost is not None
        assert cost.items == {
            "input": Decimal("0.0015"),
            "cached_input": Decimal("0.00006"),
            "cache_write": Decimal("0.00075"),
            "cache_write_1h": Decimal("0.0006"),
            "output": Decimal("0.00075"),
        }
        assert cost.total == Decimal("0.00366")
        assert (cost.source, cost.effective_date, cost.model) == ("a page", date(2026, 1, 2), "m")

    def test_what_has_no_price_of_its_own_costs_what_the_provider_bills_it_as(self) -> None:
        prices = ModelPricing(input=Decimal(2), output=Decimal(8))
        counts = {"cached_input_tokens": 100, "cache_write_tokens": 100, "reasoning_tokens": 5}
        cost = cost_of(prices, input_tokens=1000, output_tokens=10, **counts)
        assert cost is not None
        assert cost.total == Decimal("0.00208")
        assert "reasoning" not in cost.items

    def test_reasoning_with_a_price_of_its_own_leaves_the_output(self) -> None:
        prices = ModelPricing(input=Decimal(2), output=Decimal(8), reasoning=Decimal(3))
        assert items_of(prices, input_tokens=0, output_tokens=10, reasoning_tokens=4) == {
            "reasoning": "0.000012",
            "output": "0.000048",
        }

    def test_a_one_hour_write_is_unknown_when_only_five_minutes_have_a_price(self) -> None:
        prices = ModelPricing(input=Decimal(2), output=Decimal(8), cache_write=Decimal(3))
        assert cost_of(prices, input_tokens=9, cache_write_tokens=9, output_tokens=1) is not None
        assert cost_of(prices, input_tokens=9, cache_write_tokens=9, cache_write_1h_tokens=1, output_tokens=1) is None

    def test_audio_is_never_billed_as_text(self) -> None:
        text = ModelPricing(input=Decimal(2), output=Decimal(8))
        assert cost_of(text, input_tokens=10, input_audio_tokens=4, output_tokens=1) is None
        assert cost_of(text, input_tokens=10, output_tokens=5, output_audio_tokens=2) is None
        assert cost_of(text, input_tokens=10, input_audio_tokens=0, output_tokens=1) is not None
        audio = ModelPricing(input=Decimal(2), output=Decimal(8), input_audio=Decimal(40), output_audio=Decimal(80))
        usage = {"input_tokens": 10, "input_audio_tokens": 4, "output_tokens": 5, "output_audio_tokens": 2}
        assert items_of(audio, **usage) == {
            "input_audio": "0.00016",
            "input": "0.000012",
            "output_audio": "0.00016",
            "output": "0.000024",
        }

    def test_cached_audio_needs_its_count_when_it_has_a_price(self) -> None:
        prices = pricing_from_mapping(
            {"input": 1, "output": 2, "cached_input": "0.1", "input_audio": 10, "cached_input_audio": 5}
        )
        usage = {"input_tokens": 100, "cached_input_tokens": 50, "input_audio_tokens": 60, "output_tokens": 0}
        assert cost_of(prices, **usage) is None
        assert items_of(prices, {"cached_audio_tokens": 20}, **usage) == {
            "input_audio": "0.0004",
            "cached_input_audio": "0.0001",
            "input": "0.00001",
            "cached_input": "0.000003",
        }

    def test_audio_at_the_price_of_text_needs_no_telling_apart(self) -> None:
        prices = pricing_from_mapping({"input": 1, "output": 2, "cached_input": "0.1", "input_audio": 1})
        usage = {"input_tokens": 100, "cached_input_tokens": 90, "input_audio_tokens": 80, "output_tokens": 0}
        assert items_of(prices, **usage) == {"input": "0.00001", "cached_input": "0.000009"}

    @pytest.mark.parametrize(
        "counts",
        [
            {"input_tokens": None, "output_tokens": 5},
            {"input_tokens": 5, "output_tokens": None},
            {"input_tokens": 5, "output_tokens": 5, "cached_input_tokens": 6},
            {"input_tokens": 5, "output_tokens": 5, "cache_write_tokens": 1, "cache_write_1h_tokens": 2},
            {"input_tokens": 5, "output_tokens": 5, "cached_input_tokens": 3, "cache_write_tokens": 3},
        ],
    )
    def test_missing_or_contradictory_counts_mean_unknown(self, counts: dict[str, int | None]) -> None:
        assert cost_of(PRICES, **counts) is None

    def test_embeddings_have_no_output(self) -> None:
        embedding = ModelPricing(input=Decimal("0.02"))
        assert items_of(embedding, input_tokens=1000) == {"input": "0.00002"}
        assert items_of(embedding, input_tokens=1000, output_tokens=0) == {"input": "0.00002"}
        assert cost_of(embedding, input_tokens=1000, output_tokens=1) is None

    def test_free_is_a_price(self) -> None:
        cost = cost_of(ModelPricing(input=Decimal(0), output=Decimal(0)), input_tokens=10, output_tokens=10)
        assert cost is not None
        assert cost.total == 0

    @pytest.mark.parametrize(
        ("tokens", "total"), [(100, "0.0001"), (101, "0.000202"), (500, "0.001"), (501, "0.002004")]
    )
    def test_a_tier_prices_the_whole_request_from_the_first_token_above(self, tokens: int, total: str) -> None:
        tiers = (PriceTier(above=100, input=Decimal(2)), PriceTier(above=500, input=Decimal(4)))
        cost = cost_of(ModelPricing(input=Decimal(1), tiers=tiers), input_tokens=tokens)
        assert cost is not None
        assert cost.total == Decimal(total)

    def test_other_units_are_billed_when_counted(self) -> None:
        prices = ModelPricing(
            input=Decimal(1), output=Decimal(1), per_request=Decimal("0.014"), per_web_search=Decimal("0.01")
        )
        assert items_of(prices, {"web_searches": 3}, input_tokens=0, output_tokens=0) == {
            "requests": "0.014",
            "web_searches": "0.03",
        }
        speech = ModelPricing(per_million_characters=Decimal(15))
        assert items_of(speech, {"characters": 2000}) == {"characters": "0.03"}
        assert cost_of(speech, {"pages": 1}) is None
        hearing = ModelPricing(per_audio_hour=Decimal("0.36"), minimum_audio_seconds=10)
        assert items_of(hearing, {"audio_seconds": 100}) == {"audio": "0.01"}
        assert items_of(hearing, {"audio_seconds": 1}) == {"audio": "0.001"}

    def test_a_model_that_draws_needs_to_know_how_much_of_its_output_are_images(self) -> None:
        prices = ModelPricing(input=Decimal(1), output=Decimal(10), output_image=Decimal(30))
        assert cost_of(prices, input_tokens=0, output_tokens=100) is None
        assert items_of(prices, {"output_image_tokens": 80}, input_tokens=0, output_tokens=100) == {
            "output_image": "0.0024",
            "output": "0.0002",
        }
        assert cost_of(prices, {"output_image_tokens": 101}, input_tokens=0, output_tokens=100) is None

    def test_a_wrong_extra_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"unknown count 'searches'.*web_searches"):
            cost_of(PRICES, {"searches": 1}, input_tokens=1, output_tokens=1)
        with pytest.raises(ValueError, match="pages is -1"):
            cost_of(PRICES, {"pages": -1}, input_tokens=1, output_tokens=1)

    def test_the_callers_decimal_context_does_not_round_money(self) -> None:
        with decimal.localcontext(decimal.Context(prec=2)):
            cost = cost_of(PRICES, input_tokens=123_456_789, output_tokens=987_654_321)
        assert cost is not None
        assert cost.total == Decimal("15185.185182")


counts = st.integers(min_value=0, max_value=10**9)
prices = st.none() | st.decimals(min_value=0, max_value=1000, places=6)


@given(
    st.tuples(counts, counts, counts, counts, counts),
    st.dictionaries(
        st.sampled_from(["input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning"]),
        prices,
    ),
)
def test_the_items_add_up_and_nothing_known_is_lost(
    parts: tuple[int, int, int, int, int], rates: dict[str, Decimal | None]
) -> None:
    text, cached, write, write_1h, output = parts
    usage = TokenUsage(
        input_tokens=text + cached + write + write_1h,
        cached_input_tokens=cached,
        cache_write_tokens=write + write_1h,
        cache_write_1h_tokens=write_1h,
        output_tokens=output,
        reasoning_tokens=output // 2,
    )
    cost = calculate_cost(usage, ModelPricing(**rates))
    if cost is not None:
        with decimal.localcontext(decimal.Context(prec=60)):
            assert sum(cost.items.values(), Decimal(0)) == cost.total
        assert all(amount >= 0 for amount in cost.items.values())
    elif rates.get("input") is not None and rates.get("output") is not None:
        assert rates.get("cache_write") is not None
        assert rates.get("cache_write_1h") is None


class TestCost:
    def test_costs_of_one_currency_add_up(self) -> None:
        first = Cost(Decimal("0.1"), items={"input": Decimal("0.1")}, source="a", model="m")
        second = Cost(
            Decimal("0.2"), items={"input": Decimal("0.05"), "output": Decimal("0.15")}, source="b", model="m"
        )
        both = first + second
        assert both.items == {"input": Decimal("0.15"), "output": Decimal("0.15")}
        assert (both.total, both.source, both.model) == (Decimal("0.3"), "a, b", "m")
        assert sum([first, second]) == both

    def test_currencies_do_not_mix(self) -> None:
        with pytest.raises(ValueError, match="EUR"):
            Cost(Decimal(1)) + Cost(Decimal(1), "EUR")

    @pytest.mark.parametrize(
        ("cost", "text"),
        [
            (Cost(Decimal("0.000123")), "$0.000123"),
            (Cost(Decimal("1E-7")), "$0.0000001"),
            (Cost(Decimal("1.5000"), "EUR"), "1.50 EUR"),
            (Cost(Decimal(0)), "$0.00"),
            (Cost(Decimal("1E+3")), "$1000.00"),
            (Cost(Decimal("-0.5")), "-$0.50"),
        ],
    )
    def test_it_prints_as_exact_money(self, cost: Cost, text: str) -> None:
        assert str(cost) == text

    def test_it_is_a_number(self) -> None:
        assert float(Cost(Decimal("0.25"))) == 0.25


class TestPricingFromMapping:
    def test_every_kind_of_number_is_exact(self) -> None:
        pricing = pricing_from_mapping(
            {"input": 0.1, "output": "2.50", "cached_input": Decimal("0.05"), "reasoning": 3}
        )
        assert (pricing.input, pricing.output) == (Decimal("0.1"), Decimal("2.50"))
        assert (pricing.cached_input, pricing.reasoning) == (Decimal("0.05"), Decimal(3))
        assert (pricing.source, pricing.currency) == ("configuration", "USD")

    def test_a_tier_keeps_what_it_does_not_change(self) -> None:
        tiers = [{"above": 500, "input": 4}, {"above": 100, "input": 2}]
        pricing = pricing_from_mapping({"input": 1, "output": 9, "tiers": tiers, "effective_date": "2026-02-03"})
        assert [(tier.above, tier.input, tier.output) for tier in pricing.tiers] == [(100, 2, 9), (500, 4, 9)]
        assert pricing.effective_date == date(2026, 2, 3)

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            ({"inptu": 1}, r"unknown price key 'inptu': did you mean 'input'\? the keys are input, output"),
            ({"input": "a lot"}, "the price input is 'a lot'"),
            ({"input": -1}, "0 or more"),
            ({"input": True}, "the price input is True"),
            ({"input": float("nan")}, "the price input is nan"),
            ({"input": "Infinity"}, "the price input is"),
            ({}, "no price is given"),
            ({"input": 1, "tiers": [{"input": 2}]}, "above is None"),
            ({"input": 1, "tiers": [{"above": 5, "inputs": 2}]}, "unknown tier key 'inputs'"),
            ({"input": 1, "tiers": [5]}, "a tier must be a table"),
            ({"input": 1, "effective_date": "soon"}, "2026-01-31"),
        ],
    )
    def test_what_is_wrong_is_named(self, mapping: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            pricing_from_mapping(mapping)
