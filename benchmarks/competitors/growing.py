"""Databases of any size: `step` does what has to cost the same in a small one and in a large one.

They are filled once, in `.venv-bench/benchmarks`, and used again by later runs.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

from polydriver import AI, AIMessage, AIResponse
from polydriver.data.cost import Cost
from polydriver.data.messages import Text
from polydriver.data.usage import TokenUsage
from polydriver.storage import Database, new_id
from polydriver.storage.columns import pack_json, to_micros
from polydriver.storage.contents import pack_message, searchable
from polydriver.storage.keeper import Keeper
from polydriver.storage.upgrading import upgrade

from ..environment import FOLDER
from .storing import new_folder

__all__ = ["Opening", "Reporting", "Turn", "chats", "filled", "keeper_of"]

_END = datetime(2026, 11, 1, tzinfo=UTC)
_ROWS_A_DAY = 200
_MESSAGES_A_CHAT = 100
_WORDS = ("drivers", "wires", "ledgers", "budgets", "and", "nobody", "knows", "how", "all", "of", "this", "will", "end")
_AT_ONCE = 20_000


def filled(size: int) -> tuple[str, list[str]]:
    """The URL of a database with so many messages and ledger rows, and the ids of its conversations."""
    path = FOLDER / "benchmarks" / f"filled-{size}.db"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        with _open(unfinished) as connection:
            chance = random.Random(size)
            _add(connection, "ai_messages", _messages(connection, size, _MESSAGES_A_CHAT, chance))
            _add(connection, "ai_attempts", _attempts(size, chance))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        unfinished.rename(path)
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT id FROM ai_conversations ORDER BY id LIMIT 1000").fetchall()
    connection.close()
    return f"sqlite:///{path}", [id for (id,) in found]


def chats(path: Path, count: int, length: int) -> str:
    """The URL of a new database with so many conversations of one length."""
    with _open(path) as connection:
        _add(connection, "ai_messages", _messages(connection, count * length, length, random.Random(length)))
    connection.close()
    return f"sqlite:///{path}"


def _open(path: Path) -> sqlite3.Connection:
    database = Database(f"sqlite:///{path}", durable=False)
    upgrade(database)
    database.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def _add(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    """Insert rows that all have the same columns."""
    group: list[dict[str, Any]] = []
    for row in rows:
        group.append(row)
        if len(group) == _AT_ONCE:
            _insert(connection, table, group)
            group = []
    _insert(connection, table, group)


def _insert(connection: sqlite3.Connection, table: str, group: list[dict[str, Any]]) -> None:
    if group:
        names, places = ", ".join(f'"{name}"' for name in group[0]), ", ".join("?" * len(group[0]))
        values = [tuple(row.values()) for row in group]
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", values)
        connection.commit()


def _messages(
    connection: sqlite3.Connection, size: int, length: int, chance: random.Random
) -> Iterator[dict[str, Any]]:
    now = to_micros(_END)
    for number in range(size // length):
        chat, parent = new_id(), None
        for position in range(length):
            message = AIMessage(" ".join(chance.choices(_WORDS, k=30)), "user" if position % 2 == 0 else "assistant")
            id = new_id()
            yield {
                "id": id, "conversation_id": chat, "parent_id": parent, "position": position, "role": message.role,
                "state": "done", "content": pack_json(pack_message(message).content), "search": searchable(message),
                "created_at": now,
            }  # fmt: skip
            parent = id
        row = {
            "id": chat, "title": f"Chat {number}", "head_id": parent, "message_count": length, "input_tokens": 0,
            "output_tokens": 0, "cost": 0, "created_at": now, "updated_at": now + number, "user": f"user{number % 100}",
        }  # fmt: skip
        _insert(connection, "ai_conversations", [row])


def _attempts(size: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    seconds = size // _ROWS_A_DAY * 86_400
    for number in range(size):
        started = to_micros(_END - timedelta(seconds=seconds * (1 - number / size)))
        yield {
            "id": new_id(), "call_id": new_id(), "number": 1, "kind": "attempt", "operation": "chat",
            "provider": chance.choice(("openai", "anthropic")), "model": chance.choice(("one", "two", "three")),
            "started_at": started, "ended_at": started + 10**6, "outcome": "success", "cost": chance.randrange(10**10),
            "currency": "USD", "price_known": True, "input_tokens": 100, "output_tokens": 20,
            "user": f"user{chance.randrange(100)}",
        }  # fmt: skip


class Opening:
    """Opens one of the conversations, of 100 messages each."""

    def __init__(self, _origin: str, wire: str) -> None:
        url, self._ids = filled(int(wire))
        self._ai = AI({"storage": {"url": url, "ledger": "off"}}, env={})
        self._chance = random.Random(1)

    def step(self) -> None:
        chat = self._ai.conversations.load(self._chance.choice(self._ids))
        assert len(chat.history) == _MESSAGES_A_CHAT


class Reporting:
    """Reports the costs of October by provider and model."""

    def __init__(self, _origin: str, wire: str) -> None:
        url, _ = filled(int(wire))
        storage = AI({"storage": {"url": url, "ledger": "off"}}, env={}).storage
        assert storage is not None
        self._storage = storage

    def step(self) -> None:
        lines = self._storage.costs("provider", "model", since=date(2026, 10, 1), until=date(2026, 10, 31))
        assert len(lines) == 6
        assert sum(line.attempts for line in lines) == 31 * _ROWS_A_DAY


class Turn:
    """Stores a turn, a question before its call and an answer after it, in chats that are so long already."""

    def __init__(self, _origin: str, wire: str) -> None:
        url = chats(new_folder() / "ai.db", 50, int(wire))
        self._ai = AI({"storage": {"url": url}}, env={})
        records = self._ai.conversations.list(limit=50)
        loaded = [self._ai.conversations.load(record.id) for record in records]
        self._chats = cycle([(keeper_of(chat), chat.history) for chat in loaded])

    def step(self) -> None:
        keeper, history = next(self._chats)
        question = AIMessage("What does a ledger know of a budget, and a budget of a ledger?")
        answer = AIResponse(
            parts=[Text("More than either of them would like the other to know.")],
            usage=TokenUsage(input_tokens=100, output_tokens=12),
            cost=Cost(Decimal("0.000012")),
        )
        storage = self._ai.storage
        assert storage is not None
        assert keeper.catch_up(history) == []
        storage.writer.do_blocking(keeper.send([question]), 30.0)
        storage.writer.do_blocking(keeper.answer(answer), 30.0)
        history += [question, answer.to_message()]
        keeper.kept = list(history)


def keeper_of(chat: Any) -> Keeper:
    """What stores the messages of a conversation."""
    keeper: Keeper | None = chat._keeper
    assert keeper is not None
    return keeper
