"""Inserting rows of the ledger, beside bare `sqlite3`; storing and reading messages, beside stores of agents' sessions.

A `step` does `units` of them. All have their own file with the settings that they come with.
"""

from __future__ import annotations

import asyncio
import atexit
import shutil
import sqlite3
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from polydriver import AI, AIMessage
from polydriver.config.storage import StorageConfig
from polydriver.storage import Database, Storage, new_id
from polydriver.storage.keeper import Keeper
from polydriver.storage.ledger_rows import ATTEMPT
from polydriver.storage.upgrading import upgrade
from polydriver.storage.writer import Row

__all__ = [
    "Bare",
    "Durable",
    "GoogleADK",
    "OpenAIAgents",
    "Polydriver",
    "PolydriverBlocking",
    "WriteBehind",
    "new_folder",
]

_QUESTION = "What does a ledger know of a budget, and a budget of a ledger, that neither of them would ever tell?"
_GROUP = 1000
_IN_FLIGHT = 500


def new_folder() -> Path:
    """A folder that goes with the process."""
    folder = Path(tempfile.mkdtemp(prefix="polydriver-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _row() -> tuple[Any, ...]:
    """The row of an attempt that has ended, as the ledger makes it."""
    now = time.time_ns() // 1000
    return (
        new_id(), new_id(), 1, "attempt", "chat", "openai", "gpt-4o-mini", None, now, now + 60_000_000, None, "blue",
        None, "ann", None, None, "gpt-4o-mini-2024-07-18", now, "success", 200, None, "req_0123456789", 800_000, None,
        True, 9, 0, None, 48, 0, '{"input_tokens":9,"output_tokens":48}', False, 30150000, "USD",
        '{"input":"0.00000135","output":"0.0000288"}', "genai-prices", None, 30150000, True, None,
    )  # fmt: skip


class _Inserting:
    """Inserts rows that are ready, with the library's tables, indexes and pragmas of its mode."""

    units = 2000

    def __init__(self, _origin: str) -> None:
        self.url = f"sqlite:///{new_folder() / 'ai.db'}"
        database = Database(self.url)
        upgrade(database)
        database.close()

    def storage(self, **settings: Any) -> Storage:
        return Storage(StorageConfig(url=self.url, **settings))


class Bare(_Inserting):
    """`sqlite3.executemany`, a thousand rows a transaction, without waiting for the disk."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self._connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def step(self) -> None:
        rows = [_row() for _ in range(self.units)]
        for start in range(0, self.units, _GROUP):
            self._connection.executemany(ATTEMPT.sql, rows[start : start + _GROUP])
            self._connection.commit()


class WriteBehind(_Inserting):
    """The writer, which nobody waits for."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self._writer = self.storage(ledger="write-behind").writer

    def step(self) -> None:
        for _ in range(self.units):
            self._writer.put(Row(ATTEMPT, _row))
        assert self._writer.flush(60.0)


class Durable(_Inserting):
    """The writer, with 500 tasks that wait until their row is on the disk."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self._writer = self.storage(ledger="durable").writer
        self._runner = asyncio.Runner()

    def step(self) -> None:
        self._runner.run(self._all())

    async def _all(self) -> None:
        await asyncio.gather(*(self._some(self.units // _IN_FLIGHT) for _ in range(_IN_FLIGHT)))

    async def _some(self, count: int) -> None:
        for _ in range(count):
            await self._writer.wait_async(Row(ATTEMPT, _row), 60.0)


class _Session(ABC):
    """A session to which messages are added one by one, each committed before the next; then it is read whole.

    Every session ends with 100 messages, and another one begins.
    """

    units = 100

    def __init__(self, _origin: str, wire: str) -> None:
        self.path = new_folder() / "sessions.db"
        self._reads = wire == "read"
        self._runner = asyncio.Runner()
        self._runner.run(self.open())
        if self._reads:
            self._runner.run(self._fill())

    @abstractmethod
    async def open(self) -> None:
        """Make the store."""

    @abstractmethod
    async def begin(self) -> None:
        """Begin another session."""

    @abstractmethod
    async def add(self, text: str, *, is_user: bool) -> None:
        """Add a message."""

    @abstractmethod
    async def read(self) -> int:
        """Read the session from the database; how many messages it has."""

    def step(self) -> None:
        self._runner.run(self._read() if self._reads else self._fill())

    async def _fill(self) -> None:
        await self.begin()
        for number in range(self.units):
            await self.add(_QUESTION, is_user=number % 2 == 0)

    async def _read(self) -> None:
        assert await self.read() == self.units


class Polydriver(_Session):
    """A conversation, over a durable database."""

    async def open(self) -> None:
        self._ai = AI({"storage": {"url": f"sqlite:///{self.path}"}}, env={}).asynchronous()

    async def begin(self) -> None:
        from .growing import keeper_of

        storage = self._ai.storage
        assert storage is not None
        self._storage = storage
        chat = self._ai.conversation("Chat")
        self._id, self._history = chat.id, chat.history
        self._keeper: Keeper = chat._keeper_of(storage)
        assert keeper_of(chat) is self._keeper

    async def add(self, text: str, *, is_user: bool) -> None:
        self._history.append(AIMessage(text, "user" if is_user else "assistant"))
        (work,) = self._keeper.catch_up(self._history)
        await self._storage.writer.do_async(work, 60.0)

    async def read(self) -> int:
        return len((await self._ai.conversations.load(self._id)).history)


class PolydriverBlocking(Polydriver):
    """The same for blocking callers: who waits writes for itself."""

    async def open(self) -> None:
        await super().open()
        self._blocking = AI(connections=self._ai.connections)

    async def add(self, text: str, *, is_user: bool) -> None:
        self._history.append(AIMessage(text, "user" if is_user else "assistant"))
        (work,) = self._keeper.catch_up(self._history)
        self._storage.writer.do_blocking(work, 60.0)

    async def read(self) -> int:
        return len(self._blocking.conversations.load(self._id).history)


class OpenAIAgents(_Session):
    """`SQLiteSession` of `openai-agents`."""

    async def open(self) -> None:
        import agents  # noqa: F401 - whether it is there

    async def begin(self) -> None:
        from agents import SQLiteSession

        self._session = SQLiteSession(new_id(), self.path)

    async def add(self, text: str, *, is_user: bool) -> None:
        await self._session.add_items([{"role": "user" if is_user else "assistant", "content": text}])

    async def read(self) -> int:
        return len(await self._session.get_items())


class GoogleADK(_Session):
    """`DatabaseSessionService` of `google-adk`."""

    async def open(self) -> None:
        from google.adk.sessions import DatabaseSessionService

        self._service = DatabaseSessionService(f"sqlite+aiosqlite:///{self.path}")

    async def begin(self) -> None:
        self._session = await self._service.create_session(app_name="bench", user_id="ann", session_id=new_id())

    async def add(self, text: str, *, is_user: bool) -> None:
        from google.adk.events import Event
        from google.genai import types

        content = types.Content(role="user" if is_user else "model", parts=[types.Part(text=text)])
        await self._service.append_event(self._session, Event(author="user" if is_user else "agent", content=content))

    async def read(self) -> int:
        found = await self._service.get_session(app_name="bench", user_id="ann", session_id=self._session.id)
        assert found is not None
        return len(found.events)
