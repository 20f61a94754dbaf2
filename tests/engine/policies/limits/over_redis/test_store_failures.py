"""Redis down, frozen, restarted, without scripts, in a cluster, behind a password: calls go on, and it is told once."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from tests.servers import RedisServer, free_port, redis_program

from polydriver import AI, ConfigurationError, LimitReachedError, MockDriver
from polydriver.engine.policies.limits.over_redis import RedisLimits

Limited = Callable[..., MockDriver]


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that the test may freeze and kill."""
    server = RedisServer(redis_program())
    server.start()
    yield server
    server.stop()


def driver_for(url: str, **limits: Any) -> MockDriver:
    return MockDriver(default="fine", rate_limiting={"redis_url": url, **limits}, retry_attempts=1, name="openai")


def gate(driver: MockDriver) -> RedisLimits:
    found = driver.connection.limits
    assert isinstance(found, RedisLimits)
    return found


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("limits:")]


def until_available(driver: MockDriver) -> None:
    store = gate(driver).store
    for _ in range(300):
        if store.available:
            return
        threading.Event().wait(0.1)
    raise AssertionError("Redis was not found again")


@pytest.fixture(params=["blocking", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[[MockDriver], str]:
    """One call, in each colour."""

    def blocking(driver: MockDriver) -> str:
        return driver.send_message("Hi", model="m").content

    async def asynchronous(driver: MockDriver) -> str:
        return (await driver.asynchronous().send_message("Hi", model="m")).content

    return blocking if request.param == "blocking" else lambda driver: asyncio.run(asynchronous(driver))


def test_redis_is_not_needed_to_start(ask: Callable[[MockDriver], str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "polydriver")
    dead = "redis://:secret-password@127.0.0.1:1/0"
    local = driver_for(dead, requests_per_minute=2, mode="raise", redis_failure="local")
    assert [ask(local), ask(local)] == ["fine", "fine"]
    with pytest.raises(LimitReachedError, match="requests_per_minute"):
        ask(local)
    without = driver_for(dead, requests_per_minute=1, mode="raise", redis_failure="open")
    assert [ask(without), ask(without), ask(without)] == ["fine"] * 3
    closed = driver_for(dead, requests_per_minute=1, redis_failure="closed")
    with pytest.raises(LimitReachedError, match="does not answer") as caught:
        ask(closed)
    assert caught.value.retry_after is not None
    assert "secret-password" not in caplog.text + repr(local.config) + repr(local) + str(caught.value)
    for driver in (local, without, closed):
        gate(driver).store.close()


def test_frozen_and_thawed(
    own_server: RedisServer, ask: Callable[[MockDriver], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "polydriver")
    driver = driver_for(own_server.url, requests_per_minute=3, mode="raise")
    assert ask(driver) == "fine"
    assert told(caplog) == []
    own_server.send(signal.SIGSTOP)
    assert [ask(driver) for _ in range(3)] == ["fine"] * 3, "within this process alone"
    with pytest.raises(LimitReachedError):
        ask(driver)
    own_server.send(signal.SIGCONT)
    until_available(driver)
    assert ask(driver) == "fine"
    lines = told(caplog)
    assert len(lines) == 2
    assert "does not answer as it should" in lines[0]
    assert "each process keeps to the limits alone" in lines[0]
    assert "answers again" in lines[1]
    gate(driver).store.close()


def test_killed_and_started_again(own_server: RedisServer, ask: Callable[[MockDriver], str]) -> None:
    driver = driver_for(own_server.url, requests_per_minute=100, max_concurrent=1, redis_failure="open")
    assert ask(driver) == "fine"
    with driver.send_streaming_message("Hi", model="m") as stream:
        next(iter(stream))
        own_server.send(signal.SIGKILL)
        assert own_server.process is not None
        own_server.process.wait()
        assert ask(driver) == "fine", "there are no limits meanwhile"
    own_server.start()
    until_available(driver)
    assert ask(driver) == "fine"
    assert gate(driver).store.flush(5)
    client = redis.Redis.from_url(own_server.url)
    assert client.zcard("{polydriver}:openai:max_concurrent") == 0
    client.close()
    gate(driver).store.close()


def test_it_is_found_again_by_those_who_were_closed_meanwhile(
    own_server: RedisServer, ask: Callable[[MockDriver], str]
) -> None:
    driver = driver_for(own_server.url, requests_per_minute=100)
    assert ask(driver) == "fine"
    own_server.send(signal.SIGKILL)
    assert own_server.process is not None
    own_server.process.wait()
    assert ask(driver) == "fine"
    driver.close()  # with it the thread ends that asks whether Redis is back
    own_server.start()
    assert ask(driver) == "fine"
    until_available(driver)
    gate(driver).store.close()


def test_a_replica_is_told_of_once_until_it_may_write(
    own_server: RedisServer, ask: Callable[[MockDriver], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "polydriver")
    client = redis.Redis.from_url(own_server.url)
    client.replicaof("127.0.0.1", 1)
    driver = driver_for(own_server.url, requests_per_minute=100)
    for _ in range(300):
        assert ask(driver) == "fine"
        asked = client.info("commandstats")
        if sum(facts["calls"] for name, facts in asked.items() if "eval" in name) > 4:  # asked twice whether it is back
            break
        threading.Event().wait(0.1)
    (line,) = told(caplog)
    assert "ReadOnlyError" in line
    client.replicaof("no", "one")
    until_available(driver)
    assert ask(driver) == "fine"
    assert len(told(caplog)) == 2
    client.close()
    gate(driver).store.close()


async def test_those_who_wait_do_not_hang_when_it_dies(own_server: RedisServer) -> None:
    driver = driver_for(own_server.url, max_concurrent=1, redis_failure="local")
    provider = driver.asynchronous()
    async with provider.send_streaming_message("Hi", model="m") as chunks:
        await anext(aiter(chunks))
        waiting = [asyncio.create_task(provider.send_message("Hi", model="m")) for _ in range(5)]
        await asyncio.sleep(0.1)
        own_server.send(signal.SIGKILL)
        assert [(await task).content for task in waiting] == ["fine"] * 5
    gate(driver).store.close()


def test_without_scripts_in_its_cache(server: RedisServer, limited: Limited, ask: Callable[[MockDriver], str]) -> None:
    driver = limited(requests_per_minute=10)
    client = redis.Redis.from_url(server.url)
    for count in (1, 2, 3):
        client.script_flush()
        assert ask(driver) == "fine"
        assert client.hget("{polydriver}:openai:requests_per_minute", "used") == str(count).encode()
    assert gate(driver).store.available
    client.close()


def test_a_user_who_may_run_no_scripts(
    own_server: RedisServer, ask: Callable[[MockDriver], str], caplog: pytest.LogCaptureFixture
) -> None:
    client = redis.Redis.from_url(own_server.url)
    client.acl_setuser(
        "limited", enabled=True, passwords=["+pass-word"], categories=["+@all", "-@scripting"], keys=["*"]
    )
    client.close()
    url = own_server.url.replace("redis://", "redis://limited:pass-word@")
    driver = driver_for(url, requests_per_minute=1, mode="raise")
    assert ask(driver) == "fine"
    with pytest.raises(LimitReachedError):
        ask(driver)
    (line,) = told(caplog)
    assert "NoPermissionError" in line
    assert "pass-word" not in caplog.text
    gate(driver).store.close()


@pytest.fixture
def cluster() -> Iterator[RedisServer]:
    """A cluster of one node, which has all slots."""
    server = RedisServer(redis_program(), "--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    server.start()
    client = redis.Redis.from_url(server.url, decode_responses=True)
    client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    while client.execute_command("CLUSTER INFO").get("cluster_state") != "ok":
        threading.Event().wait(0.05)
    client.close()
    yield server
    server.stop()


def test_in_a_cluster(cluster: RedisServer, ask: Callable[[MockDriver], str]) -> None:
    driver = driver_for(
        cluster.url.replace("redis://", "redis+cluster://"), requests_per_minute=3, tokens_per_day=100_000,
        max_concurrent=2, redis_timeout=5.0, mode="raise", models={"m": {"requests_per_day": 100}},
    )  # fmt: skip
    assert [ask(driver) for _ in range(3)] == ["fine"] * 3
    with pytest.raises(LimitReachedError):
        ask(driver)
    assert gate(driver).store.available
    gate(driver).store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_takes_and_settles_by_itself(server: RedisServer, limited: Limited) -> None:
    driver = limited(requests_per_minute=10, max_concurrent=1)
    driver.send_message("Hi", model="m")
    child = os.fork()
    if child == 0:
        done = 1
        try:
            driver.send_message("Hi", model="m")
            done = 0 if gate(driver).store.flush(5) else 2
        finally:
            os._exit(done)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    driver.send_message("Hi", model="m")
    client = redis.Redis.from_url(server.url)
    assert client.hget("{polydriver}:openai:requests_per_minute", "used") == b"3"
    client.close()


@pytest.mark.parametrize("url", ["http://host", "redis", "host:6379"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="redis_url"):
        driver_for(url, requests_per_minute=1)


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "redis://:secret-password@host:6379"
    monkeypatch.setenv("AI_RATE_LIMITING_REDIS_URL", url)
    driver = MockDriver(rate_limiting={"requests_per_minute": 5, "learn": True})
    assert isinstance(driver.connection.limits, RedisLimits)
    assert driver.config.rate_limiting.redis_url is not None
    assert driver.config.rate_limiting.redis_url.reveal() == url
    assert MockDriver().connection.limits is None, "an address alone limits nothing"
    with pytest.raises(ConfigurationError, match="redis_failure"):
        MockDriver(rate_limiting={"redis_failure": "maybe"})
    assert b"secret-password" not in pickle.dumps(driver.config)
    ai = AI({"providers": {"mock": {"driver": "mock", "rate_limiting": {"requests_per_minute": 5}}}})
    assert "secret-password" not in repr(ai.provider("mock"))
    assert ai.provider("mock").get_health().limits == [{"limit": "mock: requests_per_minute", "used": 0.0, "of": 5}]
