"""The models of connections in a database, as syncs find them, over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from polydriver import AI, AsyncAI, ModelsSynced, SyncReport
from polydriver.config.storage import StorageConfig
from polydriver.data.http import Simulated
from polydriver.drivers import driver_class
from polydriver.engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from polydriver.storage import Database, Storage
from polydriver.storage.models import StoredModels
from polydriver.storage.price_periods import BEGINNING


class Lists:
    """A provider on whose list of models the tests decide: pages of records, or a status."""

    def __init__(self, storage: Storage | None, **settings: Any) -> None:
        self.pages: list[list[dict[str, Any]]] = [[]]
        self.status = 200
        self.asked = 0
        given = {"api_key": "sk-ant-4f8a2c9d7e6b5a3c", "retry_attempts": 1, **settings}
        self.driver = driver_class("anthropic")(given, name="lists", env={}, transport=self._transport)
        if storage is not None:
            storage.attach(self.driver.connection)

    def _transport(self, kind: str, config: Any) -> Any:
        return (SimulatedTransport if kind == "blocking" else AsyncSimulatedTransport)(
            lambda request: self.answer(request)
        )

    def answer(self, request: Any) -> Simulated:
        self.asked += 1
        after = request.url.partition("after_id=")[2].partition("&")[0]
        number = int(after.removeprefix("page-")) if after else 0
        page = self.pages[number]
        more = number + 1 < len(self.pages)
        reply = {"data": page, "has_more": more, "last_id": f"page-{number + 1}"}
        return Simulated(status=self.status, headers={"content-type": "application/json"},
                         chunks=[json.dumps(reply).encode()])  # fmt: skip

    def lists(self, *names: str, **more: Any) -> None:
        self.pages = [[{"id": name, "type": "model", **more} for name in names]]


@pytest.fixture
def storage(url: str) -> Any:
    made = Storage(StorageConfig(url=url))
    yield made
    made.close()


def known(models: StoredModels) -> dict[str, bool]:
    return {record.model: record.active for record in models.list("lists", active=None)}


def changes(report: SyncReport) -> tuple[list[str], list[str], list[str], list[str]]:
    assert report.status == "success"
    return report.added, report.updated, report.deactivated, report.unchanged


def test_added_updated_deactivated_unchanged(storage: Storage) -> None:
    provider = Lists(storage)
    told: list[ModelsSynced] = []
    provider.driver.on(ModelsSynced, told.append)
    provider.pages = [[{"id": "a", "display_name": "A"}], [{"id": "b"}], [{"id": "claude-opus-4-6"}]]
    first = provider.driver.sync_models()
    assert changes(first) == (["a", "b", "claude-opus-4-6"], [], [], [])
    assert provider.asked == 3
    provider.pages = [[{"id": "a", "display_name": "Another\0"}, {"id": "claude-opus-4-6"}, {"id": "d\0"}]]
    second = provider.driver.sync_models(force=True)
    assert changes(second) == (["d\0"], ["a"], ["b"], ["claude-opus-4-6"])
    assert known(storage.models) == {"a": True, "b": False, "claude-opus-4-6": True, "d\0": True}
    provider.lists("a", "b")
    third = provider.driver.sync_models(force=True)
    assert changes(third) == ([], ["a", "b"], ["claude-opus-4-6", "d\0"], [])
    (gone,) = (record for record in storage.models.list(active=False) if record.model == "d\0")
    assert gone.deactivated_at == third.synced_at
    assert gone.first_seen_at == gone.last_seen_at == second.synced_at
    found = [(change.kind, change.changes) for change in storage.models.changes("lists", "b")]
    assert found == [("added", None), ("deactivated", None), ("reactivated", None)]
    assert storage.models.changes("lists", "a")[1].changes == {"name": ["A", "Another\0"]}
    assert [event.report for event in told] == [first, second, third]


def test_capabilities_and_prices_come_from_the_table(storage: Storage) -> None:
    provider = Lists(storage, prices={"ours": {"input": "2.50", "output": "10"}})
    provider.lists("claude-opus-4-6", "ours", "nobody-knows")
    provider.driver.sync_models()
    opus, nobody, _ = storage.models.list("lists")
    assert (opus.type, opus.context_length) == ("chat", provider.driver.get_model("claude-opus-4-6").context_length)
    assert opus.facts is not None
    assert opus.facts["supports_function_calling"] is True
    assert storage.models.prices("lists", nobody.model) == []
    (ours,) = storage.models.prices("lists", "ours")
    assert ours.prices == {"usual": {"input": "2.5", "output": "10"}}
    periods = storage.models.prices("lists", "claude-opus-4-6")
    assert [period.effective_from for period in periods][:2] == [BEGINNING, datetime(2026, 3, 13, tzinfo=UTC)]
    assert [period.effective_until for period in periods] == [
        *(period.effective_from for period in periods[1:]),
        None,
    ]
    assert "batch" in periods[-1].prices["variants"]
    assert storage.models.price_at("lists", "claude-opus-4-6", datetime(2026, 1, 1, tzinfo=UTC)) == periods[0]
    assert storage.models.price_at("lists", "claude-opus-4-6") == periods[-1]


def test_prices_have_a_history(storage: Storage) -> None:
    moments = []
    for price in ("2.5", "2.50", "3"):
        provider = Lists(storage, prices={"ours": {"input": price}})
        provider.lists("ours")
        report = provider.driver.sync_models(force=True)
        moments.append((report.synced_at, report.updated))
    assert [updated for _, updated in moments] == [[], [], ["ours"]]
    first, second = storage.models.prices("lists", "ours")
    assert (first.prices, second.prices) == ({"usual": {"input": "2.5"}}, {"usual": {"input": "3"}})
    assert (first.effective_from, first.effective_until) == (moments[0][0], moments[2][0])
    assert (second.effective_from, second.effective_until) == (moments[2][0], None)
    assert [change.kind for change in storage.models.changes("lists")] == ["added"]


def test_fresh_is_skipped(url: str, storage: Storage) -> None:
    provider = Lists(storage)
    provider.lists("a")
    first = provider.driver.sync_models()
    other = Lists(storage)
    assert other.driver.sync_models() == SyncReport(status="skipped", unchanged=["a"], synced_at=first.synced_at)
    assert other.asked == 0
    eager = Lists(storage, sync_ttl=0)
    eager.lists("a")
    assert eager.driver.sync_models().status == "success"
    with storage.database.write() as connection:
        connection.execute(text("UPDATE ai_providers SET synced_at = synced_at - 43200000000"))
    other.lists("a")
    assert other.driver.sync_models().status == "success"
    with storage.database.write() as connection:
        connection.execute(text("UPDATE ai_providers SET synced_at = synced_at + 31536000000000"))
    assert other.driver.sync_models().status == "success"  # of a machine whose clock was wrong


def test_another_driver_under_the_name_is_not_fresh(storage: Storage) -> None:
    provider = Lists(storage)
    provider.lists("a")
    provider.driver.sync_models()
    mock = driver_class("mock")({"models": ["x"]}, name="lists", env={})
    storage.attach(mock.connection)
    assert mock.sync_models().added == ["x"]


def test_a_dry_run_keeps_nothing(storage: Storage) -> None:
    provider = Lists(storage)
    told: list[ModelsSynced] = []
    provider.driver.on(ModelsSynced, told.append)
    provider.lists("a", "b")
    report = provider.driver.sync_models(dry_run=True)
    assert (report.status, report.added, report.dry_run) == ("success", ["a", "b"], True)
    assert known(storage.models) == {}
    assert told == []
    assert provider.driver.sync_models().added == ["a", "b"]
    assert provider.driver.sync_models(dry_run=True).status == "skipped"
    provider.lists("a")
    assert provider.driver.sync_models(force=True, dry_run=True).deactivated == ["b"]
    assert known(storage.models) == {"a": True, "b": True}


def test_an_empty_list_changes_nothing(storage: Storage) -> None:
    provider = Lists(storage)
    provider.lists("a", "b")
    first = provider.driver.sync_models()
    provider.lists()
    report = provider.driver.sync_models(force=True)
    assert (report.status, report.kept) == ("error", ["a", "b"])
    assert "listed no models at all" in str(report.error)
    assert known(storage.models) == {"a": True, "b": True}
    assert provider.driver.sync_models().synced_at == first.synced_at


def test_a_list_that_ends_early_adds_only(storage: Storage) -> None:
    provider = Lists(storage)
    provider.lists("a", "b", "c")
    first = provider.driver.sync_models()
    provider.pages = [[{"id": "a", "display_name": "A"}], [{"id": "d"}], []]
    reply = json.dumps({"data": [{"id": "d"}], "has_more": True, "last_id": "page-1"}).encode()
    honest = provider.answer

    def stuck(request: Any) -> Simulated:
        answer = honest(request)
        return Simulated(headers=answer.headers, chunks=[reply]) if "page-1" in request.url else answer

    provider.answer = stuck  # type: ignore[method-assign]
    report = provider.driver.sync_models(force=True)
    assert changes(report) == (["d"], ["a"], [], [])
    assert report.kept == ["b", "c"]
    assert "ends early" in report.warnings[0]
    assert known(storage.models) == dict.fromkeys("abcd", True)
    assert provider.driver.sync_models().synced_at == first.synced_at  # it does not count as a sync


def test_most_models_vanish_only_when_two_lists_say_so(storage: Storage) -> None:
    provider = Lists(storage)
    names = [f"m{number}" for number in range(10)]
    provider.lists(*names)
    provider.driver.sync_models()
    provider.lists(*names[:4])
    doubted = provider.driver.sync_models(force=True)
    assert (doubted.status, doubted.deactivated, doubted.kept) == ("success", [], names[4:])
    assert "6 of 10 models" in doubted.warnings[0]
    assert all(known(storage.models).values())
    confirmed = provider.driver.sync_models(force=True)
    assert (confirmed.deactivated, confirmed.kept, confirmed.warnings) == (names[4:], [], [])
    provider.lists(*names)
    assert provider.driver.sync_models(force=True).updated == names[4:]
    provider.lists(*names[:5])
    assert provider.driver.sync_models(force=True).deactivated == names[5:]  # a half is believed


def test_a_failure_keeps_everything(storage: Storage) -> None:
    provider = Lists(storage)
    provider.lists("a")
    provider.driver.sync_models()
    provider.status = 500
    report = provider.driver.sync_models(force=True)
    assert report.status == "error"
    assert known(storage.models) == {"a": True}


def test_a_list_that_another_sync_overtook_is_left_out(storage: Storage) -> None:
    slow, quick = Lists(storage), Lists(storage)
    slow.lists("a")
    honest = slow.answer

    def overtaken(request: Any) -> Simulated:
        quick.lists("a", "b")
        assert quick.driver.sync_models(force=True).added == ["a", "b"]
        return honest(request)

    slow.answer = overtaken  # type: ignore[method-assign]
    report = slow.driver.sync_models(force=True)
    assert (report.status, report.unchanged) == ("skipped", ["a", "b"])
    assert known(storage.models) == {"a": True, "b": True}


async def test_async(storage: Storage) -> None:
    providers = [Lists(storage) for _ in range(8)]
    for provider in providers:
        provider.lists("a", "b")
    reports = await asyncio.gather(*(provider.driver.asynchronous().sync_models(force=True) for provider in providers))
    assert {report.status for report in reports} <= {"success", "skipped"}
    assert sorted(name for report in reports for name in report.added) == ["a", "b"]
    assert known(storage.models) == {"a": True, "b": True}


def test_services_without_a_list_have_that_of_the_table(storage: Storage) -> None:
    provider = driver_class("perplexity")({"api_key": "pplx-8f7e6d5c4b3a2918"}, env={})
    storage.attach(provider.connection)
    report = provider.sync_models()
    assert (report.status, report.source) == ("success", "catalog")
    assert "sonar" in report.added
    assert storage.models.price_at("perplexity", "sonar") is not None
    unknown = driver_class("jina")({"api_key": "jina_8f7e6d5c4b3a2918"}, env={})
    storage.attach(unknown.connection)
    skipped = unknown.sync_models()
    assert (skipped.status, skipped.added) == ("skipped", [])
    assert "does not list its models" in skipped.warnings[0]


def test_a_database_that_fails_is_told() -> None:
    storage = Storage(StorageConfig(url="postgresql://me:secret@127.0.0.1:1/x", patience=0.2))
    provider = Lists(storage)
    provider.lists("a")
    report = provider.driver.sync_models()
    assert report.status == "error"
    assert "database" in str(report.error)
    assert "secret" not in str(report.error)


_SYNC = """
import sys
from polydriver import AI
url, models = sys.argv[1], sys.argv[2].split(",")
ai = AI({"providers": {"mock": {"models": models}}, "storage": {"url": url, "patience": 30}}, env={})
ai.provider("mock")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3):
    report = ai.provider("mock").sync_models(force=True)
    assert report.status != "error", report
    print(" ".join(report.added), flush=True)
