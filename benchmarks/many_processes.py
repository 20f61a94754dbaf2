"""One limit for many processes: `python -m benchmarks.many_processes [--seconds 125]`.

Eight processes with fifty tasks each call as often as they may, under 600 requests and 60,000 tokens a minute that are
kept in a real Redis or Valkey. A provider's log has when each request came and how many tokens it used, which is not
what was estimated. No 60 seconds of it may hold more than the limits, and at least 95 % of one of them is to be used in
the first minute. Needs the development environment and redis-server. Exits with 1 where that is not so.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.servers import RedisServer, find_redis

from polydriver import AIResponse, LimitReachedError, MockDriver, Text, TokenUsage
from polydriver.drivers.mock import MockCall
from polydriver.errors import DeadlineExceededError

__all__ = ["main"]

_PROCESSES, _TASKS = 8, 50
_REQUESTS, _TOKENS = 600, 60_000
_INPUT, _MAX_TOKENS, _MINUTE = 10, 150, 60.0


def _call_until(url: str, end: float) -> None:
    """The work of one process; prints when its provider gets a request, and what that uses."""
    chance = random.Random()

    def answer(_call: MockCall) -> AIResponse:
        output = chance.randint(50, _MAX_TOKENS)
        print(f"{time.time():.6f} {_INPUT + output}", flush=True)
        return AIResponse(parts=[Text("fine")], usage=TokenUsage(input_tokens=_INPUT, output_tokens=output))

    limits = {"redis_url": url, "redis_timeout": 5.0, "requests_per_minute": _REQUESTS, "tokens_per_minute": _TOKENS}
    driver = MockDriver(default=answer, name="shared", rate_limiting=limits, retry_attempts=1, delay=0.02)

    async def call(provider: MockDriver) -> None:
        with contextlib.suppress(DeadlineExceededError, LimitReachedError):  # it would have to wait beyond the end
            while (left := end - time.time()) > 0:
                await provider.send_message("Hi", model="m", max_tokens=_MAX_TOKENS, deadline=left)

    async def work() -> None:
        provider = driver.asynchronous()
        await asyncio.gather(*(call(provider) for _ in range(_TASKS)))
        await provider.aclose()

    asyncio.run(work())
    driver.close()


def _most(log: Sequence[tuple[float, int]], seconds: float) -> tuple[int, int]:
    """The most requests and the most tokens in any stretch of so many seconds."""
    requests = tokens = most_requests = most_tokens = first = 0
    for at, used in log:
        requests, tokens = requests + 1, tokens + used
        while log[first][0] <= at - seconds:
            requests, tokens = requests - 1, tokens - log[first][1]
            first += 1
        most_requests, most_tokens = max(most_requests, requests), max(most_tokens, tokens)
    return most_requests, most_tokens


def _run(seconds: float) -> list[tuple[float, int]]:
    """The provider's log of all processes, in order of time."""
    program = find_redis()
    if program is None:
        raise SystemExit("redis-server or valkey-server is not there")
    server = RedisServer(program)
    server.start()
    try:
        command = [
            sys.executable,
            "-m",
            "benchmarks.many_processes",
            "--worker",
            server.url,
            str(time.time() + seconds),
        ]
        workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(_PROCESSES)]
        lines = [line for worker in workers for line in worker.communicate()[0].splitlines()]
        if any(worker.returncode for worker in workers):
            raise SystemExit("a process has failed")
    finally:
        server.stop()
    return sorted((float(at), int(used)) for at, used in (line.split() for line in lines))


def main() -> int:
    """Run it, print what was found, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_processes", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=125.0, help="how long the processes call (125)")
    parser.add_argument("--worker", nargs=2, metavar=("URL", "END"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        _call_until(given.worker[0], float(given.worker[1]))
        return 0
    log = _run(given.seconds)
    requests, tokens = _most(log, _MINUTE)
    first = [used for at, used in log if at < log[0][0] + _MINUTE]
    share = max(len(first) / _REQUESTS, sum(first) / _TOKENS)
    print(f"{_PROCESSES} processes x {_TASKS} tasks, {given.seconds:g} s: {len(log)} requests, "
          f"{sum(used for _, used in log)} tokens")  # fmt: skip
    print(f"most in any {_MINUTE:g} s: {requests} requests of {_REQUESTS}, {tokens} tokens of {_TOKENS}")
    print(f"used in the first {_MINUTE:g} s: {len(first)} requests, {sum(first)} tokens: {share:.1%} of a limit")
    return 0 if requests <= _REQUESTS and tokens <= _TOKENS and share >= 0.95 else 1


if __name__ == "__main__":
    raise SystemExit(main())
