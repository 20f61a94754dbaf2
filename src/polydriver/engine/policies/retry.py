"""When to try again, and how long to wait first. Pure: the time and the random number are arguments.

The delay before attempt n+1 is `min(max_retry_delay, retry_delay * 2**(n-1))`, plus up to 10 % jitter, capped again.
What the server says (`retry-after-ms`, `Retry-After`, `x-ratelimit-reset-*`) is a minimum: polydriver never comes back
earlier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite

from ...errors import AIError
from . import AttemptFacts, Outcome

__all__ = ["RetryBudget", "backoff", "parse_duration", "parse_retry_after", "retry_delay", "should_retry_header"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d{1,12}(?:\.\d{1,9})?(?:ms|s|m|h|d))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)", re.ASCII)
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)


def backoff(attempt: int, base: float, cap: float, random: float) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1); `random` is in [0, 1)."""
    delay = min(cap, base * 2.0 ** min(attempt - 1, 60))
    return min(cap, delay * (1.0 + 0.1 * random))


def parse_duration(text: str) -> float | None:
    """Seconds in a duration such as "20ms", "6m0s", "1h2m3.5s" or "7" (seconds); `None` when it is none."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(amount) * _UNITS[unit] for amount, unit in _DURATION_PART.findall(text))


def parse_retry_after(headers: Mapping[str, str], wall_time: float, *, limited: bool = True) -> float | None:
    """Seconds that the server asks to wait, or `None`. Garbage counts as absent.

    Reads `retry-after-ms`, `Retry-After` as seconds or as an HTTP date (RFC 9110 10.2.3), then, where a limit was
    reached (`limited`), the `x-ratelimit-reset-*` of one that is used up.
    """
    millis = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(millis):
        return float(millis) / 1000.0
    after = headers.get("retry-after")
    if after:
        seconds = parse_duration(after)
        if seconds is None:
            seconds = _seconds_until(after, wall_time)
        if seconds is not None:
            return seconds
    return _limit_reset(headers) if limited else None


def _seconds_until(date: str, wall_time: float) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.fromtimestamp(wall_time, UTC)).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, seconds) if isfinite(seconds) else None


def _limit_reset(headers: Mapping[str, str]) -> float | None:
    """The latest reset among the limits that say that nothing remains; all of them when none says what remains."""
    used_up, unknown = [], []
    for limit in ("requests", "tokens"):
        value = headers.get(f"x-ratelimit-reset-{limit}")
        seconds = parse_duration(value) if value else None
        if seconds is None or seconds > 30 * 86400:  # an epoch time, not a duration
            continue
        remaining = headers.get(f"x-ratelimit-remaining-{limit}")
        if remaining is None:
            unknown.append(seconds)
        elif remaining.strip() in ("0", "-1", "0.0"):
            used_up.append(seconds)
    return max(used_up or unknown, default=None)


def should_retry_header(headers: Mapping[str, str]) -> bool | None:
    """What `x-should-retry` says, if the server sends it."""
    value = headers.get("x-should-retry", "").strip().lower()
    return {"true": True, "false": False}.get(value)


def retry_delay(error: AIError, attempt: int, base: float, cap: float, random: float) -> float | None:
    """Seconds to wait before the next attempt; `None` when the server asks for more than `cap`."""
    delay = backoff(attempt, base, cap, random)
    if error.retry_after is None:
        return delay
    return None if error.retry_after > cap else max(delay, error.retry_after)


class RetryBudget:
    """Keeps a failing provider from being hammered: retries need a token, and tokens come back slowly.

    Starts with `capacity` tokens. A retry takes one, an attempt that ends well gives back `refill`, and each second
    gives back `per_second`. While it is empty, errors are raised at once instead of retried. First attempts are never
    held up.
    """

    __slots__ = ("_last", "_tokens", "capacity", "per_second", "refill")

    def __init__(self, capacity: float = 50.0, refill: float = 0.2, per_second: float = 1.0) -> None:
        self.capacity = capacity
        self.refill = refill
        self.per_second = per_second
        self._tokens = capacity
        self._last: float | None = None

    def take(self, now: float) -> bool:
        """Whether a retry may be made now (a monotonic time in seconds); takes a token if so."""
        if self._last is not None:
            self._tokens = min(self.capacity, self._tokens + max(0.0, now - self._last) * self.per_second)
        self._last = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def admit(self, attempt: AttemptFacts, now: float) -> None:
        """Admit every attempt: a retry has taken its token before it waited."""

    def settle(self, lease: None, outcome: Outcome, now: float) -> None:
        """Give back something for an attempt that ended well."""
        if outcome.kind == "success" and self._tokens < self.capacity:
            self._tokens = min(self.capacity, self._tokens + self.refill)
