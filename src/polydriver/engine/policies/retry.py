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
from typing import Any

from ...errors import AIError, RateLimitError
from ...forking import own_lock
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
    """Keeps a failing provider from being hammered: the retries of a connection share a budget, as in the AWS SDKs.

    It begins with `capacity`. A retry takes `transient`, or `throttled` after a 429; an attempt that succeeds gives
    back what its retry took, a first one gives 1. While there is not enough, errors are raised at once instead of
    retried. First attempts are never held up.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html (2026-11-27)
    """

    _lock: Any

    def __init__(self, capacity: float = 500.0, transient: float = 14.0, throttled: float = 5.0) -> None:
        self.capacity = capacity
        self.transient = transient
        self.throttled = throttled
        self._left = capacity
        own_lock(self)

    @property
    def left(self) -> float:
        """What can still be taken."""
        return self._left

    def take(self, error: BaseException) -> float | None:
        """What a retry after this error takes; `None`, and nothing is taken, when there is not enough."""
        cost = self.throttled if isinstance(error, RateLimitError) else self.transient
        with self._lock:
            if self._left < cost:
                return None
            self._left -= cost
        return cost

    def give_back(self, amount: float) -> None:
        """Give back what a success earns, or what was taken for a retry that was not sent."""
        if amount and self._left < self.capacity:
            with self._lock:
                self._left = min(self.capacity, self._left + amount)

    def count(self, attempt: AttemptFacts, outcome: Outcome, now: float) -> None:
        """Give back something for an attempt that ended well, and for one that was not sent what it took.

        A retry has taken its part before it waited. The second request of a hedged attempt is no retry.
        """
        cost: float = attempt.call.retry_cost if attempt.hedges is None else 0.0
        if outcome.kind == "success":
            self.give_back(cost or 1.0)
        elif outcome.kind == "refused":
            self.give_back(cost)
