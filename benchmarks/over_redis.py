"""Limits over Redis beside a bare `EVALSHA` of redis-py: `python -m benchmarks.over_redis [--rounds 15]`.

Both run the same script over the same four limits (requests, input and output tokens a minute, calls at once) in a real
Redis or Valkey, in turns. Ours also estimates what a prompt uses and settles what it used. Needs the development
environment and redis-server. Prints CPU and wall-clock microseconds for each attempt, and the ratio of the latter.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import redis
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
_STEPS = 500
_LIMITS = ("requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute", "max_concurrent")


def _bare(client: redis.Redis) -> Callable[[], None]:
    keys = [*(f"{{bare}}:{name}" for name in _LIMITS), "{bare}:leases", "{bare}:line", "{bare}:places"]
    sizes = [number for name in _LIMITS for number in (_MUCH, 0 if name == "max_concurrent" else 60_000)]
    argument = taking(sizes, 30_000, "", 0, 3000, [("id", 1, 9, 500, 1)])
    client.eval(TAKE.source, len(keys), *keys, argument)

    def step() -> None:
        answer: object = client.evalsha(TAKE.digest, len(keys), *keys, argument)
        assert isinstance(answer, bytes)
        assert taken(answer)[0] == 1

    return step


def _ours(driver: MockDriver) -> Callable[[], None]:
    gate, port = driver.connection.limits, driver._pipeline.port
    assert isinstance(gate, RedisLimits)
    call = SimpleNamespace(operation=None, deadline=None, queue="interactive")
    prompt = Prompt(messages=make_messages("How do I reverse a list in Python?"), model="m")
    attempt = SimpleNamespace(call=call, prompt=prompt, model="m", target=SimpleNamespace(port=port))
    outcome = Outcome(kind="success", usage=TokenUsage(input_tokens=9, output_tokens=48))

    def step() -> None:
        lease = drive(gate.admit(attempt, port))
        drive(gate.settle(lease, outcome, None, port))

    return step


def _measure(step: Callable[[], None]) -> tuple[float, float]:
    """CPU and wall-clock microseconds of a step."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(_STEPS):
        step()
    return (time.process_time() - cpu) / _STEPS * 1e6, (time.perf_counter() - wall) / _STEPS * 1e6


def main() -> int:
    """Measure, print a table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.over_redis", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="how many times each takes its turn (15)")
    rounds = parser.parse_args().rounds
    program = find_redis()
    if program is None:
        print("redis-server or valkey-server is not there", file=sys.stderr)
        return 2
    server = RedisServer(program)
    server.start()
    client = redis.Redis.from_url(server.url, protocol=2, driver_info=None)
    limits = {"redis_url": server.url, "redis_timeout": 5.0, **dict.fromkeys(_LIMITS, _MUCH)}
    driver = MockDriver(default="fine", rate_limiting=limits, name="openai")
    try:
        steps = {"bare EVALSHA": _bare(client), "admit and settle": _ours(driver)}
        for step in steps.values():
            _measure(step)
        found = [{name: _measure(step) for name, step in steps.items()} for _ in range(rounds)]
    finally:
        driver.close()
        client.close()
        server.stop()
    print(f"{'':20}{'CPU µs':>10}{'µs':>10}")
    for name in steps:
        cpu, wall = (statistics.median(one[name][part] for one in found) for part in (0, 1))
        print(f"{name:20}{cpu:10.1f}{wall:10.1f}")
    ratio = statistics.median(one["admit and settle"][1] / one["bare EVALSHA"][1] for one in found)
    print(f"x bare EVALSHA: {ratio:.2f} (goal: 1.2)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
