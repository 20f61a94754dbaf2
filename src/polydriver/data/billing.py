"""What decides the price of an answer beyond its model and its tokens, as the answer tells it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

__all__ = ["BillingFacts", "make_facts"]


class BillingFacts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an answer says of how it was served and of what else is billed. `None` means that it does not say.

    - `service_tier`: the tier that served it, in the provider's own word ("default", "flex", "priority", ...).
    - `region`: the region, multi-region or data zone that it was computed in; `speed`: "fast" where that is a price.
    - `units`: counts of what is billed apart, under the names that `calculate_cost` takes in `extra`: web_searches, ...
    - `uncounted`: what is billed apart but not counted in the answer, in words for people: "images".
    - `kept_as`: the id under which the provider keeps an answer that is made in the background: who fetches it is told
      what it used, which is billed once.
    """

    service_tier: str | None = None
    region: str | None = None
    speed: str | None = None
    units: dict[str, int | Decimal] = {}
    uncounted: tuple[str, ...] = ()
    kept_as: str | None = None


def make_facts(
    service_tier: str | None,
    region: str | None,
    *,
    speed: str | None = None,
    units: Mapping[str, int | Decimal] | None = None,
    uncounted: tuple[str, ...] = (),
    kept_as: str | None = None,
) -> BillingFacts | None:
    """The facts, without the units that are 0; `None` when there are none."""
    used = {name: count for name, count in units.items() if count} if units else {}
    if service_tier is region is speed is kept_as is None and not used and not uncounted:
        return None
    return BillingFacts(
        service_tier=service_tier, region=region, speed=speed, units=used, uncounted=uncounted, kept_as=kept_as
    )
