"""Answers in Redis: shared by processes, never needed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from tests.engine.caching.helpers import HOWS, ask, cached
from tests.servers import RedisServer, free_port

from polydriver import ConfigurationError, MockDriver
from polydriver.engine.waiting import clock


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    return redis_server


@pytest.fixture
def keys(server: RedisServer) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(server.url)
    client.flushall()
    yield client
    client.close()


def over(server: RedisServer, *replies: Any, **cache: Any) -> MockDriver:
    return cached(*replies, cache={"store": "redis", "redis_url": server.url, "timeout": 60.0, **cache})


@pytest.mark.parametrize("how", HOWS)
def test_another_process_is_given_the_answer(server: RedisServer, keys: redis.Redis, how: str) -> None:
    with over(server, "one, in some pieces that follow") as one, over(server, "two", ttl=50) as other:
        first, chunks = ask(how, one)
        again, repeated = ask(how, other)
        assert (first.cached, again.cached) == (False, True)
        assert again.content == first.content
        assert repeated == chunks
    (key,) = keys.keys("*")
    assert key.startswith(b"polydriver:answer:")
    assert 0 < keys.pttl(key) <= 3_600_000


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("fault", ["absent", "hung", "wrong"])
def test_a_redis_that_fails_costs_no_answer(
    server: RedisServer, keys: redis.Redis, fault: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once; while it fails nobody waits for it, and once it answers it is used again."""
    caplog.set_level("INFO", "polydriver")
    moment = [0.0]
    settings: dict[str, Any] = {"timeout": 0.2} if fault == "hung" else {}
    if fault == "absent":
        settings["redis_url"] = f"redis://127.0.0.1:{free_port()}/0"
    with over(server, "one", "two", "three", **settings) as driver, clock(lambda: moment[0]):
        if fault == "hung":
            server.send(signal.SIGSTOP)
        try:
            if fault == "wrong":  # Redis refuses to read it as text
                ask(how, driver)
                (key,) = keys.keys("*")
                keys.delete(key)
                keys.lpush(key, "x")
                contents = [ask(how, driver)[0].content]
                assert contents == ["two"]
            else:
                assert [ask(how, driver)[0].content for _ in range(2)] == ["one", "two"]
        finally:
            server.send(signal.SIGCONT)
        assert caplog.text.count("does not answer as it should") == 1
        if fault == "hung":
            while not ask(how, driver)[0].cached:  # a busy machine may be as slow as a fault
                driver.script.add("three")
                moment[0] += 10.0
            assert "answers again" in caplog.text


def test_bytes_that_are_not_ours_are_asked_for_anew(server: RedisServer, keys: redis.Redis) -> None:
    with over(server, "one", "two") as driver:
        driver.send_message("Hi")
        (key,) = keys.keys("*")
        for bad in (b"", b"\xc1", b"\x93\x01\x02\x03", (keys.get(key) or b"")[:-3]):
            keys.set(key, bad)
            driver.script.add("again")
            answer = driver.send_message("Hi")
            assert not answer.cached
        assert driver.send_message("Hi").cached


def test_a_store_needs_its_address() -> None:
    with cached(cache={"store": "redis"}) as driver, pytest.raises(ConfigurationError, match="redis_url"):
        driver.send_message("Hi")


def test_the_address_is_not_shown() -> None:
    with cached(cache={"store": "redis", "redis_url": "redis://:hunter2hunter2@127.0.0.1:1/0"}) as driver:
        assert "hunter2" not in repr(driver.config) + repr(driver.get_config())
