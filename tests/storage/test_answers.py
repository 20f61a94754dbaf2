"""Answers in the database, which all processes have in common, and the rows of those that are given again."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from tests.engine.caching.helpers import HOWS, ask

from polydriver import AI, AttemptFinished, ConfigurationError, MockDriver
from polydriver.config.storage import StorageConfig
from polydriver.storage import Storage
from polydriver.storage.answers import delete_answers, delete_expired
from polydriver.storage.deleting import delete_user
from polydriver.storage.tables import answers, attempts, calls


@pytest.fixture
def made() -> Iterator[Callable[..., tuple[Storage, MockDriver]]]:
    """Makes storages with a mock that keeps its answers there, and closes both."""
    opened: list[Any] = []

    def make(url: str, *replies: Any, cache: dict[str, Any] | None = None, **more: Any) -> tuple[Storage, MockDriver]:
        storage = Storage(StorageConfig(url=url, **{"ledger": "write-behind", "window": 0.0, **more}))
        given = {"enabled": True, "store": "database", "timeout": 60.0, **(cache or {})}
        driver = MockDriver(replies=list(replies), retry_attempts=1, cache=given)
        storage.attach(driver.connection)
        opened.extend((driver, storage))
        return storage, driver

    yield make
    for one in opened:
        one.close()


def count(storage: Storage) -> int:
    with storage.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(answers)).scalar_one())


@pytest.mark.parametrize("how", HOWS)
def test_another_process_is_given_the_answer(shared_url: str, made: Any, how: str) -> None:
    _, one = made(shared_url, "one, in some pieces that follow")
    first, chunks = ask(how, one)
    storage, other = made(shared_url, "two")
    again, repeated = ask(how, other)
    assert (first.cached, again.cached) == (False, True)
    assert (again.content, again.raw, again.usage) == (first.content, first.raw, first.usage)
    assert repeated == chunks
    assert count(storage) == 1


@pytest.mark.parametrize("how", HOWS)
def test_a_hit_has_a_row_that_cost_nothing(url: str, made: Any, how: str) -> None:
    storage, driver = made(url, "one")
    metadata = {"project": "blue", "user": "ann", "tags": ["a"], "customer": 42}
    paid = ask(how, driver, metadata=metadata)[0]
    ask(how, driver, metadata=metadata)
    assert storage.flush()
    with storage.database.read() as connection:
        sent, hit = [dict(row) for row in connection.execute(select(attempts).order_by(attempts.c.id)).mappings()]
        assert connection.execute(select(func.count()).select_from(calls)).scalar_one() == 2
    assert (sent["kind"], hit["kind"]) == ("attempt", "cached")
    assert sent["call_id"] != hit["call_id"]
    same = ("operation", "provider", "model", "project", "key", "user", "tags", "metadata", "number", "outcome")
    assert {name: sent[name] for name in same} == {name: hit[name] for name in same}
    assert (hit["cost"], hit["currency"], hit["input_tokens"], hit["may_be_billed"]) == (Decimal(0), "USD", None, False)
    (line,) = storage.costs("user")
    assert (line.attempts, line.calls, line.unpriced, line.cost) == (1, 2, 0, paid.cost.total)


def test_answers_grow_old_and_are_swept(url: str, made: Any) -> None:
    storage, driver = made(url, "one", "two")
    driver.send_message("Hi")
    with storage.database.write() as connection:
        expires = connection.execute(select(answers.c.expires_at)).scalar_one()
        connection.execute(update(answers).values(expires_at=expires.replace(year=2001)))
    assert driver.send_message("Hi").content == "two"
    with storage.database.write() as connection:
        connection.execute(update(answers).values(expires_at=expires.replace(year=2001)))
    assert delete_expired(storage.database) == 1
    assert count(storage) == 0


def test_what_was_not_used_for_longest_goes(url: str, made: Any) -> None:
    storage, driver = made(url, *(f"{number} " + "x" * 1000 for number in range(40)), cache={"max_bytes": 20_000})
    for number in range(40):
        driver.send_message(str(number))
    with storage.database.read() as connection:
        size = connection.execute(select(func.sum(answers.c.size))).scalar_one()
    assert 0 < size <= 24_000
    assert driver.send_message("39").cached


def test_answers_are_encrypted_where_there_is_a_key(url: str, made: Any) -> None:
    pytest.importorskip("cryptography")
    keys = tuple(_key() for _ in range(2))
    storage, driver = made(url, "a secret", "asked anew", encryption_keys=keys[:1])
    driver.send_message("Hi")
    with storage.database.read() as connection:
        row = connection.execute(select(answers)).one()
    assert row.sealed
    assert b"a secret" not in row.data
    assert driver.send_message("Hi").content == "a secret"
    _, stranger = made(url, "asked anew", encryption_keys=keys[1:])
    assert stranger.send_message("Hi").content == "asked anew"
    if url != "sqlite://":  # the other one has written it with its own key
        assert storage.reseal().answers == 1
        assert count(storage) == 0


def _key() -> Any:
    from polydriver.config import Secret

    return Secret(base64.b64encode(os.urandom(32)).decode())


def test_what_a_user_was_answered_is_deleted_with_the_user(url: str, made: Any) -> None:
    storage, driver = made(url, "one", "two")
    for user in ("ann", "bob"):
        driver.send_message("Hi", metadata={"user": user})
    assert delete_user(storage.database, "ann").answers == 1
    assert count(storage) == 1
    assert delete_answers(storage.database) == 1


def test_a_database_that_fails_costs_no_answer(tmp_path: Path, made: Any, caplog: pytest.LogCaptureFixture) -> None:
    storage, driver = made(f"sqlite:///{tmp_path}/ai.db", "one", "two", ledger="off")
    with storage.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE ai_answers")
    assert [driver.send_message("Hi").content for _ in range(2)] == ["one", "two"]
    assert "the provider" in caplog.text or "without the database" in caplog.text


def test_content_that_may_not_be_stored_is_not_kept_in_the_database(tmp_path: Path, made: Any) -> None:
    for forbidden in ({"content": False}, {"redact": str.upper}):
        with pytest.raises(ConfigurationError, match=r"storage\.content"):
            made(f"sqlite:///{tmp_path}/ai.db", **forbidden)


def test_a_store_needs_its_database() -> None:
    with pytest.raises(ConfigurationError, match=r"storage\.url"):
        AI({"providers": {"mock": {"cache": {"store": "database"}}}}).provider("mock")
    with MockDriver(cache={"enabled": True, "store": "database"}) as driver, pytest.raises(ConfigurationError):
        driver.send_message("Hi")


def test_models_and_valid_credentials_are_known_to_other_processes(shared_url: str, made: Any) -> None:
    cache = {"credentials_ttl": 100}
    _, one = made(shared_url, cache=cache)
    assert not one.validate_credentials().cached
    models = one.get_available_models(refresh=True)
    _, other = made(shared_url, cache=cache)
    events: list[Any] = []
    other.on(AttemptFinished, events.append)
    assert other.get_available_models() == models
    report = other.validate_credentials()
    assert (report.valid, report.cached, report.available_models) == (True, True, len(models))

    async def main() -> None:
        async with other.asynchronous() as provider:
            assert (await provider.validate_credentials()).cached
            assert await provider.get_available_models() == models

    asyncio.run(main())
    assert events == []
    other.get_available_models(refresh=True)
    assert len(events) == 1
