"""What batches cost at a provider whose page states one discount for them, where no model has a price of its own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from .entries import DatedPricing
from .rates import ModelPricing, Rates

__all__ = ["BatchDiscount"]

R = TypeVar("R", bound=Rates)

_CACHED = ("cached_input", "cache_write", "cache_write_1h", "cached_input_audio", "cached_input_image")


class BatchDiscount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider's discount on batches, and whether it stacks with that on cached input.

    - `factor`: what token prices are multiplied by; `models`: other factors, by the model's id in the table.
    - `cached`: "stacks" when prices of the cache are multiplied, too; "apart" when they stay as they are; "none" when
      all input costs the same in a batch, cached or not.
    - `leaves_out`: beginnings of ids of models that it is not for.
    - `source`: the provider's page, and `read` the day on which it said so.
    """

    factor: Decimal
    cached: Literal["stacks", "apart", "none"]
    source: str
    read: date
    models: dict[str, Decimal] = {}
    leaves_out: tuple[str, ...] = ()

    def holds_for(self, model: str) -> bool:
        """Whether a model has this discount."""
        return not model.startswith(self.leaves_out)

    def apply(self, model: str, history: tuple[DatedPricing, ...]) -> tuple[DatedPricing, ...]:
        """The prices of a model in batches, from its usual ones."""
        factor = self.models.get(model, self.factor)
        return tuple(msgspec.structs.replace(price, pricing=self._price(price.pricing, factor)) for price in history)

    def _price(self, usual: ModelPricing, factor: Decimal) -> ModelPricing:
        if factor == 1:
            return usual
        tiers = tuple(self._reduce(tier, factor) for tier in usual.tiers)
        source = f"{usual.source}; batches: {self.source} ({self.read})"
        return msgspec.structs.replace(self._reduce(usual, factor), tiers=tiers, source=source)

    def _reduce(self, rates: R, factor: Decimal) -> R:
        changed: dict[str, Decimal | None] = {}
        for name in Rates.__struct_fields__:
            price = getattr(rates, name)
            if price is None or (name in _CACHED and self.cached == "apart"):
                continue
            changed[name] = None if name in _CACHED and self.cached == "none" else _times(price, factor)
        return msgspec.structs.replace(rates, **changed)


def _times(price: Decimal, factor: Decimal) -> Decimal:
    """A reduced price, without zeros at its end."""
    text = f"{price * factor:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
