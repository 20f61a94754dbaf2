"""Usage of Cohere's chat API."""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, as_int
from ...data.usage import TokenUsage

__all__ = ["parse_usage"]


def parse_usage(raw: Any) -> TokenUsage | None:
    """The usage: what was counted (`tokens`), or else what is billed. Cached input is inside the input.

    `raw` keeps both, since Cohere bills fewer tokens than it counts.
    """
    raw = as_dict(raw)
    counted, billed = as_dict(raw.get("tokens")), as_dict(raw.get("billed_units"))
    names = ("input_tokens", "output_tokens")
    counts = [as_int(counted.get(name)) for name in names]
    if counts == [None, None]:
        counts = [as_int(billed.get(name)) for name in names]
    cached = as_int(raw.get("cached_tokens"))
    if counts == [None, None] and cached is None:
        return None
    return TokenUsage(input_tokens=counts[0], output_tokens=counts[1], cached_input_tokens=cached, raw=raw)
