"""CalculatesCosts: what a call costs, from the price table and the user's own prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...data.json import as_dict, as_str
from ...data.usage import TokenUsage
from ...prices.catalog import find_pricing
from ...prices.pricing import calculate_cost
from .base import TraitBase

if TYPE_CHECKING:
    from ...data.cost import Cost
    from ...data.responses import AIResponse
    from ...prices.pricing import ModelPricing

__all__ = ["CalculatesCosts"]


class CalculatesCosts(TraitBase):
    """Prices come from the connection's `prices`, then from the catalog under `catalog_name` (the driver's name by
    default)."""

    def pricing(self, model: str) -> ModelPricing | None:
        """The price of a model, or `None` when it is unknown: never guessed."""
        return find_pricing(self.catalog_name or self.name, model, self.config.prices)

    def calculate_tier_cost(self, response: AIResponse, model: str) -> Cost | None:
        """By the prices of the tier that the answer names: a provider may not have kept to the one that was asked
        for."""
        tier = as_str(as_dict(response.raw).get("service_tier"))
        if tier is None or response.usage is None:
            return None
        if tier in ("default", "standard", "auto"):
            return self.calculate_cost(response.usage, model)
        pricing = find_pricing(self.catalog_name or self.name, model, self.config.prices, variant=tier)
        return calculate_cost(response.usage, pricing, model=model) if pricing is not None else None

    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        """What this usage of this model costs; `None` when the price or the usage is unknown."""
        if usage is None:
            return None
        pricing = self.pricing(model)
        return calculate_cost(usage, pricing, model=model) if pricing is not None else None
