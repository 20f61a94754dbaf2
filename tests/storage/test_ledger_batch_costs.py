"""What the batches of each provider cost stands in the ledger once, by however many they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.wires.operations.test_batches import MODELS, connect, each

from polydriver.config.storage import StorageConfig
from polydriver.storage import Storage
from polydriver.storage.tables import attempts
from polydriver.testing import MockServer

POLLERS = 4


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with MockServer() as url:
        yield url


@each
def test_whoever_polls_pays_once(name: str, mock: str, tmp_path: Path) -> None:
    maker: Any = connect(name, mock)
    batch = maker.create_batch(["1", "2", "3"], custom_ids=["a", "b", "c"], model=MODELS[name])
    maker.close()
    storage = Storage(StorageConfig(url=f"sqlite:///{tmp_path / 'ledger.db'}", ledger="durable"), [])
    ids = {batch.id, batch.id.rpartition("/")[2] if name in ("gemini", "vertexai", "fireworks") else batch.id}

    def poll(number: int) -> Any:
        driver: Any = connect(name, mock)
        storage.attach(driver.connection)
        try:
            return driver.get_batch_results(sorted(ids)[number % len(ids)])
        finally:
            driver.close()

    with ThreadPoolExecutor(POLLERS) as pool:
        found = list(pool.map(poll, range(POLLERS)))
    items = [item.response.cost.total for item in found[0].items if item.response is not None]
    storage.flush()
    with storage.database.read() as connection:
        rows = list(connection.execute(select(attempts).where(attempts.c.cost.is_not(None))).mappings())
    storage.close()
    assert {result.id for result in found} == {batch.id}
    assert [result.cost.total for result in found] == [sum(items)] * POLLERS
    told = {row["provider_request_id"]: row for row in rows if row["kind"] == "batch_item"}
    assert sorted(told) == ["a", "b", "c"], "a row for each item, and one only"
    assert sum(row["cost"] for row in rows) == sum(items)
    assert [told[name]["cost"] for name in ("a", "b", "c")] == items
    assert all(row["price_known"] and row["call_id"] for row in told.values())


def test_reports_count_what_was_sent_and_all_that_was_paid(mock: str, tmp_path: Path) -> None:
    maker: Any = connect("openai", mock)
    batch = maker.create_batch(["1", "2", "3"], custom_ids=["a", "b", "c"], model=MODELS["openai"])
    storage = Storage(StorageConfig(url=f"sqlite:///{tmp_path / 'ledger.db'}"), [])
    storage.attach(maker.connection)
    results = [maker.get_batch_results(batch.id) for _ in range(2)]
    maker.close()
    storage.flush()
    with storage.database.read() as connection:
        kinds = list(connection.execute(select(attempts.c.kind)).scalars())
    found = storage.costs("model")
    storage.close()
    assert kinds.count("batch_item") == 3
    assert sum(row.attempts for row in found) == kinds.count("attempt") > 0
    assert sum(row.cost for row in found) == results[0].cost.total
    told = [item.response.usage for item in results[0].items if item.response is not None]
    assert sum(row.input_tokens for row in found) == sum(usage.input_tokens for usage in told) > 0
