"""A provider that counts, and a Redis that is empty at the beginning of each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.servers import PostgresServer, RedisServer, find_postgres, skip
from tests.workers.provider import CountingProvider

from polydriver.workers.dbos import sqlite_suffices


@pytest.fixture
def provider() -> Iterator[CountingProvider]:
    """It stops at the end, whatever it holds back."""
    with CountingProvider() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of the server, with nothing in it."""
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    client.close()
    return redis_server.url


@pytest.fixture
def best_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """That of one kind alone: PostgreSQL where its programs are found, else SQLite, where that suffices for DBOS."""
    if find_postgres() is None:
        if not sqlite_suffices():
            skip("SQLite is too old for DBOS, and the programs of PostgreSQL are not found")
        return f"sqlite:///{tmp_path}/bulk.sqlite"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database that several processes can use, of each kind."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database()
    return f"sqlite:///{tmp_path}/bulk.sqlite"
