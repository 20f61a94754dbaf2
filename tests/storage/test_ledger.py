"""Every attempt that reached the wire has one row, whatever happens to it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from polydriver import AI, AIError, AttemptFinished, ConfigurationError, MockDriver, StorageError
from polydriver.config.storage import StorageConfig
from polydriver.drivers.mock.failures import FAILURES
from polydriver.engine.waiting import no_waiting
from polydriver.storage import Database, Storage
from polydriver.storage.sweeping import sweep
from polydriver.storage.tables import attempts, calls
from polydriver.storage.writer import Row, Statement

MODES = ["durable", "write-behind"]
REPLIES: list[Any] = ["an answer of some length", *({"error": word} for word in FAILURES)]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("CRITICAL", logger="polydriver")
    with no_waiting():
        yield


def rows(storage: Storage) -> list[dict[str, Any]]:
    assert storage.flush()
    with storage.database.read() as connection:
        return [dict(row) for row in connection.execute(select(attempts).order_by(attempts.c.id)).mappings()]


def made(url: str, mode: Any, *replies: Any, **more: Any) -> tuple[Storage, MockDriver]:
    storage = Storage(StorageConfig(url=url, ledger=mode, window=more.pop("window", 0.0), **more))
    prices = {"m": {"input": "0.000001", "output": "3"}}
    driver = MockDriver(replies=list(replies), default="fine", retry_attempts=2, chunk_size=4, prices=prices)
    storage.attach(driver.connection)
    return storage, driver


@pytest.mark.parametrize("mode", MODES)
def test_an_answer(url: str, mode: str) -> None:
    storage, driver = made(url, mode, {"error": "server_error"}, "hello")
    metadata = {"project": "blue", "user": "ann\0", "tags": ["a", "\ud800"], "customer": 42}
    response = driver.send_message("Hi", model="m", metadata=metadata)
    first, second = rows(storage)
    assert (first["outcome"], first["error"], first["status"]) == ("failure", "MockServerError", 500)
    assert second["outcome"] == "success"
    assert response.cost is not None
    assert second["cost"] == response.cost.total
    assert second["price_known"]
    assert response.usage is not None
    assert second["input_tokens"] == response.usage.input_tokens
    assert [row["number"] for row in (first, second)] == [1, 2]
    assert (second["project"], second["user"], second["tags"]) == ("blue", "ann\0", ["a", "\ud800"])
    assert second["metadata"] == {"customer": 42}
    with storage.database.read() as connection:
        (call,) = connection.execute(select(calls)).mappings().all()
    assert call["id"] == first["call_id"] == second["call_id"]
    assert (call["operation"], call["user"]) == ("chat", "ann\0")
    storage.close()


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_async(url: str, mode: str) -> None:
    storage, driver = made(url, mode)
    provider = driver.asynchronous()
    await asyncio.gather(*(provider.send_message("Hi", model="m") for _ in range(20)))
    assert [row["outcome"] for row in rows(storage)] == ["success"] * 20
    storage.close()


def test_who_and_which_conversation(url: str) -> None:
    storage, driver = made(url, "durable")
    ours, theirs = "conv_" + "a" * 32, "an id of the application, which is long and has\0odd\ud800 letters"
    for id in (ours, theirs, theirs + "!", "short"):
        driver.send_message("Hi", model="m", user="ann", conversation_id=id)
    driver.send_message("Hi", model="m", user="an id for the provider", metadata={"user": "bob"})
    found = rows(storage)
    assert [row["user"] for row in found] == ["ann"] * 4 + ["bob"]
    keys = [row["conversation_id"] for row in found]
    assert (keys[0], keys[3], keys[4]) == ("a" * 32, "short", None)
    assert len(set(keys)) == 5
    assert [line.attempts for line in storage.costs(conversation=theirs)] == [1]
    assert storage.costs("conversation", conversation=ours)[0].group == {"conversation": "a" * 32}
    storage.close()


def test_the_cost_of_one_token_survives(url: str) -> None:
    storage, driver = made(url, "durable", {"content": "x", "usage": {"input_tokens": 1, "output_tokens": 0}})
    driver.send_message("Hi", model="m")
    assert rows(storage)[0]["cost"] == Decimal("0.000000000001")
    storage.close()


STEPS = st.lists(
    st.tuples(st.sampled_from(["send", "stream", "leave", "drop", "embed", "cancel"]), st.integers(0, 3)), max_size=6
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(MODES), STEPS, st.lists(st.sampled_from(REPLIES), max_size=12))
def test_random_programs_have_a_row_for_each_attempt(mode: str, steps: list[Any], script: list[Any]) -> None:
    storage, driver = made("sqlite://", mode, *script, window=0.01)
    told: list[AttemptFinished] = []
    driver.on(AttemptFinished, told.append)

    async def main() -> None:
        provider = driver.asynchronous()
        for step, take in steps:
            with contextlib.suppress(AIError, StopIteration, StopAsyncIteration, asyncio.CancelledError):
                if step == "send":
                    driver.send_message("Hi", model="m")
                elif step == "embed":
                    driver.embed("Hi", model="m")
                elif step == "cancel":
                    task = asyncio.ensure_future(provider.send_message("Hi", model="m"))
                    for _ in range(take):
                        await asyncio.sleep(0)
                    task.cancel()
                    await task
                elif step == "leave":
                    async with provider.send_streaming_message("Hi", model="m") as stream:
                        for _ in range(take):
                            await anext(stream)
                else:
                    stream_ = driver.send_streaming_message("Hi", model="m")
                    for _ in range(take):
                        next(stream_)
                    if step == "stream":
                        stream_.until_done()
                    del stream_
        gc.collect()

    asyncio.run(main())
    found = [row for row in rows(storage) if row["outcome"] != "refused"]
    expected = Counter((event.attempt.outcome, event.attempt.cost and event.attempt.cost.total) for event in told)
    assert Counter((row["outcome"], row["cost"]) for row in found) == expected
    storage.close()


def test_what_is_left_of_a_dead_process_becomes_unknown(url: str) -> None:
    storage, driver = made(url, "durable")
    driver.send_message("Hi there", model="m", max_tokens=100)
    with storage.database.write() as connection:
        connection.execute(text("UPDATE ai_attempts SET outcome = NULL, cost = NULL, expires_at = 5000000"))
    assert sweep(storage.database, now=4.0) == 0
    assert sweep(storage.database, now=6.0) == 1
    assert sweep(storage.database, now=6.0) == 0
    (row,) = rows(storage)
    assert (row["outcome"], row["estimated"], row["may_be_billed"]) == ("unknown", True, True)
    assert row["cost"] == Decimal("0.0003") + Decimal(row["input_tokens"]) / 10**12
    storage.close()


def test_a_database_that_fails_never_costs_an_answer(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    storage, driver = made(url, "durable", patience=0.05)
    holder = Database(url)
    with holder.write() as connection:
        connection.execute(text("CREATE TABLE held (a INTEGER)"))
        assert driver.send_message("Hi", model="m").content == "fine"
        with driver.send_streaming_message("Hi", model="m") as stream:
            assert stream.until_done().content == "fine"
    assert [row["outcome"] for row in rows(storage)] == ["success", "success"]
    storage.close()
    refusing, driver = made(url, "durable", patience=0.5, on_failure="refuse")
    with holder.write() as connection:
        connection.execute(text("INSERT INTO held VALUES (1)"))
        with pytest.raises(StorageError, match="database"):
            driver.send_message("Hi", model="m")
    assert driver.send_message("Hi", model="m").content == "fine"
    assert [row["outcome"] for row in rows(refusing)][2:] == ["refused", "success"]
    refusing.close()
    holder.close()


def test_an_absent_server_is_needed_for_nothing(caplog: pytest.LogCaptureFixture) -> None:
    config = StorageConfig(url="postgresql://me:secret@127.0.0.1:1/x", patience=0.2)
    storage = Storage(config)
    driver = MockDriver(default="fine")
    storage.attach(driver.connection)
    assert driver.send_message("Hi", model="m").content == "fine"
    with pytest.raises(StorageError):
        Storage(StorageConfig(url="postgresql://me:secret@127.0.0.1:1/x", patience=0.2, on_failure="refuse"))


@pytest.mark.parametrize("mode", MODES)
def test_many_threads(shared_url: str, mode: str) -> None:
    storage, driver = made(shared_url, mode)
    threads = [
        threading.Thread(target=lambda: [driver.send_message("Hi", model="m") for _ in range(25)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(storage)) == 200
    storage.close()


def test_a_full_group_is_written_before_its_window_is_over(shared_url: str) -> None:
    storage = Storage(StorageConfig(url=shared_url, ledger="write-behind", window=3600.0))
    add = Statement(1, "INSERT INTO ai_counted (name, counted_by, counted_at) VALUES (?, 'x', 0)")
    for number in range(2500):
        storage.writer.put(Row(add, lambda number=number: (str(number),)))  # type: ignore[misc]
    give_up = time.monotonic() + 60.0
    while (written := count(storage)) < 1000:
        assert time.monotonic() < give_up
    assert written <= 2500
    assert storage.flush()
    assert count(storage) == 2500
    storage.close()


def count(storage: Storage) -> int:
    with storage.database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM ai_counted")).scalar_one())


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("polydriver.storage")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ConfigurationError, match="pip install"):
        assert AI({"storage": {"url": "sqlite://"}}, env={}).storage


def test_settings(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    with AI({"providers": {"mock": {}}, "storage": {"url": url, "ledger": "write-behind"}}, env={}) as ai:
        ai.provider("mock").send_message("Hi", model="m")
    database = Database(url)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM ai_attempts")).scalar() == 1
    database.close()
    for wrong in ({"url": 5}, {"ledger": "no"}, {"urll": "x"}, {"patience": -1}, [1]):
        with pytest.raises(AIError, match="storage"):
            AI({"storage": wrong}, env={})
    assert json.dumps(url)
