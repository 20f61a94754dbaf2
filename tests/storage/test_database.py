"""Connections: they rest until somebody asks, and belong to the process that made them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text

from polydriver import StorageError
from polydriver.storage import Database
from polydriver.storage.privacy import Privacy, privacy_of

Open = Callable[[str], Database]


def _count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM ai_counted")).scalar_one())


def _add(database: Database, name: str) -> None:
    with database.write() as connection:
        connection.execute(text(f"INSERT INTO ai_counted VALUES ('{name}', 'x', 1, NULL)"))


def _add_and(database: Database, then: str) -> float:
    with database.write() as connection:
        connection.execute(text("INSERT INTO ai_counted VALUES ('a', 'x', 1, NULL)"))
        connection.execute(text(then))
        return 1 / 0


def test_what_is_raised_undoes_a_transaction_and_the_next_one_begins_anew(database: Database) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            _add_and(database, "SELECT 1")
        with pytest.raises(StorageError, match="ai_nothing"):
            _add_and(database, "SELECT * FROM ai_nothing")
        assert _count(database) == 0
    _add(database, "a")
    assert _count(database) == 1


def test_more_threads_than_connections(database: Database) -> None:
    begun = threading.Barrier(20)

    def work(number: int) -> None:
        begun.wait(30)
        _add(database, str(number))
        _count(database)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(database) == 20
    database.vacuum()
    database.close()
    if not database.in_memory:
        assert _count(database) == 20  # they are made anew


def test_connections_at_rest_take_over_new_rules(database: Database) -> None:
    _count(database)
    rules = database.privacy = Privacy(stores=False)
    with database.read() as connection:
        assert privacy_of(connection) is rules


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_leaves_the_connections_of_its_parent_alone(shared_url: str, open_database: Open) -> None:
    from polydriver.storage.upgrading import upgrade

    database = open_database(shared_url)
    upgrade(database)
    _add(database, "parent")
    with database.read() as connection:  # one that is in use
        assert connection.execute(text("SELECT 1")).scalar() == 1
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _add(database, "child")
                code = 0 if _count(database) == 2 else 2
                database.close()
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert connection.execute(text("SELECT 1")).scalar() == 1
    assert _count(database) == 2
    _add(database, "after")
    assert _count(database) == 3