"""


def test_eight_processes(shared_url: str, open_database: Callable[[str], Database]) -> None:
    names = [f"model-{number}" for number in range(100)]
    command = [sys.executable, "-c", _SYNC, shared_url, ",".join(names)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    results = [process.communicate("go\n")[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert sorted(" ".join(results).split()) == sorted(names)  # each was added by one of them
    stored = StoredModels(open_database(shared_url), lambda: None)
    assert sorted(record.model for record in stored.list("mock")) == sorted(names)
    assert len(stored.changes("mock")) == len(names)
    assert len(stored.prices("mock", "model-1")) <= 1


NAMES = st.lists(st.sampled_from([f"m{number}" for number in range(16)]), unique=True, max_size=16)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(NAMES, st.sampled_from(["A", "B", "C"])), max_size=6))
def test_random_lists_are_the_same_in_memory_and_in_a_database(steps: list[tuple[list[str], str]]) -> None:
    storage = Storage(StorageConfig(url="sqlite://"))
    here, there = Lists(None), Lists(storage)
    active: set[str] = set()
    for names, title in steps:
        for provider in (here, there):
            provider.lists(*names, display_name=title)
        report = here.driver.sync_models(force=True)
        other = there.driver.sync_models(force=True)
        assert changes_of(report) == changes_of(other)
        if report.status == "success":
            assert {*report.added, *report.updated, *report.unchanged} == set(names)
            active = {*names, *report.kept}
        else:
            assert not names
        assert {record.model for record in storage.models.list("lists")} == active
    storage.close()


def changes_of(report: SyncReport) -> Any:
    return report.status, report.added, report.updated, report.deactivated, report.unchanged, report.kept


class TestManager:
    SETTINGS: ClassVar[dict[str, Any]] = {
        "providers": {
            "one": {"driver": "mock", "models": ["a"]},
            "two": {"driver": "mock", "models": ["b", "c"]},
            "pool": {"targets": ["one", "two"]},
            "gone": {"driver": "openai", "api_key": "sk-4f8a2c9d7e6b5a3c4f8a2c9d", "base_url": "http://127.0.0.1:1/v1",
                     "retry_attempts": 1},
            "wrong": {"driver": "nobody"},
            "broken": {"driver": "broken"},
        }
    }  # fmt: skip

    @staticmethod
    def broken(config: Any) -> Any:
        raise RuntimeError("no such thing")

    def check(self, reports: dict[str, SyncReport], told: list[tuple[str, SyncReport | None]]) -> None:
        assert {name: report.status for name, report in reports.items()} == {
            "broken": "error", "gone": "error", "one": "success", "pool": "success", "two": "success", "wrong": "error",
        }  # fmt: skip
        assert reports["one"] is reports["pool"]
        assert reports["two"].added == ["b", "c"]
        assert "RuntimeError" in str(reports["broken"].error)
        assert sorted(name for name, report in told if report is None) == ["broken", "gone", "one", "two", "wrong"]
        assert sorted(name for name, report in told if report) == ["broken", "gone", "one", "two", "wrong"]

    def test_blocking(self, url: str) -> None:
        told: list[Any] = []
        with AI({**self.SETTINGS, "storage": {"url": url}}, env={}) as ai:
            ai.extend("broken", self.broken)
            self.check(ai.sync_models(on_progress=lambda *step: told.append(step)), told)
            assert ai.sync_models(["two"])["two"].status == "skipped"
            assert ai.sync_models(["two"], force=True, dry_run=True)["two"].unchanged == ["b", "c"]
            assert ai.storage is not None
            assert [record.model for record in ai.storage.models.list()] == ["a", "b", "c"]
            ai.storage.close()

    async def test_async(self, url: str) -> None:
        told: list[Any] = []
        async with AsyncAI({**self.SETTINGS, "storage": {"url": url}}, env={}) as ai:
            ai.extend("broken", self.broken)
            self.check(await ai.sync_models(on_progress=lambda *step: told.append(step)), told)
            assert (await ai.sync_models(["two"]))["two"].status == "skipped"
            assert ai.storage is not None
            await asyncio.to_thread(ai.storage.close)


def test_ages() -> None:
    from polydriver.engine.syncing import LastSync

    now = datetime(2026, 6, 1, tzinfo=UTC)
    last = LastSync(at=now, driver="mock", active=[])
    assert last.is_fresh(now + timedelta(seconds=9), "mock", 10)
    assert not last.is_fresh(now + timedelta(seconds=10), "mock", 10)
    assert last.overtakes(now - timedelta(seconds=1), now)
    assert not last.overtakes(now, now)
    assert not last.overtakes(now - timedelta(days=2), now - timedelta(days=1))
