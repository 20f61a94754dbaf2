"""Tables are made once, by whoever comes first, and nothing of the application's is touched."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from polydriver import ConfigurationError, StorageError
from polydriver.storage import Database
from polydriver.storage.costs import read_costs
from polydriver.storage.tables import METADATA
from polydriver.storage.upgrading import VERSION_TABLE, check, current_version, newest_version, require_current, upgrade

Open = Callable[[str], Database]


def test_upgrade(url: str, open_database: Open) -> None:
    database = open_database(url)
    assert current_version(database) is None
    assert check(database) == ["there are no tables yet: run `polydriver db upgrade`"]
    with pytest.raises(ConfigurationError, match="polydriver db upgrade"):
        require_current(database, upgrades=False)
    assert upgrade(database) == (None, newest_version())
    assert upgrade(database) == (newest_version(), newest_version())
    assert check(database) == []
    require_current(database, upgrades=False)
    with database.read() as connection:
        assert set(inspect(connection).get_table_names()) == {*METADATA.tables, VERSION_TABLE}


def test_tables_of_the_application_stay(url: str, open_database: Open) -> None:
    database = open_database(url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
        connection.execute(text("CREATE TABLE users (id INTEGER PRIMARY KEY)"))
    upgrade(database)
    assert check(database) == []
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "theirs"


def test_a_difference_is_told(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("DROP INDEX ai_calls_by_time"))
        connection.execute(text("DROP TABLE ai_corrections"))
    assert any("ai_corrections" in line for line in check(database))


def test_a_newer_database_is_left_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    require_current(database, upgrades=True)
    assert upgrade(database) == ("9999", "9999")
    assert check(database) == []


_UPGRADE = """
import sys
from polydriver.storage import Database
from polydriver.storage.upgrading import upgrade
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
upgrade(database)
"""


def test_an_older_database_keeps_its_rows(url: str, open_database: Open) -> None:
    database = open_database(url)
    upgrade(database, to="0001")
    assert check(database) == [
        f"the tables have version 0001, the newest is {newest_version()}: run `polydriver db upgrade`"
    ]
    with pytest.raises(ConfigurationError, match="too old"):
        require_current(database, upgrades=False)
    old = (
        "INSERT INTO ai_attempts (id, call_id, number, kind, operation, provider, started_at, outcome, cost, currency) "
        "VALUES ('a', 'c', 1, 'attempt', 'chat', 'openai', 1, 'success', 5000000000000, 'USD')"
    )
    with database.write() as connection:
        connection.execute(text(old))
    assert upgrade(database) == ("0001", newest_version())
    assert check(database) == []
    (line,) = read_costs(database)
    assert (line.group["provider"], line.cost) == ("openai", 5)
    with database.write() as connection:  # what the version before does
        connection.execute(text(old.replace("'a'", "'b'")))


@pytest.mark.parametrize("before", [None, "0001"])
def test_eight_processes_and_one_is_killed(shared_url: str, open_database: Open, before: str | None) -> None:
    if before is not None:
        upgrade(open_database(shared_url), to=before)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _UPGRADE, shared_url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(8)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    processes[0].send_signal(signal.SIGKILL)
    results = [process.communicate() for process in processes]
    assert [(process.returncode, error) for process, (_, error) in zip(processes[1:], results[1:], strict=True)] == [
        (0, "")
    ] * 7
    database = open_database(shared_url)
    assert check(database) == []


def test_addresses(tmp_path: Path) -> None:
    for url in ("nonsense", "mysql://a:secret@b/c", f"sqlite:///{tmp_path}/absent/ai.db", "://:secret@h"):
        with pytest.raises(ConfigurationError) as caught:
            Database(url)
        assert "secret" not in str(caught.value)
    database = Database("postgresql://me:secret@127.0.0.1:1/none", patience=1)
    with pytest.raises(StorageError) as failed, database.read():
        pass
    assert "secret" not in str(failed.value)
    assert failed.value.retryable
    assert "secret" not in database.address
