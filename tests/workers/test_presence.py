"""A worker is there as long as its process, and nobody is told twice that it is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.servers import PostgresServer
from tests.workers.provider import wait_until

from polydriver import ConfigurationError
from polydriver.workers.presence import Presence, find_presence

HOLDER = """
import sys
from polydriver.workers.presence import find_presence
presence = find_presence(*sys.argv[1:])
presence.keep()
presence.keep()
print("there", flush=True)
sys.stdin.read()
"""


def finds_gone(presence: Presence, worker: str) -> bool:
    with presence.gone(worker) as is_gone:
        return bool(is_gone)


def test_a_killed_worker_is_gone_for_one_of_the_others(url: str) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, "first"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"there\n"
    second, third = find_presence(url, "second"), find_presence(url, "third")
    second.keep()
    third.keep()
    with second.gone("first") as is_gone, third.gone("second") as other, second.gone("never") as unknown:
        assert (is_gone, other, unknown) == (False, False, True)
    holder.kill()
    holder.communicate()
    wait_until(lambda: finds_gone(third, "first"), "the system has freed the lock")
    with second.gone("first") as is_gone:
        assert is_gone
        with third.gone("first") as told:
            assert not told
    assert finds_gone(third, "first")
    second.close()
    assert finds_gone(third, "second")
    third.close()


def test_a_lock_that_was_lost_is_taken_again(postgres: PostgresServer) -> None:
    import psycopg

    url = postgres.new_database()
    presence, other = find_presence(url, "first"), find_presence(url, "second")
    presence.keep()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
    with pytest.raises(psycopg.OperationalError):
        presence.keep()
    presence.keep()
    assert not finds_gone(other, "first")
    with pytest.raises(ConfigurationError, match="has the name first"):
        find_presence(url, "first").keep()
    presence.close()
    presence.close()


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite:///a%20b.sqlite?mode=rw", "a b.sqlite.workers"),
        ("sqlite+pysqlite:////tmp/x.sqlite", "/tmp/x.sqlite.workers"),
    ],
)
def test_the_locks_stand_beside_the_file(url: str, folder: str) -> None:
    assert Path(folder) == find_presence(url, "w")._folder  # type: ignore[attr-defined]
