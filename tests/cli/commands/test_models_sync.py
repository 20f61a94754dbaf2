"""`polydriver models sync`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.helpers import KEY, on_terminal, run, write_settings

from polydriver.storage import Database
from polydriver.storage.models import StoredModels

MOCK = 'driver = "mock"\nmodels = ["a", "b"]'
DEAD = f'[providers.dead]\ndriver = "openai"\napi_key = "{KEY}"\nbase_url = "http://127.0.0.1:1/v1"\nretry_attempts = 1'


@pytest.fixture(autouse=True)
def without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def storage(folder: Path) -> str:
    return f'[storage]\nurl = "sqlite:///{folder}/ai.db"'


def test_all_is_well_and_then_fresh(tmp_path: Path) -> None:
    path = write_settings(tmp_path, MOCK, storage(tmp_path))
    first = run("--config", path, "models", "sync")
    assert first.exit_code == 0
    assert "m\tok\t2\t0\t0\t0\t" in first.output
    second = run("--config", path, "models", "sync")
    assert second.exit_code == 0
    assert "m\tfresh\t0\t0\t0\t2\t" in second.output
    write_settings(tmp_path, 'driver = "mock"\nmodels = ["a"]', storage(tmp_path))
    dry = run("--config", path, "models", "sync", "--provider", "m", "--force", "--dry-run")
    assert "m\tok\t0\t0\t1\t1\t" in dry.output
    assert "nothing was kept" in dry.output
    forced = run("models", "--config", path, "sync", "--force", "--json")
    report = json.loads(forced.output)["m"]
    assert (report["status"], report["deactivated"], report["unchanged"]) == ("success", ["b"], ["a"])
    database = Database(f"sqlite:///{tmp_path}/ai.db")
    assert [record.model for record in StoredModels(database, lambda: None).list("m")] == ["a"]
    database.close()


def test_one_failure_never_stops_the_others(tmp_path: Path) -> None:
    path = write_settings(tmp_path, MOCK, DEAD, storage(tmp_path))
    result = run("--config", path, "models", "sync")
    assert result.exit_code == 2
    assert "m\tok\t2" in result.output
    assert "dead\tfailed\t0\t0\t0\t0\tThe connection failed" in result.output
    assert run("--config", path, "models", "sync", "-p", "dead").exit_code == 1
    assert run("--config", path, "models", "sync", "-p", "dead", "-p", "m").exit_code == 2  # one is fresh
    assert run("--config", path, "models", "sync", "-p", "m").exit_code == 0
    unknown = run("--config", path, "models", "sync", "-p", "nobody")
    assert unknown.exit_code == 1
    assert "nobody" in unknown.output


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    result = run("--config", write_settings(tmp_path, MOCK), "models", "sync")
    assert result.exit_code == 1
    assert "storage.url" in result.output
    (tmp_path / "empty.toml").write_text(storage(tmp_path))
    empty = run("--config", tmp_path / "empty.toml", "models", "sync")
    assert empty.exit_code == 1
    assert "no connection" in empty.output


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    path = write_settings(tmp_path, MOCK, DEAD, storage(tmp_path))
    with on_terminal("--config", path, "models", "sync", folder=tmp_path) as terminal:
        terminal.wait_for("syncing models")
        assert terminal.end() == 2
        assert "deactivated" in terminal.screen
        assert "failed" in terminal.screen


def test_models_of_a_connection_are_listed_as_before(tmp_path: Path) -> None:
    path = write_settings(tmp_path, MOCK, "[providers.sync]\n" + MOCK)
    for arguments in (("m",), ("list", "m"), ("--filter", "a", "m"), ("-v", "m"), ("list", "sync"), ()):
        result = run("--config", path, "models", *arguments)
        assert result.exit_code == 0
        assert "\na\t" in result.output
    assert "sync" in run("models", "--help").output
    assert run("models", "--nonsense").exit_code == 2
