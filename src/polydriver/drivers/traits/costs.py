"""CalculatesCosts: what a call costs, from the price table and the user's own prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...data.catalog import find_pricing
from ...data.pricing import calculate_cost
from ...data.usage import TokenUsage
from .base import TraitBase

if TYPE_CHECKING:
    from ...data.pricing import Cost, ModelPricing

__all__ = ["CalculatesCosts"]


class CalculatesCosts(TraitBase):
    """Prices come from the connection's `prices`, then from the catalog under `catalog_name` (the driver's name by
    default)."""

    def pricing(self, model: str) -> ModelPricing | None:
        """The price of a model, or `None` when it is unknown: never guessed."""
        return find_pricing(self.catalog_name or self.name, model, self.config.prices)

    def calculate_cost(self, usage: TokenUsage, model: str) -> Cost | None:
        """What this usage of this model costs; `None` when the price or the usage is unknown."""
        pricing = self.pricing(model)
        return calculate_cost(usage, pricing) if pricing is not None else None
