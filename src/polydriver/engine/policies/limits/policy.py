"""The limits of a connection as a policy: what an attempt takes, who waits, and what it really used."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

import msgspec

from ....config.limits import LimitNumbers, RateLimitConfig, find_model
from ....errors import ConfigurationError, LimitReachedError
from ....events import LimitReached
from .. import Outcome, Wait
from .estimates import UNLIMITED, Estimates
from .limiter import Amounts, Limiter, LimitSet, Taken
from .meters import Meter, Pause, Slots, Told, Window
from .told import read_told

__all__ = ["WINDOWS", "Limits"]

WINDOWS = {
    "requests_per_minute": ("requests", 60.0),
    "tokens_per_minute": ("tokens", 60.0),
    "input_tokens_per_minute": ("input_tokens", 60.0),
    "output_tokens_per_minute": ("output_tokens", 60.0),
    "requests_per_day": ("requests", 86400.0),
    "tokens_per_day": ("tokens", 86400.0),
}
"""What each limit counts, and in how many seconds."""


class _Shared(msgspec.Struct):
    """What connections that share a name have in common, in this process."""

    limiter: Limiter
    meters: dict[str, tuple[Any, list[Meter]]]


_shared = _Shared(Limiter(), {})


class Limits:
    """The limits of one connection, from its settings `rate_limiting`."""

    def __init__(self, name: str, config: RateLimitConfig, uncounted: tuple[str, ...] = ()) -> None:
        """`uncounted` names the parts of `TokenUsage` that the provider does not count as input."""
        self.config = config
        self.estimates = Estimates(uncounted)
        self._name = name
        shares = config.share is not None or any(numbers.share for numbers in config.models.values())
        self.limiter = _shared.limiter if shares else Limiter()
        self._sets: dict[str | None, LimitSet] = {}
        self._by_model: dict[str, list[Meter]] = {}
        self._own = self._meters_of(config, config.share, name)
        self._told: dict[str, Told] = {}
        self._pause: Pause | None = None
        if config.learn:
            self._pause = Pause(f"{name}: the provider's Retry-After")
            dimensions = ("requests", "tokens", "input_tokens", "output_tokens")
            self._told = {name_: Told(f"{name}: {name_} that the provider has left", name_) for name_ in dimensions}
        self._needs_tokens = any(
            meter.dimension.endswith("tokens") for meter in [*self._own, *self._told.values()]
        ) or any(numbers.counts_tokens for numbers in config.models.values())

    @staticmethod
    def of(name: str, config: RateLimitConfig, uncounted: tuple[str, ...] = ()) -> Limits | None:
        """The policy for these settings; `None` when they limit nothing."""
        return Limits(name, config, uncounted) if config.limits_anything else None

    def admit(self, attempt: Any, now: float) -> Taken | Wait | None:
        """See `Policy.admit`."""
        call = attempt.call
        if call.operation in UNLIMITED:
            return None
        limits = self._sets.get(attempt.model) or self._make_set(attempt.model)
        amounts = self.estimates.before(attempt, tokens=self._needs_tokens)
        taken = self.limiter.take(limits, amounts, now)
        return self._wait(attempt, limits, amounts, now) if taken is None else taken

    def settle(self, lease: Taken | None, outcome: Outcome, now: float) -> None:
        """See `Policy.settle`."""
        if lease is not None:
            self.limiter.settle(lease, self.estimates.after(lease.limits.model, lease.amounts, outcome), now)
        if self._pause is not None and (after := getattr(outcome.error, "retry_after", None)) is not None:
            self._pause.until = max(self._pause.until, now + after)

    def hear(self, lease: Taken | None, headers: Mapping[str, str], wall_time: float, now: float) -> None:
        """Learn from the headers of an answer, when they come: those of a stream say nothing of its end any more."""
        if lease is not None and (told := read_told(headers, wall_time)):
            self.limiter.hear(lease, told, now)

    def describe(self, now: float) -> list[dict[str, Any]]:
        """The state of every limit: its name, what is used of it, and how much it is."""
        meters = {id(meter): meter for limits in self._sets.values() for meter in limits.meters} or {
            id(meter): meter for meter in self._own
        }
        for meter in meters.values():
            meter.wait(0.0, now)  # forgets what is too old
        return [
            {"limit": meter.name, "used": meter.used, "of": meter.limit}
            for meter in meters.values()
            if isinstance(meter, Window | Slots)
        ]

    def _wait(self, attempt: Any, limits: LimitSet, amounts: Amounts, now: float) -> Wait:
        config, limiter = self.config, self.limiter
        if limiter.waiting >= config.max_waiting:
            raise self._reached(limits, amounts, now, f"{limiter.waiting} calls are waiting already")
        if config.mode == "raise":
            raise self._reached(limits, amounts, now, "")
        signal = attempt.target.port.signal()
        ticket, seconds = limiter.enter(limits, amounts, now, signal, low=attempt.call.queue == "batch")
        until = inf if config.max_wait is None else now + config.max_wait
        if ticket.taken is not None:
            seconds = 0.0

        def wait_on(seconds: float, now: float) -> Wait:
            deadline = attempt.call.deadline
            if seconds < inf and now + seconds >= min(until, inf if deadline is None else deadline):
                limiter.withdraw(ticket, now)
                raise self._reached(limits, amounts, now, "that is longer than the call may wait")
            return Wait(min(seconds, max(0.0, until - now)), signal, resume, cancel)

        def resume(now: float) -> Taken | Wait:
            seconds = limiter.look(ticket, now)
            if ticket.taken is not None:
                return ticket.taken
            if now >= until:
                limiter.withdraw(ticket, now)
                raise self._reached(limits, amounts, now, f"{config.max_wait:g} s were not enough")
            return wait_on(seconds, now)

        def cancel(now: float) -> None:
            limiter.withdraw(ticket, now)

        reached = self._what_is_reached(limits, amounts, now)
        wait = wait_on(seconds, now)
        wait.event = LimitReached(limit=reached, wait=None if seconds == inf else seconds, **attempt.call.facts())
        return wait

    def _reached(self, limits: LimitSet, amounts: Amounts, now: float, why: str) -> LimitReachedError:
        waits = [(meter.wait(amounts[meter.dimension], now), meter.name) for meter in limits.meters]
        longest, name = max(waits, default=(0.0, self._name))
        return LimitReachedError(
            f"the limit {name!r} is reached{': ' + why if why else ''}",
            provider=self._name,
            retry_after=longest if 0.0 < longest < inf else None,
        )

    def _what_is_reached(self, limits: LimitSet, amounts: Amounts, now: float) -> str:
        waits = [(meter.wait(amounts[meter.dimension], now), meter.name) for meter in limits.meters]
        return max(waits, default=(0.0, self._name))[1]

    def _make_set(self, model: str | None) -> LimitSet:
        meters = list(self._own)
        key = find_model(self.config.models, model)
        if key is not None:
            meters += self._model_meters(key, self.config.models[key])
        meters += self._told.values()
        if self._pause is not None:
            meters.append(self._pause)
        return self._sets.setdefault(model, LimitSet(meters, model))

    def _model_meters(self, key: str, numbers: LimitNumbers) -> list[Meter]:
        made = self._by_model
        if key not in made:
            made[key] = self._meters_of(numbers, numbers.share, f"{self._name}/{key}")
        return made[key]

    @staticmethod
    def _meters_of(numbers: LimitNumbers, share: str | None, name: str) -> list[Meter]:
        values = {field: getattr(numbers, field) for field in LimitNumbers.__struct_fields__ if field != "share"}
        if share is None:
            return _make_meters(values, name)
        known = _shared.meters.get(share)
        if known is None:
            known = _shared.meters.setdefault(share, (values, _make_meters(values, share)))
        if any(value is not None and value != known[0][field] for field, value in values.items()):
            raise ConfigurationError(
                f"the limits that are shared as {share!r} are not the same everywhere: give them once, or alike"
            )
        return known[1]


def _make_meters(values: Mapping[str, Any], name: str) -> list[Meter]:
    meters: list[Meter] = []
    for field, limit in values.items():
        if limit is None:
            continue
        if field == "max_concurrent":
            meters.append(Slots(f"{name}: {field}", limit))
        else:
            dimension, seconds = WINDOWS[field]
            meters.append(Window(f"{name}: {field}", dimension, limit, seconds))
    return meters
