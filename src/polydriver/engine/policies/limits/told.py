"""What answers say of the limits of the provider.

`x-ratelimit-remaining-*` with `x-ratelimit-reset-*` (OpenAI and many others: a duration such as `6m0s`), and
`anthropic-ratelimit-*-remaining` with `-reset` (a time, RFC 3339).
https://platform.openai.com/docs/guides/rate-limits, https://docs.anthropic.com/en/api/rate-limits (2026-11-27)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..retry import parse_duration

__all__ = ["read_told"]

_DIMENSIONS = {
    "requests": "requests",
    "tokens": "tokens",
    "input-tokens": "input_tokens",
    "output-tokens": "output_tokens",
}
_LONGEST = 2 * 86400.0


def read_told(headers: Mapping[str, str], wall_time: float) -> dict[str, tuple[float, float]]:
    """By dimension: how much is left, and the seconds until all of it is there again. Garbage counts as absent."""
    told: dict[str, tuple[float, float]] = {}
    for word, dimension in _DIMENSIONS.items():
        left = _number(headers.get(f"x-ratelimit-remaining-{word}"))
        reset = headers.get(f"x-ratelimit-reset-{word}")
        seconds = parse_duration(reset) if reset else None
        if left is None:
            left = _number(headers.get(f"anthropic-ratelimit-{word}-remaining"))
            seconds = _until(headers.get(f"anthropic-ratelimit-{word}-reset"), wall_time)
        if left is not None and seconds is not None and 0.0 <= seconds <= _LONGEST:
            told[dimension] = (left, seconds)
    return told


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text and len(text) < 20 else None
    except ValueError:
        return None
    return number if number is not None and 0.0 <= number < 1e15 else None


def _until(text: str | None, wall_time: float) -> float | None:
    if not text or len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - wall_time) if moment.tzinfo is not None else None
