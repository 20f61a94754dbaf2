"""A real Redis for these tests, empty at the beginning of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from tests.servers import RedisServer

from polydriver import MockDriver


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """The server, with nothing in it; it may be stopped, killed and started by the test."""
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    client.script_flush()
    client.close()
    return redis_server


@pytest.fixture
def limited(server: RedisServer) -> Iterator[Callable[..., MockDriver]]:
    """Makes drivers with limits over Redis."""
    made: list[MockDriver] = []

    def make(
        *replies: Any, delay: float = 0.0, name: str = "openai", default: Any = "fine", **limits: Any
    ) -> MockDriver:
        given = {"redis_url": server.url, "redis_timeout": 5.0, **limits}
        driver = MockDriver(
            replies=list(replies), default=default, rate_limiting=given, retry_attempts=1, delay=delay, name=name
        )
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.close()
