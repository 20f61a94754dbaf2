"""Every test that takes `database` or `url` runs over SQLite in a file, SQLite in memory, and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.servers import PostgresServer

from polydriver.storage import Database
from polydriver.storage.upgrading import upgrade


@pytest.fixture(params=["file", "memory", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database()
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/ai.db"


@pytest.fixture(params=["file", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database that several processes can use."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database()
    return f"sqlite:///{tmp_path}/ai.db"


@pytest.fixture
def open_database() -> Iterator[Callable[[str], Database]]:
    """Opens databases, and closes them at the end."""
    opened: list[Database] = []

    def open_one(url: str) -> Database:
        opened.append(Database(url))
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def database(url: str, open_database: Callable[[str], Database]) -> Database:
    """A database with its tables."""
    database = open_database(url)
    upgrade(database)
    return database
