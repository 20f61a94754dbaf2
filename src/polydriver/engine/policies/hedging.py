"""Hedging: a call whose first content is late is sent a second time, and the quicker answer is taken.

Late is what takes longer than a percentile of the recent first contents, of the same model, and of streams or of whole
answers (there the first content is all of it). Each answer earns `max_ratio` of a second request, so that no larger
share of the calls is ever sent twice, and an outage, in which nobody answers, earns none.

Recent are the attempts that were sent because the caller wanted them, not the second ones. Of one that was slower than
its second request it is known only that it took longer than it was waited for, which was beyond the percentile already.
Pure: times, in monotonic seconds, are arguments.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from threading import RLock
from typing import Any

import msgspec

from ...config.hedging import HedgingConfig
from ...errors import LimitReachedError
from ...forking import own_lock
from . import Outcome
from .recent import percentile

__all__ = ["FirstContents", "Hedging"]


class FirstContents:
    """How long the first contents of late took, and how many second requests they have earned."""

    __slots__ = ("_config", "_last", "_sorted", "earned")

    def __init__(self, config: HedgingConfig) -> None:
        self._config = config
        self._last: deque[tuple[float, float]] = deque()  # when an attempt ended, and its seconds
        self._sorted: list[float] = []
        self.earned = 0.0

    def add(self, seconds: float, now: float) -> None:
        """Note the first content of one call."""
        config = self._config
        self._last.append((now, seconds))
        insort(self._sorted, seconds)
        if len(self._last) > config.calls:
            self._drop_oldest()
        self.earned = min(max(1.0, config.max_ratio * config.calls), self.earned + config.max_ratio)

    def late_after(self, now: float) -> float | None:
        """After how many seconds a first content is late; `None` when too little is known for that."""
        config, last = self._config, self._last
        while last and last[0][0] <= now - config.window:
            self._drop_oldest()
        return percentile(self._sorted, config.percentile) if len(last) >= config.minimum_calls else None

    def take(self) -> bool:
        """Whether a second request may be sent, which is then taken from what was earned."""
        if self.earned < 1.0 - 1e-9:  # sums of floats
            return False
        self.earned -= 1.0
        return True

    def give_back(self) -> None:
        """The second request was not sent after all."""
        self.earned += 1.0

    def _drop_oldest(self) -> None:
        _, seconds = self._last.popleft()
        del self._sorted[bisect_left(self._sorted, seconds)]


class _Lease(msgspec.Struct):
    known: FirstContents
    is_second: bool


class Hedging:
    """A policy for calls that are hedged: counts them, and refuses second requests beyond their share.

    Safe in threads and forks.
    """

    _lock: Any

    def __init__(self, name: str, config: HedgingConfig) -> None:
        self._name = name
        self._config = config
        self._known: dict[tuple[str, bool], FirstContents] = {}
        own_lock(self, RLock)  # an end may be noted by a finalizer of the thread that holds it

    def admit(self, attempt: Any, now: float) -> _Lease | None:
        """See `Policy.admit`. Raises `LimitReachedError` for a second request that has not been earned."""
        if attempt.prompt is None:
            return None
        known = self._of(attempt)
        if attempt.hedges is not None:
            with self._lock:
                if not known.take():
                    raise LimitReachedError(
                        f"no larger share of the calls than hedging.max_ratio, {self._config.max_ratio:g}, is sent "
                        "twice",
                        provider=self._name,
                    )
        return _Lease(known, attempt.hedges is not None)

    def settle(self, lease: _Lease | None, outcome: Outcome, now: float) -> None:
        """See `Policy.settle`."""
        if lease is None:
            return
        if lease.is_second:
            if outcome.kind == "refused":
                with self._lock:
                    lease.known.give_back()
            return
        seconds = outcome.seconds if outcome.first_content is None and outcome.lost else outcome.first_content
        if seconds is not None:
            with self._lock:
                lease.known.add(seconds, now)

    def late_after(self, attempt: Any, now: float) -> float | None:
        """After how many seconds without content the answer is late; `None` when too little is known for that."""
        known = self._of(attempt)
        with self._lock:
            return known.late_after(now)

    def _of(self, attempt: Any) -> FirstContents:
        prompt = attempt.prompt
        key = (prompt.model, prompt.stream)
        return self._known.get(key) or self._known.setdefault(key, FirstContents(self._config))
