"""Real Celery workers over a real Redis: killed, shut down, refused for a while; every item is answered, and once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import redis
from sqlalchemy import text
from tests.workers.provider import SECONDS, CountingProvider, wait_until

from polydriver import ConfigurationError
from polydriver.storage import Database

FOLDER = Path(__file__).parent
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def environment(redis_url: str, provider: CountingProvider, tmp_path: Path) -> dict[str, str]:
    """What the app reads."""
    database = f"sqlite:///{tmp_path}/ledger.db"
    return {"BULK_REDIS": redis_url, "BULK_PROVIDER": provider.base_url, "BULK_DATABASE": database}


@pytest.fixture
def bulk(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The app, as who submits has it."""
    import importlib

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("bulk_app")
    yield module
    module.app.backend.result_consumer.stop()
    module.app.backend.client.connection_pool.disconnect()
    module.app.close()
    del sys.modules["bulk_app"]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts workers, and kills those that are left at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def run(pool: str, concurrency: int, **more: str) -> subprocess.Popen[bytes]:
        alone = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-n", f"w{len(started)}@here")
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "bulk_app",
            "worker",
            "-P",
            pool,
            "-c",
            str(concurrency),
            *alone,
        ]
        path = os.pathsep.join([str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])])
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env={**os.environ, **environment, **more, "PYTHONPATH": path}, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and its children, all at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(SECONDS)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes of a worker's pool."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    return [int(number) for number in listed.split()]


def test_killed_workers_lose_nothing(bulk: ModuleType, start: Start, provider: CountingProvider) -> None:
    with ThreadPoolExecutor(1) as pool, closing(redis.Redis.from_url(os.environ["BULK_REDIS"])) as client:
        waiting = pool.submit(list, bulk.work.outcomes(["lost"], job="night", quiet=5.0))
        wait_until(lambda: client.llen("celery") == 1, "it is submitted")
        client.delete("celery")
        first = start("prefork", 2)
        assert [outcome["content"] for outcome in waiting.result(SECONDS)] == ["Re: lost"]

    def seen() -> dict[str, int]:
        """The requests by item, but for the lost one: while no worker is up, it is submitted every five seconds."""
        return {name: count for name, count in provider.seen.items() if name != "lost"}

    plain = ["one", {"id": "two", "messages": [{"role": "user", "content": "two"}]}, "busy three", "bad four"]
    results = [bulk.work.submit(item, job="night") for item in plain]
    outcomes = [result.get(timeout=SECONDS) for result in results]
    assert [outcome.get("content") for outcome in outcomes] == ["Re: one", "Re: two", "Re: busy three", None]
    assert outcomes[0]["usage"]["output_tokens"] == 4
    assert outcomes[0]["cost"]["total"]
    assert outcomes[1]["custom_id"] == "two"
    assert outcomes[3]["error"]["type"] == "OpenAIInvalidRequestError"
    assert seen() == {"one": 1, "two": 1, "busy three": 2, "bad four": 1}

    held = [bulk.work.submit(f"hold {number}", job="night") for number in range(6)]
    wait_until(lambda: provider.running == 2, "both children are at work")
    os.kill(children(first)[0], signal.SIGKILL)  # a child alone: its item is handed out again at once
    wait_until(lambda: sum(seen().values()) == 8, "a new child has the item")
    kill(first)
    second = start("prefork", 2, BULK_VISIBILITY="0.1")
    wait_until(lambda: sum(seen().values()) >= 10, "another worker has taken over")
    provider.release.set()
    assert [result.get(timeout=SECONDS)["content"] for result in held] == [f"Re: hold {n}" for n in range(6)]
    sent = [provider.seen[f"hold {number}"] for number in range(6)]
    assert sum(sent) <= 6 + 1 + 2

    again = [bulk.work.submit(item, job="night") for item in [*plain, *(f"hold {number}" for number in range(6))]]
    assert len([result.get(timeout=SECONDS) for result in again]) == 10
    assert [provider.seen[name] for name in ("one", "two", "busy three")] == [1, 1, 2]
    assert [provider.seen[f"hold {number}"] for number in range(6)] == sent
    kill(second)


def test_a_worker_that_shuts_down_drains(
    bulk: ModuleType, start: Start, provider: CountingProvider, environment: dict[str, str]
) -> None:
    first = start("prefork", 2, BULK_GRACE="0.1")
    results = [bulk.work.submit(f"hold {number}", job="night") for number in range(2)]
    wait_until(lambda: provider.running == 2, "both items are at work")
    first.send_signal(signal.SIGTERM)
    assert first.wait(SECONDS) == 0
    assert [result.state for result in results] == ["PENDING", "PENDING"]

    second = start("threads", 2)
    wait_until(lambda: provider.seen.total() == 4, "another worker has them")
    second.send_signal(signal.SIGTERM)
    provider.release.set()
    assert second.wait(SECONDS) == 0
    assert [result.get(timeout=SECONDS)["content"] for result in results] == ["Re: hold 0", "Re: hold 1"]
    assert provider.seen.total() == 4
    assert count_attempts(environment["BULK_DATABASE"]) == 4


def count_attempts(url: str) -> int:
    """The rows of the ledger that have an end."""
    database = Database(url)
    with database.read() as connection:
        ended = connection.execute(text("SELECT count(*) FROM ai_attempts WHERE outcome IS NOT NULL")).scalar_one()
    database.close()
    return int(ended)


def test_an_app_without_a_result_backend_is_refused() -> None:
    from celery import Celery

    from polydriver.workers.celery import CeleryWork

    with pytest.raises(ConfigurationError, match="result backend"):
        CeleryWork(Celery("bulk"), {})


def test_what_is_not_plain_data_is_not_submitted(bulk: ModuleType) -> None:
    item: Any = {"prompt": object()}
    with pytest.raises(ConfigurationError, match="plain data"):
        bulk.work.submit(item, job="night")
