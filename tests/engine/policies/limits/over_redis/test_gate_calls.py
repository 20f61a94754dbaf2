"""Calls under limits in Redis: what is taken and given back, who waits for whom, in both colours and many processes."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from tests.engine.policies.limits.everywhere import call_from_everywhere
from tests.servers import RedisServer

from polydriver import AttemptFinished, LimitReached, LimitReachedError, MockDriver
from polydriver.engine.policies.limits.over_redis import RedisLimits
from polydriver.errors import DeadlineExceededError

Limited = Callable[..., MockDriver]


def gate(driver: MockDriver) -> RedisLimits:
    found = driver.connection.limits
    assert isinstance(found, RedisLimits)
    return found


def stored(server: RedisServer, driver: MockDriver) -> dict[str, int]:
    """What Redis has of every limit, and of leases and places, once all ends are settled."""
    assert gate(driver).store.flush(5)
    client = redis.Redis.from_url(server.url, decode_responses=True)
    found: dict[str, int] = {}
    for key in client.scan_iter():
        name, is_hash = key.split(":", 1)[1], client.type(key) == "hash"
        if is_hash and ":" in name:
            found[name] = int(client.hget(key, "used") or 0)
        else:
            found[name] = client.hlen(key) if is_hash else client.zcard(key)
    client.close()
    return {name: value for name, value in found.items() if value}


def test_what_was_used_takes_the_place_of_the_estimate(server: RedisServer, limited: Limited) -> None:
    driver = limited(requests_per_minute=10, tokens_per_minute=10_000, tokens_per_day=9_000, max_concurrent=2)
    driver.send_message("Hi", model="m", max_tokens=500)
    assert stored(server, driver) == {
        "openai:requests_per_minute": 1, "openai:tokens_per_minute": 2, "openai:tokens_per_day": 2,
    }  # fmt: skip


def test_raise_says_when_there_is_room_and_takes_nothing(server: RedisServer, limited: Limited) -> None:
    driver = limited(requests_per_minute=1, tokens_per_minute=10_000, mode="raise")
    driver.send_message("Hi", model="m")
    with pytest.raises(LimitReachedError, match="requests_per_minute") as caught:
        driver.send_message("Hi", model="m")
    assert caught.value.retry_after is not None
    assert 58 < caught.value.retry_after <= 61
    assert stored(server, driver) == {"openai:requests_per_minute": 1, "openai:tokens_per_minute": 2}


def test_connections_share_by_name_and_models_have_their_own(server: RedisServer, limited: Limited) -> None:
    shared = {"requests_per_minute": 2, "share": "our account", "mode": "raise"}
    first, second = limited(**shared), limited(name="other", **shared)
    first.send_message("Hi", model="m")
    second.send_message("Hi", model="m")
    with pytest.raises(LimitReachedError, match="our account"):
        first.send_message("Hi", model="m")
    models = limited(models={"big": {"requests_per_minute": 1}}, mode="raise", name="third")
    models.send_message("Hi", model="big-1")
    models.send_message("Hi", model="small")
    with pytest.raises(LimitReachedError, match="third/big: requests_per_minute"):
        models.send_message("Hi", model="big-2")


def test_a_wait_that_is_too_long_is_not_begun_and_its_place_is_given_up(server: RedisServer, limited: Limited) -> None:
    driver = limited(requests_per_minute=1)
    driver.send_message("Hi", model="m")
    with pytest.raises(LimitReachedError, match="longer than the call may wait"):
        driver.send_message("Hi", model="m", deadline=5)
    slow = limited(requests_per_minute=1, max_wait=2.0)
    with pytest.raises(LimitReachedError, match="longer than the call may wait"):
        slow.send_message("Hi", model="m")
    gate(slow).store.flush(5)
    assert stored(server, driver) == {"openai:requests_per_minute": 1}


async def test_a_line_of_tasks_is_served_in_order(server: RedisServer, limited: Limited) -> None:
    order: list[str] = []
    driver = limited(
        default=lambda call: order.append(call.text) or "done",  # type: ignore[func-returns-value]
        max_concurrent=1,
        delay=0.001,
    )
    told: list[LimitReached] = []
    driver.on(LimitReached, told.append)
    provider = driver.asynchronous()
    await asyncio.gather(*(provider.send_message(str(number), model="m") for number in range(20)))
    assert sorted(order, key=int) == [str(number) for number in range(20)]
    assert order[10:] == sorted(order[10:], key=int), "once there is a line, it is kept"
    assert {event.limit for event in told} == {"openai: max_concurrent"}
    assert stored(server, driver) == {}


async def test_work_in_bulk_yields(server: RedisServer, limited: Limited) -> None:
    order: list[str] = []

    async def call(provider: Any, text: str, queue: str) -> None:
        await provider.send_message(text, model="m", queue=queue)
        order.append(text)

    driver = limited(max_concurrent=1, delay=0.005)
    provider = driver.asynchronous()
    first = asyncio.create_task(call(provider, "first", "interactive"))
    await asyncio.sleep(0.001)
    bulk = [asyncio.create_task(call(provider, "bulk", "batch")) for _ in range(5)]
    await asyncio.sleep(0.001)
    quick = [asyncio.create_task(call(provider, "quick", "interactive")) for _ in range(5)]
    await asyncio.gather(first, *bulk, *quick)
    assert order[-4:] == ["bulk"] * 4


def test_threads_and_loops_together(server: RedisServer, limited: Limited) -> None:
    driver = limited(max_concurrent=2, requests_per_minute=10_000)
    assert call_from_everywhere(driver) == ["fine"] * 80
    assert stored(server, driver) == {"openai:requests_per_minute": 80}


@pytest.mark.parametrize("seed", range(3))
async def test_streams_left_and_cancelled_anywhere_leave_nothing_held(
    server: RedisServer, limited: Limited, seed: int
) -> None:
    chance = random.Random(seed)
    driver = limited(delay=0.001, max_concurrent=3, tokens_per_minute=10**9)
    attempts: list[AttemptFinished] = []
    driver.on(AttemptFinished, attempts.append)
    provider = driver.asynchronous()

    async def stream(leaves: bool) -> None:
        async with provider.send_streaming_message("Hi", model="m") as chunks:
            async for _ in chunks:
                if leaves:
                    break

    tasks = [asyncio.create_task(stream(chance.random() < 0.3)) for _ in range(150)]
    while any(not task.done() for task in tasks):
        await asyncio.sleep(chance.random() * 0.003)
        chance.choice(tasks).cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
    assert set(stored(server, driver)) <= {"openai:tokens_per_minute"}
    assert gate(driver)._waiting == 0
    (answer,) = [(await provider.send_message("Hi", model="m")).content]
    assert answer == "fine"


def test_a_deadline_ends_the_wait(server: RedisServer, limited: Limited) -> None:
    driver = limited(max_concurrent=1)
    with driver.send_streaming_message("Hi", model="m") as stream:
        next(iter(stream))
        with pytest.raises(DeadlineExceededError):
            driver.send_message("Hi", model="m", deadline=0.2)
    assert driver.send_message("Hi", model="m").content == "fine"
    assert stored(server, driver) == {}


PROGRAM = """
import sys, os
from polydriver import MockDriver
driver = MockDriver(
    default="fine", name="openai", retry_attempts=1,
    rate_limiting={"redis_url": sys.argv[1], "redis_timeout": 5.0, "max_concurrent": 2, "requests_per_minute": 1000},
)
driver.connection.limits.store.lease = 1.0
"""

HOLDER = (
    PROGRAM
    + """
