"""Costs that a provider reports itself, in its usage object."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..data.cost import REPORTED, Cost

__all__ = ["COST_FIELDS", "read_amount", "read_cost", "read_usual_cost"]


def read_amount(value: Any) -> Decimal | None:
    """A JSON number or its text as an exact amount; `None` for anything else, below zero or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def read_cost(provider: str, total: Any, items: Mapping[str, Any]) -> Cost | None:
    """A cost in US dollars with what it consists of; `None` when there is no total.

    What the items leave of the total is the item `other`. Items that come to more than the total are left out, since
    they can't be its parts.
    """
    amount = read_amount(total)
    if amount is None:
        return None
    parts = {name: part for name, value in items.items() if (part := read_amount(value))}
    rest = amount - sum(parts.values(), Decimal(0))
    if rest < 0:
        parts = {}
    elif rest and parts:
        parts["other"] = rest
    return Cost(amount, items=parts or {"total": amount}, source=f"{REPORTED}{provider}")


_TICKS_PER_DOLLAR = Decimal(10) ** 10
COST_FIELDS = frozenset({"cost_in_usd_ticks", "cost", "estimated_cost"})
"""The members of a usage object that `read_usual_cost` reads."""


def read_usual_cost(provider: str, usage: Mapping[str, Any]) -> Cost | None:
    """The cost where services commonly put it: `cost_in_usd_ticks` (xAI), `cost` or `estimated_cost`, in US dollars.

    https://docs.x.ai/docs/api-reference and https://docs.deepinfra.com/chat/overview (2026-11-26)
    """
    ticks = read_amount(usage.get("cost_in_usd_ticks"))
    if ticks is not None:
        return read_cost(provider, ticks / _TICKS_PER_DOLLAR, {})
    for name in ("cost", "estimated_cost"):
        if (cost := read_cost(provider, usage.get(name), {})) is not None:
            return cost
    return None
