"""The instruments of the table of names, made once for each meter provider."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from ..version import __version__
from . import names

if TYPE_CHECKING:
    from ..data.cost import Cost
    from ..data.usage import TokenUsage

__all__ = ["Instruments", "instruments_of"]


class Shown(Protocol):
    """What has circuits to show."""

    def circuits(self, now: float) -> Iterable[Observation]:
        """Their states."""


class Instruments:
    """The metrics of one meter provider. `observers` are those whose circuits are shown."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter(names.SCOPE, __version__, schema_url=names.SCHEMA_URL)
        made: dict[str, Any] = {}
        for key, metric in names.METRICS.items():
            texts: dict[str, Any] = {"unit": metric.unit, "description": metric.description}
            if metric.kind == "histogram":
                texts["explicit_bucket_boundaries_advisory"] = metric.buckets
                made[key] = meter.create_histogram(metric.name, **texts)
            elif metric.kind == "counter":
                made[key] = meter.create_counter(metric.name, **texts)
            else:
                made[key] = meter.create_observable_gauge(metric.name, callbacks=[self._circuits], **texts)
        self.observers: weakref.WeakSet[Shown] = weakref.WeakSet()
        self.duration, self.attempt, self.waited = made["duration"], made["attempt"], made["waited"]
        self.first_chunk, self.per_chunk = made["first_chunk"], made["per_chunk"]
        self.retries, self.hedges = made["retries"], made["hedges"]
        self._tokens, self._cost = made["tokens"], made["cost"]

    def spent(self, usage: TokenUsage | None, cost: Cost | None, attributes: dict[str, Any]) -> None:
        """Count what was used and paid."""
        if usage is not None:
            for field, kind in names.TOKEN_TYPES.items():
                count = getattr(usage, field)
                if count is not None and (count or kind in ("input", "output")):
                    self._tokens.record(count, {**attributes, names.TOKEN_TYPE: kind})
        if cost is not None and cost.total > 0:
            self._cost.add(float(cost.total), {**attributes, names.CURRENCY: cost.currency})

    def _circuits(self, options: CallbackOptions) -> Iterable[Observation]:
        now = time.monotonic()
        for observer in list(self.observers):
            yield from observer.circuits(now)


_known: weakref.WeakKeyDictionary[MeterProvider, Instruments] = weakref.WeakKeyDictionary()


def instruments_of(provider: MeterProvider) -> Instruments:
    """The instruments of a meter provider: two of the same name would be two streams."""
    found = _known.get(provider)
    if found is None:
        found = _known.setdefault(provider, Instruments(provider))
    return found