stream = driver.send_streaming_message("Hi", model="m").__enter__()
next(iter(stream))
print("held", flush=True)
sys.stdin.read()
"""
)

WORKER = (
    PROGRAM
    + """
for number in range(25):
    driver.send_message("Hi", model="m")
print("done")
"""
)


def test_what_a_killed_process_held_is_free_again(server: RedisServer, limited: Limited) -> None:
    holders = [
        subprocess.Popen([sys.executable, "-c", HOLDER, server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for holder in holders:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
    driver = limited(max_concurrent=2, requests_per_minute=1000, mode="raise")
    with pytest.raises(LimitReachedError, match="max_concurrent"):
        driver.send_message("Hi", model="m")
    for _ in range(25):  # longer than a lease: the holders renew theirs
        threading.Event().wait(0.1)
        with pytest.raises(LimitReachedError, match="max_concurrent"):
            driver.send_message("Hi", model="m")
    holders[0].kill()
    waiting = limited(max_concurrent=2, requests_per_minute=1000)
    assert waiting.send_message("Hi", model="m").content == "fine"
    for holder in holders:
        holder.kill()
        holder.communicate()


def test_many_processes_never_hold_more_than_the_limit(server: RedisServer, limited: Limited) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, server.url], stdout=subprocess.PIPE) for _ in range(4)]
    client = redis.Redis.from_url(server.url)
    most = 0
    while any(worker.poll() is None for worker in workers):
        most = max(most, client.zcard("{polydriver}:openai:max_concurrent"))
    client.close()
    assert [worker.communicate()[0] for worker in workers] == [b"done\n"] * 4
    assert 0 < most <= 2
    driver = limited(requests_per_minute=1000)
    driver.send_message("Hi", model="m")
    assert stored(server, driver) == {"openai:requests_per_minute": 101}


def test_after_closing_leases_are_renewed_again(server: RedisServer, limited: Limited) -> None:
    driver = limited(max_concurrent=1, requests_per_minute=1000)
    store = gate(driver).store
    store.lease = 0.3
    driver.send_message("Hi", model="m")
    store.close()
    assert store._started is None
    with driver.send_streaming_message("Hi", model="m") as stream:
        next(iter(stream))
        client = redis.Redis.from_url(server.url)
        for _ in range(12):  # several leases long
            threading.Event().wait(0.1)
            assert client.zcard("{polydriver}:openai:max_concurrent") == 1
        client.close()
    assert stored(server, driver) == {"openai:requests_per_minute": 2}
    store.lease = 30.0


def connected(server: RedisServer) -> int:
    """How many others than this one are connected."""
    client = redis.Redis.from_url(server.url)
    found = len(client.client_list()) - 1
    client.close()
    return found


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize("grace", [None, 5.0])
def test_closing_leaves_no_connection(server: RedisServer, limited: Limited, colour: str, grace: float | None) -> None:
    for _ in range(20):  # with an end that is still to be told, most of the time
        driver = limited(max_concurrent=1, requests_per_minute=1000)
        if colour == "blocking":
            driver.send_message("Hi", model="m")
            driver.close(grace)
        else:
            asyncio.run(ask_and_close(driver, grace))
        assert gate(driver).store._started is None
        assert connected(server) == 0
    driver = limited(requests_per_minute=1000)
    driver.send_message("Hi", model="m")
    assert stored(server, driver) == {"openai:requests_per_minute": 21}


async def ask_and_close(driver: MockDriver, grace: float | None) -> None:
    provider = driver.asynchronous()
    await provider.send_message("Hi", model="m")
    await provider.aclose(grace)


def test_closing_one_connection_disturbs_no_other(server: RedisServer, limited: Limited) -> None:
    staying = limited(requests_per_minute=10_000, redis_failure="closed", mode="raise")
    done = threading.Event()
    failed: list[Exception] = []

    def work() -> None:
        while not done.is_set():
            try:
                staying.send_message("Hi", model="m")
            except Exception as error:
                failed.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    for number in range(50):
        passing = limited(requests_per_minute=1000, redis_failure="closed", name=f"passing {number}")
        passing.send_message("Hi", model="m")
        passing.close(0.0 if number % 2 else None)
    done.set()
    worker.join()
    assert not failed
    assert connected(server) > 0
