"""Processes that are killed at any moment: the ledger has a row for every request that the provider saw.

`python -m benchmarks.kills` does the same five hundred times.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from polydriver.storage import Database
from polydriver.storage.upgrading import upgrade

from .killing import Callers, StreamingProvider, kill_under_load, running_provider


@pytest.fixture
def provider() -> Iterator[StreamingProvider]:
    with running_provider() as server:
        yield server


def test_killed_under_load(shared_url: str, provider: StreamingProvider, tmp_path: Path) -> None:
    found = kill_under_load(shared_url, provider, tmp_path, kills=3)
    assert found.problems() == []
    assert found.requests > 3
    assert found.unsent <= 3 * 10


def test_terminated_or_ended_nothing_is_lost(
    shared_url: str, provider: StreamingProvider, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    database = open_database(shared_url)
    upgrade(database)
    with Callers(shared_url, provider, tmp_path / "log", ledger="write-behind") as callers:
        process = callers.start("one")
        provider.wait_for(40)
        assert callers.end(process, signal.SIGTERM) == -signal.SIGTERM
    with database.read() as connection:
        sent = connection.execute(text("SELECT count(*) FROM ai_attempts")).scalar_one()
    assert len(provider.seen()) <= sent <= len(provider.seen()) + 10
