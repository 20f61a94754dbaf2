"""What something cost: exact decimals."""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow

import msgspec

__all__ = ["EXACT", "REPORTED", "Cost"]

REPORTED = "reported by "
"""How the source of a cost begins that the provider told itself; its name follows."""

EXACT = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])
"""The caller's decimal context may be imprecise; sixty digits hold any count times any price exactly."""


class Cost(msgspec.Struct, frozen=True, omit_defaults=True):
    """What something cost: `total`, and the `items` it is the exact sum of.

    Items are named after the prices that were applied (`input`, `cached_input`, `cache_write`, `output`,
    `reasoning`, ...); a bucket without tokens has no item. `source` and `effective_date` tell which prices.
    `estimated` marks a cost of usage that we had to estimate. Where the provider reported the total, `calculated` is
    what our prices give for the same, if they know it. Costs of one currency can be added, also by `sum`.
    """

    total: Decimal
    currency: str = "USD"
    items: dict[str, Decimal] = {}
    source: str = ""
    effective_date: date | None = None
    model: str | None = None
    estimated: bool = False
    calculated: Decimal | None = None

    @property
    def is_reported(self) -> bool:
        """Whether the total is the provider's own."""
        return self.source.startswith(REPORTED)

    @property
    def by_our_prices(self) -> Decimal | None:
        """What our prices give: `calculated` beside a total of the provider's, else the total."""
        return self.calculated if self.is_reported else self.total

    def __add__(self, other: Cost) -> Cost:
        """Both together, item by item. Raises `ValueError` for different currencies."""
        if not isinstance(other, Cost):
            return NotImplemented
        if self.currency != other.currency:
            raise ValueError(f"cannot add a cost in {other.currency} to one in {self.currency}: convert one first")
        items = dict(self.items)
        for name, amount in other.items.items():
            items[name] = EXACT.add(items.get(name, Decimal(0)), amount)
        return Cost(
            EXACT.add(self.total, other.total),
            self.currency,
            items,
            ", ".join(dict.fromkeys(source for source in (self.source, other.source) if source)),
            self.effective_date if self.effective_date == other.effective_date else None,
            self.model if self.model == other.model else None,
            self.estimated or other.estimated,
            self._calculated_with(other),
        )

    def _calculated_with(self, other: Cost) -> Decimal | None:
        ours, theirs = self.by_our_prices, other.by_our_prices
        if ours is None or theirs is None or not (self.is_reported or other.is_reported):
            return None
        return EXACT.add(ours, theirs)

    def __radd__(self, other: int) -> Cost:
        return self if other == 0 else NotImplemented

    def __float__(self) -> float:
        return float(self.total)

    def __str__(self) -> str:
        """Exact, without an exponent, with two decimals or more: "$0.000123", "1.50 EUR"."""
        whole, _, decimals = f"{abs(self.total):f}".partition(".")
        amount = f"{whole}.{decimals.rstrip('0'):0<2}"
        sign = "-" if self.total < 0 else ""
        return f"{sign}${amount}" if self.currency == "USD" else f"{sign}{amount} {self.currency}"
