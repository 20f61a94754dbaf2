"""Budgets: money is reserved before a request, settled after it, and never exceeded over any number of processes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from polydriver import AI, AIError, BudgetExceededError, BudgetWarning, ConfigurationError, MockDriver, StorageError
from polydriver.config.budgets import BudgetConfig
from polydriver.config.storage import StorageConfig
from polydriver.drivers.mock.failures import FAILURES
from polydriver.engine.waiting import no_waiting
from polydriver.storage import Database, Storage
from polydriver.storage.budget_rows import free_expired
from polydriver.storage.budgets import Budgets
from polydriver.storage.upgrading import upgrade
from polydriver.testing.server import MockServer

USAGE = {"input_tokens": 3, "output_tokens": 1}
PRICES = {
    "call": {"per_request": "0.05", "input": 0, "output": 0},
    "tokens": {"input": 1, "output": 10},
    "free": {"input": 0, "output": 0},
}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("CRITICAL", logger="polydriver")
    with no_waiting():
        yield


def made(url: str, *budgets: BudgetConfig, replies: Any = (), **more: Any) -> tuple[Storage, MockDriver]:
    storage = Storage(StorageConfig(url=url, **{"window": 0.0, **more}), budgets)
    driver = MockDriver(replies=list(replies), default="fine", retry_attempts=2, chunk_size=8, prices=PRICES)
    storage.attach(driver.connection)
    return storage, driver


def budget(limit: Any = 1, **more: Any) -> BudgetConfig:
    return BudgetConfig(name="team", limit=Decimal(limit), **more)


def stands(storage: Storage) -> tuple[Decimal, Decimal]:
    """What is spent and reserved."""
    assert storage.flush()
    assert storage.budgets is not None
    (report,) = storage.budgets.report()
    return report.spent, report.reserved


@pytest.mark.parametrize("ledger", ["durable", "write-behind", "off"])
def test_exactly_as_many_calls_as_there_is_money_for(url: str, ledger: str) -> None:
    storage, driver = made(url, budget(period="day", time_zone="Asia/Tokyo"), ledger=ledger)
    for _ in range(20):
        driver.send_message("Hi", model="call")
    with pytest.raises(BudgetExceededError, match="1 USD a day, with 1 spent: too little") as caught:
        driver.send_message("Hi", model="call")
    with pytest.raises(BudgetExceededError), driver.send_streaming_message("Hi", model="call") as stream:
        next(stream)
    assert caught.value.details["estimate"] == "0.05"
    assert caught.value.retry_after is not None
    assert 0 <= caught.value.retry_after <= 86_400
    assert driver.send_message("Hi", model="free").content == "fine"
    assert len(driver.calls) == 21
    assert stands(storage) == (1, 0)
    storage.close()


async def test_many_at_once(url: str) -> None:
    storage, driver = made(url, budget())
    provider = driver.asynchronous()

    async def stream() -> None:
        async with provider.send_streaming_message("Hi", model="call") as answer:
            await answer.until_done()

    found = await asyncio.gather(
        *(stream() if number % 2 else provider.send_message("Hi", model="call") for number in range(60)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, BudgetExceededError) for result in found) == 40
    assert len(driver.calls) == 20
    assert stands(storage) == (1, 0)
    storage.close()


STEPS = st.lists(
    st.tuples(st.sampled_from(["send", "stream", "leave", "drop", "embed", "cancel"]), st.integers(0, 3)), max_size=8
)
REPLIES: list[Any] = ["an answer of some length", *({"error": word} for word in FAILURES)]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["durable", "write-behind"]), STEPS, st.lists(st.sampled_from(REPLIES), max_size=12))
def test_nothing_stays_reserved_and_what_is_spent_is_in_the_reports(mode: str, steps: Any, script: Any) -> None:
    storage, driver = made("sqlite://", budget("0.05"), replies=script, ledger=mode)
    refused: list[AIError] = []

    async def main() -> None:
        provider = driver.asynchronous()
        for step, take in steps:
            with contextlib.suppress(StopIteration, StopAsyncIteration, asyncio.CancelledError):
                try:
                    if step == "send":
                        driver.send_message("Hi", model="tokens")
                    elif step == "embed":
                        driver.embed("Hi", model="tokens")
                    elif step == "cancel":
                        task = asyncio.ensure_future(provider.send_message("Hi", model="tokens"))
                        for _ in range(take):
                            await asyncio.sleep(0)
                        task.cancel()
                        await task
                    elif step == "leave":
                        async with provider.send_streaming_message("Hi", model="tokens") as stream:
                            for _ in range(take):
                                await anext(stream)
                    else:
                        stream_ = driver.send_streaming_message("Hi", model="tokens")
                        for _ in range(take):
                            next(stream_)
                        if step == "stream":
                            stream_.until_done()
                        del stream_
                except AIError as error:
                    refused.append(error)

    asyncio.run(main())
    spent, reserved = stands(storage)
    assert reserved == 0
    with storage.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM ai_reservations")).scalar() == 0
        known, unknown = connection.execute(
            text(
                "SELECT coalesce(sum(cost), 0), coalesce(sum(CASE WHEN cost IS NULL AND may_be_billed "
                "THEN 1 ELSE 0 END), 0) FROM ai_attempts"
            )
        ).one()
    assert Decimal(int(known)) / 10**12 <= spent
    assert spent <= Decimal(int(known)) / 10**12 + unknown * Decimal("0.011")
    storage.close()


def test_who_falls_under_a_budget(url: str) -> None:
    budgets = [
        BudgetConfig(name="all", limit=Decimal(10)),
        BudgetConfig(name="mock", limit=Decimal(10), scope="connection", subject="mock"),
        BudgetConfig(name="other", limit=Decimal(10), scope="connection", subject="other"),
        BudgetConfig(name="blue", limit=Decimal(10), scope="project", subject="blue"),
        BudgetConfig(name="each", limit=Decimal("0.1"), scope="user", period="total"),
        BudgetConfig(name="tags", limit=Decimal(10), scope="tag", period="week"),
        BudgetConfig(name="key", limit=Decimal(10), scope="key", subject="k\0\ud800"),
    ]
    storage, driver = made(url, *budgets)
    driver.send_message("Hi", model="call", metadata={"project": "blue", "user": "ann", "tags": ["a", "b", "a"]})
    driver.send_message("Hi", model="call", metadata={"project": "red", "user": "ann", "key": "k\0\ud800"})
    driver.send_message("Hi", model="call", metadata={"user": "bob"})
    with pytest.raises(BudgetExceededError, match=r"'each' for user 'ann' has 0\.1 USD in all") as caught:
        driver.send_message("Hi", model="call", metadata={"project": "blue", "user": "ann"})
    assert caught.value.retry_after is None
    assert storage.flush()
    assert storage.budgets is not None
    found = {(report.name, report.subject): report.spent for report in storage.budgets.report()}
    assert found == {
        ("all", ""): Decimal("0.15"), ("mock", "mock"): Decimal("0.15"), ("other", "other"): 0,
        ("blue", "blue"): Decimal("0.05"), ("each", "ann"): Decimal("0.1"), ("each", "bob"): Decimal("0.05"),
        ("tags", "a"): Decimal("0.05"), ("tags", "b"): Decimal("0.05"), ("key", "k\0\ud800"): Decimal("0.05"),
    }  # fmt: skip
    assert all(report.reserved == 0 for report in storage.budgets.report())
    storage.close()


def test_the_estimate_is_replaced_by_the_cost(url: str) -> None:
    storage, driver = made(url, budget("0.0101"), replies=[{"content": "x", "usage": USAGE}])
    response = driver.send_message("Hi", model="tokens")
    assert response.cost is not None
    assert stands(storage) == (response.cost.total, 0)
    driver.send_message("Hi", model="tokens", max_tokens=10)
    with pytest.raises(BudgetExceededError):
        driver.send_message("Hi", model="tokens", max_tokens=1100)
    storage.close()


def test_what_failed_costs_nothing_and_what_may_have_been_billed_its_estimate(url: str) -> None:
    storage, driver = made(url, budget(), replies=[{"error": "server_error"}, "fine", {"error": "timeout"}, "fine"])
    driver.send_message("Hi", model="call")
    assert stands(storage) == (Decimal("0.05"), 0)
    driver.send_message("Hi", model="call")
    assert stands(storage) == (Decimal("0.15"), 0)
    storage.close()


@pytest.mark.parametrize("way", ["refuse", "allow", Decimal("0.4")])
def test_unknown_prices(url: str, way: Any) -> None:
    storage, driver = made(url, budget(unknown_price=way))
    if way == "refuse":
        with pytest.raises(BudgetExceededError, match="the price of 'new' in USD is not known"):
            driver.send_message("Hi", model="new")
        assert not driver.calls
    elif way == "allow":
        driver.send_message("Hi", model="new")
        assert stands(storage) == (0, 0)
    else:
        driver.send_message("Hi", model="new")
        driver.send_message("Hi", model="new")
        with pytest.raises(BudgetExceededError):
            driver.send_message("Hi", model="new")
        assert stands(storage) == (Decimal("0.8"), 0)
    storage.close()


def test_a_warning_at_each_part_once(url: str) -> None:
    storage, driver = made(url, budget(warn_at=(0.5, 0.8, 1.0)))
    told: list[BudgetWarning] = []
    driver.on(BudgetWarning, told.append)
    for _ in range(20):
        driver.send_message("Hi", model="call")
    with driver.send_streaming_message("Hi", model="free") as stream:
        stream.until_done()
    assert [(event.threshold, event.spent) for event in told] == [
        (0.5, Decimal("0.5")),
        (0.8, Decimal("0.8")),
        (1.0, Decimal(1)),
    ]
    assert (told[0].budget, told[0].limit, told[0].currency) == ("team", 1, "USD")
    storage.close()


async def test_a_stream_is_stopped_when_the_money_is_gone(url: str) -> None:
    storage, driver = made(url, budget("0.02", stop_streams=True), replies=["word " * 4000, "word " * 4000])
    with pytest.raises(BudgetExceededError, match="it was stopped") as caught:
        driver.send_streaming_message("Hi", model="tokens", max_tokens=500).until_done()
    partial = caught.value.partial
    assert partial is not None
    assert partial.content.startswith("word word")
    assert partial.cost is not None
    spent, reserved = stands(storage)
    assert (spent, reserved) == (partial.cost.total, 0)
    assert Decimal("0.004") < spent <= Decimal("0.02")
    left = Decimal("0.02") - spent
    tokens = int(left * 100_000) - 30
    if tokens > 0:
        with pytest.raises(BudgetExceededError):
            async with driver.asynchronous().send_streaming_message("Hi", model="tokens", max_tokens=tokens) as stream:
                await stream.until_done()
    spent, reserved = stands(storage)
    assert reserved == 0
    assert spent <= Decimal("0.021")
    storage.close()


@pytest.mark.parametrize("colour", ["blocking", "async"])
async def test_a_stream_that_was_stopped_is_not_gone_on_with(url: str, colour: str) -> None:
    storage, driver = made(url, budget("0.02", stop_streams=True), replies=["word " * 4000])
    other = MockDriver(default="and on it goes")
    options: dict[str, Any] = {"model": "tokens", "max_tokens": 500, "continue_with": other}

    async def read() -> None:
        if colour == "blocking":
            driver.send_streaming_message("Hi", **options).until_done()
        else:
            await driver.asynchronous().send_streaming_message("Hi", **options).until_done()

    with pytest.raises(BudgetExceededError, match="it was stopped"):
        await read()
    assert not other.calls
    storage.close()


def test_a_stream_goes_on_where_nobody_asks_to_stop_it(url: str) -> None:
    storage, driver = made(url, budget("0.02"), replies=["word " * 4000])
    response = driver.send_streaming_message("Hi", model="tokens", max_tokens=500).until_done()
    assert response.cost is not None
    assert stands(storage) == (response.cost.total, 0)
    storage.close()


def test_an_exhausted_budget_leads_to_the_next_target(tmp_path: Any) -> None:
    ai = AI(
        {
            "providers": {
                "dear": {"driver": "mock", "prices": PRICES, "fallback": ["cheap/free"]},
                "cheap": {"driver": "mock", "prices": PRICES},
            },
            "storage": {"url": f"sqlite:///{tmp_path}/ai.db"},
            "budgets": {"dear": {"limit": "0.05", "connection": "dear"}},
        },
        env={},
    )
    assert ai.provider("dear").send_message("Hi", model="call").provider == "dear"
    assert ai.provider("dear").send_message("Hi", model="call").provider == "cheap"
    ai.close()


def test_a_hold_whose_process_died_comes_back(shared_url: str, open_database: Callable[[str], Database]) -> None:
    upgrade(open_database(shared_url))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes requests, and answers none
        base = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        code = _CALLER.replace("range(25)", "range(1)")
        process = subprocess.Popen([sys.executable, "-c", code, shared_url, base, "0.05"], stdout=subprocess.PIPE)
        storage, driver = made(shared_url, budget("0.05"))
        while stands(storage) != (0, Decimal("0.05")):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with pytest.raises(BudgetExceededError, match=r"0 spent and 0\.05 held"):
        driver.send_message("Hi", model="call")
    with storage.database.write() as connection:
        connection.execute(text("UPDATE ai_reservations SET expires_at = 5"))
    driver.send_message("Hi", model="call")
    assert stands(storage) == (Decimal("0.05"), 0)
    storage.close()


def test_an_end_that_comes_after_its_hold_was_freed_counts_once(url: str) -> None:
    storage, driver = made(url, budget())
    with driver.send_streaming_message("Hi", model="call") as stream:
        next(stream)
        with storage.database.write() as connection:
            free_expired(connection, 2**62)
        assert stands(storage) == (0, 0)
        stream.until_done()
    assert stands(storage) == (Decimal("0.05"), 0)
    storage.close()


def test_a_living_process_renews_its_holds(url: str) -> None:
    storage, driver = made(url, budget())
    assert isinstance(storage.budgets, Budgets)
    with driver.send_streaming_message("Hi", model="call") as stream:
        next(stream)
        with storage.database.write() as connection:
            connection.execute(text("UPDATE ai_reservations SET expires_at = 5"))
        storage.budgets.keep_up()
        assert stands(storage) == (0, Decimal("0.05"))
    storage.close()


def test_a_database_that_fails(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    storage, driver = made(url, budget("0.05"), patience=0.05)
    holder = Database(url)
    with holder.write() as connection:
        connection.execute(text("CREATE TABLE held (a INTEGER)"))
        for _ in range(2):
            assert driver.send_message("Hi", model="call").content == "fine"
    assert stands(storage) == (Decimal("0.10"), 0)
    storage.close()
    refusing, driver = made(url, budget(10), patience=0.5, on_failure="refuse")
    with holder.write() as connection:
        connection.execute(text("INSERT INTO held VALUES (1)"))
        with pytest.raises(StorageError, match="nothing was sent"):
            driver.send_message("Hi", model="call")
    assert not driver.calls
    assert driver.send_message("Hi", model="call").content == "fine"
    assert stands(refusing) == (Decimal("0.15"), 0)
    refusing.close()
    holder.close()


_CALLER = """
import asyncio, sys
from polydriver import AI, BudgetExceededError
url, base, limit = sys.argv[1:]
prices = {"call": {"per_request": "0.05", "input": 0, "output": 0}}
ai = AI({"providers": {"local": {"driver": "openai", "base_url": base, "api_key": "x", "prices": prices}},
         "storage": {"url": url, "patience": 60}, "budgets": {"team": {"limit": limit}}}, env={})

