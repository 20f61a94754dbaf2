"""CalculatesCosts: what a call costs, from the price table and the user's own prices."""

from __future__ import annotations

import re
from functools import cached_property

from ...data.cost import Cost
from ...data.usage import TokenUsage
from ...prices.catalog import find_pricing
from ...prices.pricing import ModelPricing, calculate_cost
from .base import TraitBase

__all__ = ["CalculatesCosts"]

_PLACE = re.compile(r"https?://([a-z]{2})[.-]api\.")


class CalculatesCosts(TraitBase):
    """Prices come from the connection's `prices`, then from the catalog under `catalog_name` (the driver's name by
    default)."""

    @cached_property
    def billing_region(self) -> str | None:
        """The place that the address names, as in `https://us.api.openai.com` and `https://us-api.together.xyz`."""
        found = _PLACE.match(self.config.base_url)
        return None if found is None else found[1]

    def pricing(self, model: str, variant: str | None = None) -> ModelPricing | None:
        """The price of a model, or `None` when it is unknown: never guessed."""
        return find_pricing(self.catalog_name or self.name, model, self.config.prices, variant=variant)

    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        """What this usage of this model costs; `None` when the price or the usage is unknown."""
        if usage is None:
            return None
        pricing = self.pricing(model)
        return calculate_cost(usage, pricing, model=model) if pricing is not None else None
