"""What decides the price of an answer beyond its model and its tokens, as the answer tells it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

__all__ = ["BillingFacts"]


class BillingFacts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an answer says of how it was served and of what else is billed. `None` means that it does not say.

    - `service_tier`: the tier that served it, in the provider's own word ("default", "flex", "priority", ...).
    - `region`: the region, multi-region or data zone that it was computed in; `speed`: "fast" where that is a price.
    - `units`: counts of what is billed apart, under the names that `calculate_cost` takes in `extra`: web_searches, ...
    """

    service_tier: str | None = None
    region: str | None = None
    speed: str | None = None
    units: dict[str, int | Decimal] = {}
