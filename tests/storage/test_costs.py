"""Reports of costs say the same as the rows of the ledger, from rollups and without, in every time zone."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, text, update

from polydriver import ConfigurationError, MockDriver
from polydriver.config.storage import StorageConfig
from polydriver.storage import Database, Storage, new_id
from polydriver.storage.costs import CostRow, read_costs
from polydriver.storage.repricing import PriceTable, reprice
from polydriver.storage.rolling import forget_day, roll_up
from polydriver.storage.tables import attempts, corrections, rolled_days

ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Havana", "Asia/Kolkata",
    "Asia/Kathmandu", "Asia/Tokyo", "Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Chatham", "Pacific/Apia",
    "Pacific/Kiritimati", "Pacific/Marquesas", "Africa/Cairo", "Asia/Beirut", "America/Sao_Paulo", "Asia/Tehran",
    "America/Nuuk",
)  # fmt: skip
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OCTOBER = {"since": date(2026, 10, 1), "until": date(2026, 10, 31)}


def fill(database: Database, seed: int = 1, count: int = 600) -> list[dict[str, Any]]:
    """Attempts from September to November, over the ends of summer time."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        started = datetime(2026, 9, 20, tzinfo=UTC) + timedelta(microseconds=chance.randrange(60 * 86_400_000_000))
        cost = Decimal(chance.randrange(1, 10**12)).scaleb(-12) if chance.random() < 0.9 else None
        rows.append(
            {
                "id": new_id(), "call_id": new_id(), "number": chance.choice([1, 1, 2]), "kind": "attempt",
                "operation": chance.choice(["chat", "embed"]), "provider": chance.choice(["openai", "anthropic"]),
                "model": chance.choice(["m", "n", "\0odd\ud800", None]), "started_at": started,
                "outcome": chance.choice(["success", "success", "failure", "refused"]), "cost": cost,
                "currency": None if cost is None else chance.choice(["USD", "USD", "EUR"]),
                "price_known": cost is not None, "input_tokens": chance.randrange(1000), "output_tokens": None,
                "user": chance.choice(["ann", "bob", None]), "project": chance.choice(["blue", None]),
                "tags": chance.choice([["a"], ["a", "b\ud800"], None]),
            }
        )  # fmt: skip
    with database.write() as connection:
        connection.execute(insert(attempts), rows)
    return [row for row in rows if row["outcome"] != "refused"]


def sums(rows: list[CostRow]) -> dict[Any, Any]:
    return {
        (*row.group.values(), row.currency): (row.cost, row.attempts, row.unpriced, row.input_tokens) for row in rows
    }


def expected(rows: list[dict[str, Any]], by: Callable[[dict[str, Any]], tuple[Any, ...]]) -> dict[Any, Any]:
    found: dict[Any, dict[Any, list[Any]]] = {}
    for row in rows:
        line = found.setdefault(by(row), {}).setdefault(row["currency"], [Decimal(0), 0, 0, 0])
        line[0] += row["cost"] or 0
        line[1] += 1
        line[2] += not row["price_known"]
        line[3] += row["input_tokens"]
    lines: dict[Any, Any] = {}
    for key, by_currency in found.items():
        free = by_currency.pop(None, None)
        if free is not None:
            into = "USD" if not by_currency else next(name for name in by_currency)
            base = by_currency.setdefault(into, [Decimal(0), 0, 0, 0])
            by_currency[into] = [a + b for a, b in zip(base, free, strict=True)]
        lines |= {(*key, currency): tuple(line) for currency, line in by_currency.items()}
    return lines


def of_day(zone: ZoneInfo, row: dict[str, Any]) -> tuple[str]:
    return (row["started_at"].astimezone(zone).date().isoformat(),)


