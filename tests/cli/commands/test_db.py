"""`polydriver db`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.helpers import run, write_settings

from polydriver import AI
from polydriver.storage.upgrading import newest_version


def test_upgrade_current_check(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    missing = run("db", "check", "--url", url)
    assert missing.exit_code == 1
    assert "polydriver db upgrade" in missing.output
    assert f"version {newest_version()} (before: None)" in run("db", "upgrade", "--url", url).output
    assert "already" in run("db", "upgrade", "--url", url).output
    assert f"version {newest_version()}, the newest" in run("db", "current", "--url", url).output
    checked = run("db", "check", "--url", url)
    assert checked.exit_code == 0
    assert "as they should be" in checked.output


def test_the_database_of_the_settings(tmp_path: Path) -> None:
    path = write_settings(tmp_path, 'driver = "mock"', f'[storage]\nurl = "sqlite:///{tmp_path}/of_settings.db"')
    assert "of_settings.db" in run("--config", path, "db", "upgrade").output


def test_cleaning(tmp_path: Path) -> None:
    key = "ab" * 32
    storage = f'[storage]\nurl = "sqlite:///{tmp_path}/ai.db"\nkeep_attempts = 30\nencryption_keys = ["{key}"]'
    path = write_settings(tmp_path, 'driver = "mock"', storage)
    with AI(path) as ai:
        ai.conversation(provider="m").model("m").user("ann").send("Hi")
    assert "encrypted: 0 conversations" in run("--config", path, "db", "reseal").output
    assert "0 attempts" in run("--config", path, "db", "vacuum").output
    assert run("--config", path, "db", "delete-user", "ann", input="n\n").exit_code != 0
    told = run("--config", path, "db", "delete-user", "ann", "--yes").output
    assert "deleted: 1 conversations, 2 messages" in told
    assert "2 rows of the ledger are nobody's now" in told
    assert key not in run("--config", path, "config").output


def test_without_a_database() -> None:
    result = run("db", "current")
    assert result.exit_code != 0
    assert "storage.url" in result.output
    assert run("db", "current", "--url", "mysql://a:secret@b/c").exit_code != 0
    assert "secret" not in run("db", "current", "--url", "mysql://a:secret@b/c").output


def test_answers_that_are_kept(tmp_path: Path) -> None:
    storage = f'[storage]\nurl = "sqlite:///{tmp_path}/ai.db"'
    cache = '[providers.m.cache]\nstore = "database"\ntimeout = 60'
    path = write_settings(tmp_path, 'driver = "mock"', cache, storage)
    for options, count in ((["--cache"], 1), ([], 0), (["--no-cache"], 0)):
        asked = run("--config", path, "ask", *options, "Hi")
        assert asked.exit_code == 0, asked.output
        assert f"deleted: {count} answers of the cache" in run("--config", path, "db", "clear-cache").output


def test_an_option_says_the_form_of_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/ai.db"
    run("db", "upgrade", "--url", url)
    assert run("db", "export", "--url", url).exit_code == 2
    for arguments, name in (
        (["--parquet"], "attempts.parquet"),
        (["--parquet", "a"], "a"),
        (["--csv"], "attempts.csv"),
    ):
        assert f"0 attempts in {name}" in run("db", "export", *arguments, "--url", url).output
        assert (tmp_path / name).read_bytes().startswith(b"PAR1") is ("--parquet" in arguments)
