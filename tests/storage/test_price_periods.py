"""Prices over time: the past stays as it was recorded, and from now on it is what the table says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.driver import Driver
from polydriver.drivers.compatible import openai_compatible
from polydriver.prices import catalog
from polydriver.storage.price_periods import BEGINNING, Changes, Period, Price, merge, price_at, read_prices

DAY = timedelta(days=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def price(amount: int) -> Price:
    return Price({"usual": {"input": str(amount)}}, "USD", "a table")


def stored(periods: list[Period]) -> list[Period]:
    return [period._replace(id=period.id or f"row {place}") for place, period in enumerate(periods)]


def test_the_first_prices() -> None:
    assert merge([], [], NOON) == Changes({}, [])
    assert merge([], [(None, price(1))], NOON).new == [Period(price(1), NOON)]
    known = [(None, price(1)), (NOON - DAY, price(2)), (NOON + DAY, price(3))]
    assert merge([], known, NOON).new == [
        Period(price(1), BEGINNING, NOON - DAY),
        Period(price(2), NOON - DAY, NOON + DAY),
        Period(price(3), NOON + DAY),
    ]


def test_another_price_counts_from_its_own_start_or_from_now() -> None:
    before = [Period(price(1), NOON - 9 * DAY, None, "row")]
    assert merge(before, [(NOON - DAY, price(2))], NOON) == Changes({"row": NOON - DAY}, [Period(price(2), NOON - DAY)])
    assert merge(before, [(NOON - 20 * DAY, price(2))], NOON) == Changes({"row": NOON}, [Period(price(2), NOON)])
    assert merge(before, [(None, price(2))], NOON) == Changes({"row": NOON}, [Period(price(2), NOON)])


def test_a_price_of_the_future_and_its_withdrawal() -> None:
    before = [Period(price(1), NOON - 9 * DAY, None, "row")]
    told = merge(before, [(None, price(1)), (NOON + DAY, price(2))], NOON)
    assert told == Changes({"row": NOON + DAY}, [Period(price(2), NOON + DAY)])
    after = stored(told.apply(before))
    assert price_at(after, NOON + 2 * DAY) == price(2)
    withdrawn = stored(merge(after, [(None, price(1))], NOON).apply(after))
    assert [price_at(withdrawn, NOON + day * DAY) for day in range(-3, 4)] == [price(1)] * 7


def test_a_price_that_is_no_longer_known_ends_now() -> None:
    before = [Period(price(1), NOON - 9 * DAY, None, "row")]
    assert merge(before, [], NOON) == Changes({"row": NOON}, [])


def test_the_source_does_not_matter() -> None:
    before = [Period(price(1), NOON - 9 * DAY, None, "row")]
    assert merge(before, [(NOON, price(1)._replace(source="another"))], NOON) == Changes({}, [])


MOMENTS = st.integers(-20, 20).map(lambda day: NOON + day * DAY)
PRICES = st.integers(1, 3).map(price)


@st.composite
def tables(draw: Any) -> list[tuple[datetime | None, Price]]:
    starts = sorted(draw(st.sets(MOMENTS, max_size=4)))
    first: list[datetime | None] = [None] if draw(st.booleans()) else []
    return [(start, draw(PRICES)) for start in [*first, *starts]]


@given(st.lists(tables(), max_size=6))
def test_any_history_of_tables(found: list[list[tuple[datetime | None, Price]]]) -> None:
    rows: list[Period] = []
    for number, wanted in enumerate(found):
        moment = NOON + timedelta(hours=number)
        changes = merge(rows, wanted, moment)
        after = stored(changes.apply(rows))
        assert [row[:2] for row in after[: len(rows)]] == [row[:2] for row in rows]  # only ends are written, once
        assert all(old.until in (None, new.until) for old, new in zip(rows, after, strict=False))
        table = merge([], wanted, moment).new
        begin = min((period.start for period in changes.new), default=moment)
        for day in range(-25, 26):
            at = NOON + day * DAY
            if at >= moment:
                assert price_at(table, at) in (None, price_at(after, at))
            elif rows and at < begin:
                assert price_at(after, at) == price_at(rows, at)
        assert not wanted or merge(after, wanted, moment + timedelta(minutes=1)) == Changes({}, [])
        rows = after


def made(table: str, **settings: Any) -> Driver:
    kind = openai_compatible(f"test_{table}", "http://127.0.0.1:1/v1")
    named = type("Named", (kind,), {"catalog_name": table, "requires_key": False})
    driver: Driver = named({"api_key": "k-2c9d8e7f6a5b4c3d", **settings}, env={})
    return driver


def flat(pricing: Any) -> dict[str, Any]:
    plain = msgspec.to_builtins(msgspec.structs.replace(pricing, source="", effective_date=None))
    return {name: Decimal(value) for name, value in plain.items() if isinstance(value, str) and name != "currency"}


@pytest.mark.parametrize("table", catalog.providers())
def test_every_table(table: str) -> None:
    driver = made(table)
    for entry in catalog.models(table):
        periods = merge([], read_prices(driver, entry.id), NOON).new
        days = {price.start for price in entry.history if price.start} | {date(2024, 1, 1), date(2026, 11, 27)}
        for day in days:
            at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            expected = entry.pricing_at(day)
            found = price_at(periods, at)
            if found is None:
                assert expected is None or not any(price.start for price in entry.history)  # known since it was read
            else:
                assert expected is not None
                usual = found.prices["usual"]
                assert {name: Decimal(usual[name]) for name in flat(expected)} == flat(expected)
                for variant, amounts in found.prices.get("variants", {}).items():
                    priced = entry.pricing_at(day, variant)
                    assert priced is not None
                    assert {name: Decimal(amounts[name]) for name in flat(priced)} == flat(priced)


def test_prices_of_the_settings_come_first() -> None:
    driver = made("openai", prices={"gpt-4o-mini": {"input": "7.50", "effective_date": "2026-05-01"}})
    (found,) = read_prices(driver, "gpt-4o-mini")
    assert found == (datetime(2026, 5, 1, tzinfo=UTC), Price({"usual": {"input": "7.5"}}, "USD", "configuration"))
    assert read_prices(driver, "a-model-nobody-knows") == []


def test_hours_with_prices_of_their_own() -> None:
    found = read_prices(made("azure"), "deepseek-v4-flash")
    assert [hours["from"] for hours in found[-1][1].prices["daily"]] == ["01:00", "06:00"]