@pytest.mark.parametrize("is_rolled", [True, False])
def test_by_day_in_twenty_time_zones(database: Database, is_rolled: bool) -> None:
    rows = [row for row in fill(database) if row["currency"] != "EUR"]
    with database.write() as connection:
        connection.execute(text("UPDATE ai_attempts SET outcome = 'refused' WHERE currency = 'EUR'"))
    if is_rolled:
        assert roll_up(database, NOW) == 60
        assert roll_up(database, NOW) == 0
    now = NOW if is_rolled else datetime(2026, 9, 1, tzinfo=UTC)
    for name in ZONES:
        zone = ZoneInfo(name)
        october = [row for row in rows if row["started_at"].astimezone(zone).strftime("%Y-%m") == "2026-10"]
        found = read_costs(database, ("day",), time_zone=name, now=now, **OCTOBER)
        assert sums(found) == expected(october, partial(of_day, zone))
        (month,) = read_costs(database, ("month",), time_zone=name, now=now, **OCTOBER)
        (total,) = read_costs(database, (), time_zone=name, now=now, **OCTOBER)
        assert month.group == {"month": "2026-10"}
        assert sum(line.cost for line in found) == month.cost == total.cost
        assert sum(line.attempts for line in found) == month.attempts == total.attempts == len(october)


@pytest.mark.parametrize("is_rolled", [True, False])
def test_by_everything_else(database: Database, is_rolled: bool) -> None:
    rows = fill(database)
    if is_rolled:
        roll_up(database, NOW)
    for name in ("provider", "model", "operation", "project", "user"):
        found = sums(read_costs(database, (name,), now=NOW))
        wanted = expected(rows, lambda row, name=name: (row[name],))  # type: ignore[misc]
        assert sum(value[0] for value in found.values()) == sum(value[0] for value in wanted.values())
        assert {key[0] for key in found} == {key[0] for key in wanted}
        assert sum(value[1] for value in found.values()) == len(rows)
    both = read_costs(database, ("provider", "user"), now=NOW, only={"user": "ann", "project": "blue"})
    assert {line.group["user"] for line in both} == {"ann"}
    chosen = [row for row in rows if row["user"] == "ann" and row["project"] == "blue"]
    assert sum(line.attempts for line in both) == len(chosen)
    by_tag = read_costs(database, ("tag",), now=NOW)
    counted = {line.group["tag"]: 0 for line in by_tag}
    for line in by_tag:
        counted[line.group["tag"]] += line.attempts
    assert counted == {
        "a": sum(row["tags"] is not None for row in rows),
        "b\ud800": sum(row["tags"] == ["a", "b\ud800"] for row in rows),
        None: sum(row["tags"] is None for row in rows),
    }
    only_b = read_costs(database, (), now=NOW, only={"tag": "b\ud800"})
    assert sum(line.attempts for line in only_b) == counted["b\ud800"]
    assert sum(line.calls for line in read_costs(database, (), now=NOW)) == sum(row["number"] == 1 for row in rows)


def test_what_is_changed_later_is_summed_up_anew(database: Database) -> None:
    fill(database, count=50)
    before = sums(read_costs(database, (), now=NOW))
    with database.write() as connection:
        wanted = select(attempts.c.id, attempts.c.started_at).where(attempts.c.currency == "USD")
        id, started = connection.execute(wanted.where(attempts.c.outcome == "success")).first() or ("", NOW)
        connection.execute(update(attempts).where(attempts.c.id == id).values(cost=Decimal(50)))
    assert sums(read_costs(database, (), now=NOW)) == before
    with database.write() as connection:
        forget_day(connection, started.replace(hour=0, minute=0, second=0, microsecond=0))
    assert sums(read_costs(database, (), now=NOW))[("USD",)][0] > 50


def test_rows_that_waited_for_a_failing_database_are_summed_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    storage = Storage(StorageConfig(url=url, patience=0.05))
    driver = MockDriver(default="fine", prices={"m": {"input": 1, "output": 3}})
    storage.attach(driver.connection)
    driver.send_message("Hi", model="m")
    holder = Database(url)
    with holder.write() as connection:
        connection.execute(text("CREATE TABLE held (a INTEGER)"))
        driver.send_message("Hi", model="m")
    assert storage.flush()
    later = datetime.now(UTC) + timedelta(days=3)
    assert roll_up(holder, later) > 0
    with holder.write() as connection:
        connection.execute(text("INSERT INTO held VALUES (1)"))
        driver.send_message("Hi", model="m")
    assert storage.flush()
    assert [line.attempts for line in read_costs(holder, (), now=later)] == [3]
    holder.close()
    storage.close()


