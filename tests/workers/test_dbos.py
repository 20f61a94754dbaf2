"""Real workers of DBOS: killed and shut down; another continues, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.workers.dbos_worker import make_work
from tests.workers.provider import SECONDS, CountingProvider, wait_until

from polydriver import ConfigurationError
from polydriver.workers.dbos import DBOSWork, sqlite_suffices

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def environment(best_url: str, provider: CountingProvider) -> dict[str, str]:
    """What workers read."""
    return {"BULK_DATABASE": best_url, "BULK_PROVIDER": provider.base_url}


@pytest.fixture
def work(environment: dict[str, str]) -> Iterator[DBOSWork]:
    """The work, as who submits has it."""
    with make_work(environment) as found:
        yield found


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts workers, and kills those that are left at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def run(**more: str) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("dbos_worker.py")
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(script)], env={**os.environ, **environment, **more}, stdout=log, stderr=log
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait(SECONDS)


def test_another_worker_continues(work: DBOSWork, start: Start, provider: CountingProvider) -> None:
    first = start()
    plain: list[Any] = ["one", {"id": "two", "prompt": "two"}, "busy three", "bad four"]
    handles = [work.submit(item, job="night") for item in plain]
    outcomes = [handle.get_result(polling_interval_sec=0.1) for handle in handles]
    assert [outcome.get("content") for outcome in outcomes] == ["Re: one", "Re: two", "Re: busy three", None]
    assert outcomes[0]["usage"]["output_tokens"] == 4
    assert outcomes[0]["cost"]["total"]
    assert outcomes[1]["custom_id"] == "two"
    assert outcomes[3]["error"]["type"] == "OpenAIInvalidRequestError"

    held = [work.submit(f"hold {number}", job="night") for number in range(5)]
    wait_until(lambda: provider.running == 2, "the first worker is busy")
    second = start(BULK_GRACE="0.1")
    wait_until(lambda: provider.running == 4, "the second one as well")
    first.kill()
    first.wait(SECONDS)
    second.send_signal(signal.SIGTERM)
    assert second.wait(SECONDS) == 0
    start()
    wait_until(lambda: sum(provider.seen[f"hold {number}"] for number in range(5)) == 6, "a third one continues")
    provider.release.set()
    assert [handle.get_result(polling_interval_sec=0.1)["content"] for handle in held] == [
        f"Re: hold {number}" for number in range(5)
    ]
    assert sum(provider.seen[f"hold {number}"] for number in range(5)) <= 5 + 4

    seen = provider.seen.copy()
    again = [work.submit(item, job="night") for item in [*plain, "hold 0"]]
    assert [handle.get_result(polling_interval_sec=0.1).get("content") for handle in again] == [
        "Re: one", "Re: two", "Re: busy three", None, "Re: hold 0",
    ]  # fmt: skip
    assert provider.seen - seen == {"bad four": 1}


def test_a_database_in_memory_is_refused() -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ConfigurationError, match="share a database"):
            DBOSWork(url, {})


@pytest.mark.skipif(sqlite_suffices(), reason="this SQLite is new enough for DBOS")
def test_a_sqlite_that_is_too_old_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"SQLite 3\.42 or newer"):
        DBOSWork(f"sqlite:///{tmp_path}/bulk.sqlite", {})


@pytest.mark.skipif(not sqlite_suffices(), reason="this SQLite is too old for DBOS")
def test_items_are_kept_in_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bulk.sqlite"
    with DBOSWork(url, {}) as work:
        first = work.submit("Hi", job="night")
    with DBOSWork(url, {}) as work:
        assert work.submit("Hi", job="night").get_workflow_id() == first.get_workflow_id()


def test_what_is_not_plain_data_is_not_submitted(best_url: str) -> None:
    item: Any = {"prompt": object()}
    with DBOSWork(best_url, {}) as work, pytest.raises(ConfigurationError, match="plain"):
        work.submit(item, job="night")
