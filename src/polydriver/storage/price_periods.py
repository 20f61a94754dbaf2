"""The prices of a model over time: what is stored, what the price table says now, and what is to be added.

Rows are only added; the end of one is written once, when another price follows. The past stays as it was recorded: what
the table says anew counts from the start that it names, where that is after the start of the price on record, else from
the moment at which it was found.

Where rows overlap, the one that was written last applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

import msgspec

from ..contract import DriverHooks
from ..prices.catalog import find
from ..prices.entries import DatedPricing, ModelEntry
from ..prices.rates import ModelPricing

__all__ = ["BEGINNING", "Changes", "Period", "Price", "Wanted", "merge", "price_at", "read_prices"]

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of a price that held before the first one whose start is known."""

_ORIGIN = ("source", "effective_date", "currency")


class Price(NamedTuple):
    """What a model costs at one time: `usual`, `variants` ("batch", ...), `daily` hours with other prices."""

    prices: dict[str, Any]
    currency: str
    source: str

    def costs_the_same(self, other: Price | None) -> bool:
        """Whether the numbers are the same; where they come from does not matter."""
        return other is not None and self[:2] == other[:2]


class Period(NamedTuple):
    """A price and when it applies: from `start` on, up to and without `until`; `id` is that of its row."""

    price: Price
    start: datetime
    until: datetime | None = None
    id: str | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether it applies at a moment."""
        return self.start <= moment and (self.until is None or moment < self.until)


Wanted: TypeAlias = Sequence[tuple[datetime | None, Price]]
"""Prices with their starts, ascending; `None`: the start is unknown, which only the first one's may be."""


class Changes(NamedTuple):
    """What makes stored periods say what the table says: ends of rows by their ids, and new rows."""

    ends: dict[str, datetime]
    new: list[Period]

    def apply(self, stored: Iterable[Period]) -> list[Period]:
        """The periods afterwards; those that are new have no id."""
        ended = [period._replace(until=self.ends[period.id]) if period.id in self.ends else period for period in stored]
        return [*ended, *self.new]


def price_at(periods: Sequence[Period], moment: datetime) -> Price | None:
    """The price at a moment; `None` where it is unknown. Periods are in the order in which they were written."""
    found = next((period for period in reversed(periods) if period.covers(moment)), None)
    return None if found is None else found.price


def merge(stored: Sequence[Period], wanted: Wanted, moment: datetime) -> Changes:
    """What is to be added to `stored`, which is in the order of writing, when the table says `wanted` at `moment`."""
    unknown = BEGINNING if len(wanted) > 1 else moment
    starts = [unknown if start is None else start for start, _ in wanted]
    ends: list[datetime | None] = [*starts[1:], None][: len(starts)]
    periods = [
        Period(price, start, until)
        for (_, price), start, until in zip(wanted, starts, ends, strict=True)
        if until is None or start < until
    ]
    if not stored:
        return Changes({}, periods)
    disagreed = _first_difference(stored, periods, moment)
    if disagreed is None:
        return Changes({}, [])
    begin = _found_start(stored, periods, moment) if disagreed == moment else disagreed
    open_rows = {period.id: period.start for period in stored if period.until is None and period.id is not None}
    new = [
        period._replace(start=max(period.start, begin))
        for period in periods
        if period.until is None or period.until > begin
    ]
    return Changes({id: max(start, begin) for id, start in open_rows.items()}, new)


def _first_difference(stored: Sequence[Period], wanted: Sequence[Period], moment: datetime) -> datetime | None:
    """When both say different things for the first time, from a moment on; `None`: never."""
    edges = {edge for period in (*stored, *wanted) for edge in (period.start, period.until) if edge and edge > moment}
    for at in (moment, *sorted(edges)):
        there, here = price_at(stored, at), price_at(wanted, at)
        if here is None:  # before the first price that it knows, the table says nothing
            if there is not None and not wanted:
                return at
        elif not here.costs_the_same(there):
            return at
    return None


def _found_start(stored: Sequence[Period], wanted: Sequence[Period], moment: datetime) -> datetime:
    """From when on a present price counts that was not known: from the first start after that of the one on record."""
    now = next((period for period in reversed(stored) if period.covers(moment)), None)
    past = [period.until for period in stored if period.until is not None and period.until <= moment]
    since = now.start if now is not None else max(past, default=BEGINNING)
    return min((period.start for period in wanted if since < period.start <= moment), default=moment)


def read_prices(driver: DriverHooks, model: str) -> Wanted:
    """The prices of a model as its driver has them (settings before the table), with their starts, ascending."""
    pricing = driver.pricing(model)
    if pricing is None:
        return []
    entry = find(driver.catalog_name or driver.name, model, driver.config.prices)
    if entry is None or entry.pricing != pricing:  # a driver with prices of its own
        return [(_midnight(pricing.effective_date), _price(pricing))]
    return _of_entry(entry)


def _of_entry(entry: ModelEntry) -> Wanted:
    days = {price.start for history in (entry.history, *entry.variants.values()) for price in history}
    days.discard(None)
    first = next((price for price in entry.history if price.start is None and price.hours is None), None)
    found: list[tuple[datetime | None, Price]] = []
    for day in (None, *sorted(day for day in days if day is not None)):
        usual, hours = _on(entry.history, day)
        if usual is None:
            continue
        variants = {name: there for name, known in entry.variants.items() if (there := _on(known, day)[0])}
        price = _price(usual, variants, hours)
        if found and price.costs_the_same(found[-1][1]):
            continue
        found.append((_midnight(day), price))
    if len(found) == 1 and found[0][0] is None and first is not None:
        return [(_midnight(first.pricing.effective_date), found[0][1])]
    return found


def _on(history: Sequence[DatedPricing], day: date | None) -> tuple[ModelPricing | None, list[DatedPricing]]:
    """The price outside of peak hours on a day (`None`: before all dated ones), and those of the hours."""
    hours: list[DatedPricing] = []
    for price in reversed(history):
        if price.hours is not None:
            hours.insert(0, price)
        elif price.start is None or (day is not None and price.start <= day):
            return price.pricing, hours
    return None, hours


def _price(usual: ModelPricing, variants: dict[str, ModelPricing] | None = None, hours: Any = ()) -> Price:
    prices: dict[str, Any] = {"usual": _plain(usual)}
    if variants:
        prices["variants"] = {name: _plain(price) for name, price in sorted(variants.items())}
    if hours:
        prices["daily"] = [
            {"from": price.hours[0].isoformat("minutes"), "until": price.hours[1].isoformat("minutes")}
            | {"prices": _plain(price.pricing)}
            for price in hours
        ]
    return Price(prices, usual.currency, usual.source)


def _plain(pricing: Any) -> Any:
    """A price as plain data: amounts as text, without zeros at the end."""
    plain = msgspec.to_builtins(msgspec.structs.replace(pricing, source="", effective_date=None, currency="USD"))
    return _normal(plain)


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _normal(item) for name, item in value.items() if name not in _ORIGIN}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return f"{Decimal(value).normalize():f}" if isinstance(value, str) else value


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)