def test_a_day_with_an_attempt_under_way_is_not_rolled_up(database: Database) -> None:
    fill(database, count=50)
    with database.write() as connection:
        connection.execute(text("UPDATE ai_attempts SET outcome = NULL"))
    assert roll_up(database, NOW) == 60 - len(set(_days(database)))
    assert sum(line.attempts for line in read_costs(database, (), now=NOW)) == 50


def _days(database: Database) -> list[date]:
    with database.read() as connection:
        return [moment.date() for moment in connection.execute(select(attempts.c.started_at)).scalars()]


def test_the_report_of_a_storage(url: str) -> None:
    storage = Storage(StorageConfig(url=url, ledger="write-behind", window=60.0))
    driver = MockDriver(default="fine", prices={"m": {"input": 1, "output": 3}})
    storage.attach(driver.connection)
    response = driver.send_message("Hi", model="m", metadata={"user": "ann"})
    chat = driver.send_message("Hi", model="new")
    assert response.cost is not None
    assert chat.cost is None
    found = {line.group["model"]: line for line in storage.costs("model", "user")}
    assert (found["m"].cost, found["m"].group["user"], found["m"].unpriced) == (response.cost.total, "ann", 0)
    assert (found["new"].cost, found["new"].unpriced) == (0, 1)
    assert storage.costs("conversation", user="bob") == []
    with pytest.raises(ConfigurationError, match="cannot be by 'colour'"):
        storage.costs("colour")
    with pytest.raises(ConfigurationError, match="not a time zone"):
        storage.costs(time_zone="Mars")
    storage.close()


def test_repricing(url: str) -> None:
    storage = Storage(StorageConfig(url=url))
    driver = MockDriver(default="fine", prices={"known": {"input": 1, "output": 3}})
    storage.attach(driver.connection)
    for model in ("new", "new", "other", "known"):
        driver.send_message("Hi", model=model)
    driver.send_message("Hi", model="new", service_tier="priority")
    prices = {"new": {"input": 2, "output": 4}, "known": {"input": 10, "output": 30}}

    def table(name: str) -> PriceTable | None:
        return PriceTable(name="mock", overrides=prices) if name == "mock" else None

    dry = reprice(storage.database, table, write=False)
    report = reprice(storage.database, table)
    assert (dry.priced, dry.added) == (report.priced, report.added)
    assert (report.looked_at, report.priced, report.changed) == (4, 2, 0)
    assert report.unknown == {"mock/other": 1, "mock/new": 1}  # what was asked for at another tier is not guessed
    again = reprice(storage.database, table)
    assert (again.priced, again.changed, again.added) == (0, 0, {})
    (line,) = storage.costs(model="new")
    assert line.cost == report.added["USD"]
    assert line.unpriced == 1
    every = reprice(storage.database, table, every=True)
    assert (every.priced, every.changed) == (0, 1)
    assert reprice(storage.database, table, every=True).changed == 0
    with storage.database.read() as connection:
        assert len(connection.execute(select(corrections)).all()) == 3
        unchanged = connection.execute(select(attempts.c.price_known).where(attempts.c.model == "new")).scalars()
        assert not any(unchanged)
    storage.close()


def test_repricing_an_old_day_corrects_its_rollup(database: Database) -> None:
    fill(database, count=200)
    usage = '{"input_tokens": 100, "output_tokens": 0}'
    with database.write() as connection:
        connection.execute(text("UPDATE ai_attempts SET usage = :usage, model = 'new'"), {"usage": usage})
    before = sums(read_costs(database, (), now=NOW))
    prices = PriceTable(name="mock", overrides={"new": {"input": 10000, "output": 0}})
    report = reprice(database, lambda name: prices)
    assert report.priced > 0
    after = sums(read_costs(database, (), now=NOW))
    assert after[("USD",)][0] - before[("USD",)][0] == report.priced
    with database.read() as connection:
        assert len(connection.execute(select(rolled_days)).all()) == 60
