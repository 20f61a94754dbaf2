"""The settings of hedging: when a request is sent a second time because the first is slow."""

from __future__ import annotations

import msgspec

__all__ = ["HedgingConfig"]


class HedgingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When a call is sent a second time. Times are in seconds.

    - `enabled`: whether the calls of the connection are hedged; a call can say otherwise.
    - `percentile`: the second request is sent when the first content is later than such a share of the recent ones.
    - `max_ratio`: the largest share of the calls that is sent twice.
    - `minimum_calls`: so many answers must have come lately, of the same model and whole or streamed alike.
    - `calls` and `window`: the most answers that are looked at, and the age of the oldest.
    """

    enabled: bool = False
    percentile: float = 0.95
    max_ratio: float = 0.05
    minimum_calls: int = 20
    calls: int = 500
    window: float = 600.0
