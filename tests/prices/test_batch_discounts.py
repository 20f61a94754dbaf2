"""What batches cost where a provider's page states one discount for them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.prices import catalog
from polydriver.prices.entries import DatedPricing
from polydriver.prices.pricing import ModelPricing, PriceTier

prices = st.none() | st.decimals("0", "1000", places=4)
factors = st.decimals("0.05", "1", places=2)


def discount(factor: Decimal, cached: Literal["stacks", "apart", "none"]) -> catalog.BatchDiscount:
    return catalog.BatchDiscount(factor=factor, cached=cached, source="https://example.com", read=date(2026, 1, 1))


@given(prices, prices, prices, prices, factors, st.sampled_from(["stacks", "apart", "none"]))
def test_every_token_price_is_reduced_and_the_cache_as_the_provider_says(
    price: Decimal | None,
    output: Decimal | None,
    cached: Decimal | None,
    longer: Decimal | None,
    factor: Decimal,
    rule: Literal["stacks", "apart", "none"],
) -> None:
    tier = PriceTier(above=1000, input=longer, cached_input=cached)
    usual = ModelPricing(input=price, output=output, cached_input=cached, tiers=(tier,), per_web_search=Decimal("0.01"))
    history = (DatedPricing(pricing=usual, start=date(2025, 1, 1)),)
    (found,) = discount(factor, rule).apply("m", history)
    if factor == 1:
        assert found == history[0]
        return
    times = {"stacks": factor, "apart": Decimal(1), "none": None}[rule]
    wanted = None if cached is None or times is None else cached * times
    for rates, input_price in ((found.pricing, price), (found.pricing.tiers[0], longer)):
        assert rates.input == (None if input_price is None else input_price * factor)
        assert rates.cached_input == wanted
    assert found.pricing.output == (None if output is None else output * factor)
    assert found.pricing.per_web_search == Decimal("0.01")
    assert found.start == date(2025, 1, 1)
    assert "batches: https://example.com (2026-01-01)" in found.pricing.source


@pytest.mark.parametrize("provider", catalog.providers())
def test_listed_prices_go_before_the_discount(provider: str) -> None:
    rule = catalog.batch_discount(provider)
    for entry in catalog.models(provider) if rule is not None else ():
        batch = entry.pricing_at(variant="batch")
        if entry.pricing is None:
            assert batch is None
        elif batch is not None and rule is not None and rule.source in batch.source:
            assert batch.input is None or batch.input < (entry.pricing.input or Decimal("inf")) or not batch.input


def test_a_provider_without_a_stated_discount_has_none() -> None:
    assert catalog.batch_discount("deepseek") is None
    assert catalog.find_pricing("deepseek", "deepseek-chat", variant="batch") is None


def test_azure_resells_batches_at_half_the_price() -> None:
    found = catalog.find("azure", "DeepSeek-V3.1") or catalog.find("azure", "grok-4")
    assert found is not None
    usual, batch = found.pricing, found.pricing_at(variant="batch")
    assert usual is not None
    assert batch is not None
    assert batch.input == (usual.input or 0) / 2
    assert batch.premiums == usual.premiums != {}


def test_at_vertex_the_cache_and_batches_do_not_stack() -> None:
    for entry in catalog.models("gemini"):
        sold = catalog.find("vertexai", entry.id)
        assert sold is not None
        usual, batch = sold.pricing, sold.pricing_at(variant="batch")
        if usual is None or entry.id.startswith("claude"):
            assert batch == entry.pricing_at(variant="batch")
            continue
        assert batch is not None
        assert batch.cached_input == usual.cached_input
        assert batch.input == (None if usual.input is None else usual.input / 2)
