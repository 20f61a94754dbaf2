"""A database that fails in the middle of a statement costs no answer, and what waits is written once it works again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from polydriver import AI, MockDriver
from polydriver.storage import Database

LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz\xe9\0\ud800", k=20_000))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="polydriver")


@pytest.fixture(params=["durable", "write-behind"])
def ai(url: str, request: pytest.FixtureRequest) -> Iterator[AI]:
    storage = {"url": url, "ledger": request.param, "patience": 30.0}
    manager = AI({"default": "mock", "providers": {"mock": {}}, "storage": storage}, env={})
    manager.extend("mock", lambda config: MockDriver(default="fine"))
    yield manager
    manager.close()
    assert manager.storage is not None
    manager.storage.close()


def database_of(ai: AI) -> Database:
    assert ai.storage is not None
    return ai.storage.database


async def talk(ai: AI, said: str) -> None:
    """A call of each kind: the answer comes, whatever the database does."""
    assert ai.provider().send_message(said, model="m").content == "fine"
    with ai.provider().send_streaming_message(said, model="m") as stream:
        assert stream.until_done().content == "fine"
    assert ai.conversation("whole").send(said).content == "fine"
    assert ai.conversation("streamed").stream(said).until_done().content == "fine"
    assert (await ai.asynchronous().conversation("later").send(said)).content == "fine"


def counted(ai: AI) -> tuple[int, int]:
    """Attempts that are known to have succeeded, and messages of histories."""
    assert ai.storage is not None
    assert ai.storage.flush(60)
    with database_of(ai).read() as connection:
        done = connection.execute(text("SELECT count(*) FROM ai_attempts WHERE outcome = 'success'")).scalar_one()
        kept = connection.execute(text("SELECT count(*) FROM ai_messages WHERE state = 'done'")).scalar_one()
    return int(done), int(kept)


@contextmanager
def full(database: Database) -> Iterator[None]:
    """No statement may write: SQLite finds no room for a page, PostgreSQL only reads."""
    begin = "PRAGMA max_page_count = 1" if database.kind == "sqlite" else "SET default_transaction_read_only = on"
    end = "PRAGMA max_page_count = 1000000" if database.kind == "sqlite" else "SET default_transaction_read_only = off"
    now = [begin]

    def tell(connection: Any, *_: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(now[0])
        cursor.close()
        if database.kind == "postgresql":
            connection.commit()

    event.listen(database.engine, "checkout", tell)
    try:
        yield
    finally:
        now[0] = end
    with database.write() as connection:
        connection.execute(text("UPDATE ai_budgets SET warned = 0"))


async def test_no_room(ai: AI) -> None:
    await talk(ai, "before")
    assert counted(ai) == (5, 6)
    with full(database_of(ai)):
        await talk(ai, "x" * 100_000)
    assert counted(ai) == (10, 12)
    await talk(ai, "after")
    assert counted(ai) == (15, 18)
    assert ai.storage is not None
    assert ai.storage.writer.lost == 0


REFUSE = {
    "sqlite": ["CREATE TRIGGER no BEFORE INSERT ON ai_messages BEGIN SELECT RAISE(ABORT, 'no'); END"],
    "postgresql": [
        "CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER no BEFORE INSERT ON ai_messages FOR EACH ROW EXECUTE FUNCTION no()",
    ],
}


async def test_what_is_refused_for_itself_costs_no_answer_and_nothing_else(ai: AI) -> None:
    database = database_of(ai)
    ai.provider().send_message("Hi", model="m")
    counted(ai)
    with database.write() as connection:
        for statement in REFUSE[database.kind]:
            connection.execute(text(statement))
    await talk(ai, "refused")
    assert counted(ai) == (6, 0)
    with database.write() as connection:
        connection.execute(text("DROP TRIGGER no" + (" ON ai_messages" if database.kind == "postgresql" else "")))
    await talk(ai, "after")
    assert counted(ai) == (11, 6)


async def test_names_of_any_length_and_kind(ai: AI) -> None:
    owners: list[dict[str, Any]] = [
        {"user": LONG, "project": LONG, "key": LONG, "tags": [LONG]},
        {"user": 42, "project": 1.5, "key": None, "tags": "one"},
        {"user": ("a", 1), "tags": {7}},
    ]
    for owner in owners:
        assert ai.conversation(LONG).metadata(**owner).send("Hi").content == "fine"
    assert counted(ai) == (3, 6)
    conversations, storage = ai.conversations, ai.storage
    assert storage is not None
    for name in (LONG, "42", "('a', 1)"):
        assert len(conversations.list(user=name)) == 1
        assert [row.calls for row in storage.costs(user=name)] == [1]
    assert len(conversations.list(project=LONG, tag=LONG)) == len(conversations.list(tag="7")) == 1
    assert storage.delete_user(LONG).conversations == 1
    assert storage.costs(user=LONG) == []


def test_a_durable_ledger_waits_for_the_disk(url: str, open_database: Callable[[str], Database]) -> None:
    wanted = "SHOW synchronous_commit" if url.startswith("postgresql") else "PRAGMA synchronous"
    with open_database(url).read() as connection:
        assert connection.execute(text(wanted)).scalar() in ("on", 2)
    lazy = Database(url, durable=False)
    with lazy.read() as connection:
        assert connection.execute(text(wanted)).scalar() in ("off", 1)
    lazy.close()
