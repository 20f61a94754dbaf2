"""The writer: a caller that waits writes for itself where it can, in the order in which all was handed in."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from polydriver import StorageError
from polydriver.storage import Database
from polydriver.storage.writer import Row, Statement, Work, Writer

_SECONDS = 60.0
_ADD = Statement(1, "INSERT INTO ai_counted (name, counted_by, counted_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    writer = Writer(database, window=_SECONDS)  # no test waits for its end
    yield writer
    writer.close(_SECONDS)


def _row(name: str) -> Row:
    return Row(_ADD, lambda: (name, "x", 1))


def _names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT name FROM ai_counted ORDER BY name")).scalars())


def _thread(_connection: Connection) -> int:
    return threading.get_ident()


def test_who_waits_writes_for_itself_while_the_thread_rests(writer: Writer) -> None:
    writer.wait_blocking(_row("a"), _SECONDS)
    assert _names(writer.database) == ["a"]
    assert writer.do_blocking(Work(_thread), _SECONDS) == threading.get_ident()
    assert writer.flush(_SECONDS)
    assert writer.do_blocking(Work(_thread), _SECONDS) == threading.get_ident()
    found = asyncio.run(writer.do_async(Work(_thread), _SECONDS))
    assert found != threading.get_ident()


def test_what_was_handed_in_before_is_written_before(writer: Writer) -> None:
    seen: list[list[str]] = []

    def look(connection: Connection) -> None:
        seen.append(list(connection.execute(text("SELECT name FROM ai_counted ORDER BY name")).scalars()))

    for name in ("a", "b", "c"):
        writer.put(_row(name))
        writer.do_blocking(Work(look), _SECONDS)
    assert seen == [["a"], ["a", "b"], ["a", "b", "c"]]


def test_what_a_work_raises_is_raised_to_who_waits(writer: Writer) -> None:
    def refuse(connection: Connection) -> None:
        connection.execute(text("INSERT INTO ai_counted VALUES ('refused', 'x', 1, NULL)"))
        raise LookupError("no")

    writer.put(_row("a"))
    for _ in range(2):
        with pytest.raises(LookupError):
            writer.do_blocking(Work(refuse), _SECONDS)
    assert _names(writer.database) == ["a"]


def test_a_row_that_is_refused_harms_no_other(writer: Writer) -> None:
    writer.put(_row("a"))
    with pytest.raises(StorageError):
        writer.wait_blocking(Row(_ADD, lambda: ("b", None, 1)), _SECONDS)
    writer.wait_blocking(_row("c"), _SECONDS)
    assert _names(writer.database) == ["a", "c"]
    assert writer.lost == 1


def test_ctrl_c_while_writing_loses_nothing_and_holds_nothing(writer: Writer) -> None:
    presses = iter([True])

    def interrupted(connection: Connection) -> int:
        connection.execute(text("INSERT INTO ai_counted VALUES ('b', 'x', 1, NULL) ON CONFLICT DO NOTHING"))
        if next(presses, False):
            raise KeyboardInterrupt
        return threading.get_ident()

    writer.put(_row("a"))
    work = Work(interrupted)
    with pytest.raises(KeyboardInterrupt):
        writer.do_blocking(work, _SECONDS)
    assert writer.flush(_SECONDS)
    assert work.result != threading.get_ident()
    assert _names(writer.database) == ["a", "b"]
    writer.wait_blocking(_row("c"), _SECONDS)
    assert _names(writer.database) == ["a", "b", "c"]


def test_many_threads_and_tasks_write_each_row_once_and_see_it(writer: Writer) -> None:
    begun = threading.Barrier(9)
    missing: list[str] = []
    at_once: list[int] = []
    most: list[int] = []

    def alone(_connection: Connection) -> None:
        at_once.append(1)
        most.append(len(at_once))
        at_once.pop()

    def work(number: int) -> None:
        begun.wait(_SECONDS)
        for place in range(10):
            name = f"{number}-{place}"
            writer.put(_row(f"before {name}"))
            writer.wait_blocking(_row(name), _SECONDS)
            writer.do_blocking(Work(alone), _SECONDS)
            if not {name, f"before {name}"} <= set(_names(writer.database)):
                missing.append(name)

    async def tasks() -> None:
        begun.wait(_SECONDS)
        await asyncio.gather(*(writer.wait_async(_row(f"task {number}"), _SECONDS) for number in range(50)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    asyncio.run(tasks())
    for thread in threads:
        thread.join()
    assert missing == []
    assert set(most) == {1}
    assert len(_names(writer.database)) == 2 * 80 + 50


def test_a_database_that_fails_keeps_the_rows_of_those_who_write_for_themselves(writer: Writer) -> None:
    fails = [True]

    def act(connection: Connection) -> int:
        if fails[0]:
            raise writer.database.engine.dialect.loaded_dbapi.OperationalError("gone")
        connection.execute(text("INSERT INTO ai_counted VALUES ('late', 'x', 1, NULL)"))
        return 1

    work = Work(act)
    with pytest.raises(StorageError, match="gone"):
        writer.do_blocking(work, _SECONDS)
    fails[0] = False
    assert writer.do_blocking(Work(_thread), _SECONDS) != threading.get_ident()  # behind what is kept
    assert writer.flush(_SECONDS)
    assert _names(writer.database) == ["late"]
    assert writer.do_blocking(Work(_thread), _SECONDS) == threading.get_ident()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_in_the_midst_of_a_write_writes_for_itself(shared_url: str) -> None:
    from polydriver.storage.upgrading import upgrade

    database = Database(shared_url)
    upgrade(database)
    writer = Writer(database)
    writer.wait_blocking(_row("parent"), _SECONDS)
    with writer._turn:  # as another thread would have it
        child = os.fork()
        if child == 0:
            code = 1
            try:
                writer.put(_row("child 1"))
                writer.wait_blocking(_row("child 2"), _SECONDS)
                code = 0 if writer.close(_SECONDS) else 2
                database.close()
            finally:
                os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    writer.wait_blocking(_row("parent again"), _SECONDS)
    assert _names(database) == ["child 1", "child 2", "parent", "parent again"]
    writer.close(_SECONDS)
    database.close()
