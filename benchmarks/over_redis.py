"""Limits over Redis beside a bare `EVALSHA` of redis-py: `python -m benchmarks.over_redis [--rounds 60]`.

Both run the same script over the same four limits (requests, input and output tokens a minute, calls at once) in a real
Redis or Valkey, in turns, first one then the other and back; blocking, and async with 1 and with 50 in flight. Ours
also estimates what a prompt uses and settles what it used. Needs the development environment and redis-server. Prints
CPU of the client and wall-clock microseconds for each attempt, and the ratio of the latter: the median over all turns.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import redis
import redis.asyncio
from tests.servers import RedisServer, find_redis

from polydriver import MockDriver
from polydriver.colours import drive
from polydriver.data.prompt import Prompt
from polydriver.data.usage import TokenUsage
from polydriver.engine.policies import Outcome
from polydriver.engine.policies.limits.over_redis import RedisLimits
from polydriver.engine.policies.limits.over_redis.scripts import TAKE, taken, taking
from polydriver.prompting import make_messages

__all__ = ["main"]

_MUCH = 1_000_000_000
_STEPS = 100
_BARE, _OURS = "bare EVALSHA", "admit and settle"
_LIMITS = ("requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute", "max_concurrent")


_KEYS = [*(f"{{bare}}:{name}" for name in _LIMITS), "{bare}:leases", "{bare}:line", "{bare}:places"]
_SIZES = [number for name in _LIMITS for number in (_MUCH, 0 if name == "max_concurrent" else 60_000)]
_ARGUMENT = taking(_SIZES, 30_000, "", 0, 3000, [("id", 1, 9, 500, 1)])
_CALL = (TAKE.digest, len(_KEYS), *_KEYS, _ARGUMENT)


def _check(answer: Any) -> None:
    assert isinstance(answer, bytes)
    assert taken(answer)[0] == 1


def _gate(driver: MockDriver) -> RedisLimits:
    gate = driver.connection.limits
    assert isinstance(gate, RedisLimits)
    return gate


def _attempt(port: Any) -> tuple[Any, Outcome]:
    """An attempt, and how it ends."""
    call = SimpleNamespace(operation=None, deadline=None, queue="interactive")
    prompt = Prompt(messages=make_messages("How do I reverse a list in Python?"), model="m")
    attempt = SimpleNamespace(call=call, prompt=prompt, model="m", target=SimpleNamespace(port=port))
    return attempt, Outcome(kind="success", usage=TokenUsage(input_tokens=9, output_tokens=48))


def _blocking(client: redis.Redis, driver: MockDriver) -> dict[str, Callable[[], None]]:
    gate, port = _gate(driver), driver.connection.blocking_port()
    attempt, outcome = _attempt(port)

    def ours() -> None:
        drive(gate.settle(drive(gate.admit(attempt, port)), outcome, None, port))

    return {_BARE: lambda: _check(client.evalsha(*_CALL)), _OURS: ours}


def _asynchronous(client: Any, driver: MockDriver) -> dict[str, Callable[[], Awaitable[None]]]:
    gate, port = _gate(driver), driver.connection.async_port()
    attempt, outcome = _attempt(port)

    async def bare() -> None:
        _check(await client.evalsha(*_CALL))

    async def ours() -> None:
        await gate.settle(await gate.admit(attempt, port), outcome, None, port)

    return {_BARE: bare, _OURS: ours}


Turn = tuple[float, float]
"""CPU and wall-clock microseconds of a step."""


def _since(cpu: float, wall: float, steps: int) -> Turn:
    return (time.process_time() - cpu) / steps * 1e6, (time.perf_counter() - wall) / steps * 1e6


def _measure(step: Callable[[], None]) -> Turn:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(_STEPS):
        step()
    return _since(cpu, wall, _STEPS)


async def _measure_tasks(step: Callable[[], Awaitable[None]], in_flight: int) -> Turn:
    async def task() -> None:
        for _ in range(_STEPS // in_flight):
            await step()

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(task() for _ in range(in_flight)))
    return _since(cpu, wall, _STEPS)


def _show(title: str, found: Mapping[str, list[Turn]]) -> None:
    for name, turns in found.items():
        cpu, wall = (statistics.median(turn[part] for turn in turns) for part in (0, 1))
        print(f"{title:22}{name:20}{cpu:10.1f}{wall:10.1f}")
    bare, ours = ([one[1] + other[1] for one, other in zip(turns[::2], turns[1::2], strict=True)]
                  for turns in (found[_BARE], found[_OURS]))  # fmt: skip
    ratio = statistics.median(own / other for own, other in zip(ours, bare, strict=True))
    print(f"{title:22}x bare EVALSHA: {ratio:.2f} (goal: 1.2)")


def _run(url: str, driver: MockDriver, rounds: int) -> None:
    order = (_BARE, _OURS, _OURS, _BARE)
    client = redis.Redis.from_url(url, protocol=2, driver_info=None)
    client.eval(TAKE.source, *_CALL[1:])
    steps = _blocking(client, driver)
    for name in order:
        _measure(steps[name])
    found: dict[str, list[Turn]] = {_BARE: [], _OURS: []}
    for _ in range(rounds):
        for name in order:
            found[name].append(_measure(steps[name]))
    client.close()
    _show("blocking", found)

    async def tasks() -> None:
        async with redis.asyncio.Redis.from_url(url, protocol=2, driver_info=None) as client:
            steps = _asynchronous(client, driver)
            for in_flight in (1, 50):
                for name in order:
                    await _measure_tasks(steps[name], in_flight)
                found: dict[str, list[Turn]] = {_BARE: [], _OURS: []}
                for _ in range(rounds):
                    for name in order:
                        found[name].append(await _measure_tasks(steps[name], in_flight))
                _show(f"async, {in_flight} in flight", found)

    asyncio.run(tasks())


def main() -> int:
    """Measure, print a table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.over_redis", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=60, help="how many times each takes its two turns (60)")
    rounds = parser.parse_args().rounds
    program = find_redis()
    if program is None:
        print("redis-server or valkey-server is not there", file=sys.stderr)
        return 2
    server = RedisServer(program)
    server.start()
    limits = {"redis_url": server.url, "redis_timeout": 5.0, **dict.fromkeys(_LIMITS, _MUCH)}
    driver = MockDriver(default="fine", rate_limiting=limits, name="openai")
    print(f"{'':42}{'CPU µs':>10}{'µs':>10}")
    try:
        _run(server.url, driver, rounds)
    finally:
        driver.close()
        server.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
