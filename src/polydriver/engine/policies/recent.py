"""What is remembered of recent attempts, for `get_health()`: a bounded number of them, of the last minutes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from ...data.models import RecentAttempts
from . import Outcome

__all__ = ["Recent", "percentile"]

_MOST = 512
_SECONDS = 300.0


class _Ended(NamedTuple):
    at: float
    wall_time: float
    latency: float
    first_content: float | None
    error: str | None


class Recent:
    """A counter that remembers how attempts ended.

    What was refused, left by its reader or cancelled says nothing of the provider, and is not kept. Safe in threads
    without a lock: a bounded deque is written and copied in one step.
    """

    __slots__ = ("_ended",)

    def __init__(self) -> None:
        self._ended: deque[_Ended] = deque(maxlen=_MOST)

    def count(self, attempt: Any, outcome: Outcome, now: float) -> None:
        """See `Counter.count`."""
        if outcome.kind not in ("success", "failure", "interrupted"):
            return
        error = None if outcome.error is None else f"{type(outcome.error).__name__}: {outcome.error}"
        self._ended.append(_Ended(now, outcome.wall_time, outcome.seconds, outcome.first_content, error))

    def describe(self, now: float) -> RecentAttempts:
        """What became of the attempts of the last five minutes, at most the last 512."""
        ended = [end for end in self._ended.copy() if now - end.at <= _SECONDS]
        good = sorted(end.latency for end in ended if end.error is None)
        firsts = sorted(end.first_content for end in ended if end.error is None and end.first_content is not None)
        bad = [end for end in ended if end.error is not None]
        return RecentAttempts(
            attempts=len(ended),
            failures=len(bad),
            failure_ratio=len(bad) / len(ended) if ended else 0.0,
            latency_p50=percentile(good, 0.5),
            latency_p95=percentile(good, 0.95),
            first_content_p50=percentile(firsts, 0.5),
            first_content_p95=percentile(firsts, 0.95),
            last_error=bad[-1].error if bad else None,
            last_error_at=bad[-1].wall_time if bad else None,
        )


def percentile(values: Sequence[float], part: float) -> float | None:
    """The nearest-rank percentile of sorted values: `part` of them are at most as large; `None` without values."""
    return values[max(0, ceil(part * len(values)) - 1)] if values else None