async def main():
    provider = ai.asynchronous().provider("local")
    async def call(number):
        try:
            if number % 2:
                await provider.send_message("Hi", model="call")
            else:
                async with provider.send_streaming_message("Hi", model="call") as stream:
                    await stream.until_done()
        except BudgetExceededError:
            return 1
        return 0
    print(sum(await asyncio.gather(*(call(number) for number in range(25)))), flush=True)

asyncio.run(main())
ai.close()
"""


def test_eight_processes_spend_exactly_the_limit(shared_url: str, open_database: Callable[[str], Database]) -> None:
    upgrade(open_database(shared_url))
    driver = MockDriver({})
    with MockServer(driver) as base:
        command = [sys.executable, "-c", _CALLER, shared_url, base, "1.00"]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
        told = [process.communicate(timeout=120)[0] for process in processes]
    assert sum(map(int, told)) == 180
    assert len(driver.calls) == 20
    storage, _ = made(shared_url, budget())
    assert stands(storage) == (1, 0)
    storage.close()


def test_settings(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    tables = {"a": {"limit": 0.1, "user": "*", "warn_at": [1, 0.5], "unknown_price": "0.01"}, "b": {"limit": "7"}}
    found = AI({"budgets": tables, "storage": {"url": url}}, env={}).settings.budgets
    assert found == (
        BudgetConfig(
            name="a", limit=Decimal("0.1"), scope="user", warn_at=(0.5, 1.0), unknown_price=Decimal("0.01")
        ),
        BudgetConfig(name="b", limit=Decimal(7)),
    )  # fmt: skip
    wrong: list[tuple[Any, str]] = [
        ([1], "is not a table"),
        ({"a": 1}, "is not a table"),
        ({"a": {}}, "limit: is missing"),
        ({"a": {"limit": -1}}, "is not an amount"),
        ({"a": {"limit": "nan"}}, "is not an amount"),
        ({"a": {"limit": True}}, "is not an amount"),
        ({"a": {"limit": 1, "period": "year"}}, "is not one of day"),
        ({"a": {"limit": 1, "time_zone": "Mars/Base"}}, "IANA"),
        ({"a": {"limit": 1, "time_zone": "../etc"}}, "IANA"),
        ({"a": {"limit": 1, "warn_at": [2]}}, "parts of the limit"),
        ({"a": {"limit": 1, "user": "x", "project": "y"}}, "at once"),
        ({"a": {"limit": 1, "user": 3}}, "is not a name"),
        ({"a": {"limit": 1, "limt": 3}}, "limit"),
        ({"a": {"limit": 1, "unknown_price": "maybe"}}, "amount"),
        ({"a": {"limit": 1, "stop_streams": "yes"}}, "true nor false"),
        ({"a": {"limit": 1, "currency": "dollars"}}, "three letters"),
    ]
    for budgets, complaint in wrong:
        with pytest.raises(ConfigurationError, match=complaint):
            AI({"budgets": budgets, "storage": {"url": url}}, env={})
    with pytest.raises(ConfigurationError, match="need a database"):
        AI({"budgets": tables}, env={})
