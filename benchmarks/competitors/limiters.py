"""Limiters: `step` takes from four limits (requests, input tokens, output tokens, calls at once) and settles it.

polydriver takes all four in one step, from a prompt whose use it estimates itself, and gives back what was not used.
The others take given amounts from four limits of theirs, one after another, and give nothing back. The limits are so
large that nothing is refused. Strategies that keep an entry for each token are left out: they cost what is taken.
"""

from __future__ import annotations

import time
from collections import deque
from types import SimpleNamespace
from typing import Any

from . import MODEL, PROMPT

__all__ = ["LIMITERS", "LINES", "OWN", "Limits", "Line", "PolydriverLimits", "PyrateLimiter", "Throttled"]

OWN = "polydriver, admit and settle"
LIMITERS = {
    "limits, fixed window": "limiters:Limits@fixed window",
    "limits, sliding window": "limiters:Limits@sliding window",
    "throttled-py, fixed window": "limiters:Throttled@fixed_window",
    "throttled-py, GCRA": "limiters:Throttled@gcra",
    "throttled-py, token bucket": "limiters:Throttled@token_bucket",
    "pyrate-limiter, GCRA": "limiters:PyrateLimiter@GCRA",
    OWN: "limiters:PolydriverLimits",
}
LINES = {f"{length:,} in line": f"limiters:Line@{length}" for length in (100, 10_000)}

_MUCH = 1_000_000_000
_AMOUNTS = (1, 100, 500, 1)


class PolydriverLimits:
    """The policy of a connection, as the engine asks it."""

    def __init__(self, _origin: str) -> None:
        from polydriver.config.limits import RateLimitConfig
        from polydriver.data.prompt import Prompt
        from polydriver.data.usage import TokenUsage
        from polydriver.engine.policies import Outcome
        from polydriver.engine.policies.limits.policy import Limits
        from polydriver.prompting import make_messages

        config = RateLimitConfig(
            requests_per_minute=_MUCH, input_tokens_per_minute=_MUCH, output_tokens_per_minute=_MUCH, max_concurrent=1
        )
        call = SimpleNamespace(operation=None, deadline=None, queue="interactive")
        prompt = Prompt(messages=make_messages(PROMPT), model=MODEL)
        self._attempt = SimpleNamespace(call=call, prompt=prompt, model=MODEL)
        self._outcome = Outcome(kind="success", usage=TokenUsage(input_tokens=9, output_tokens=48))
        self._limits = Limits("openai", config)

    def step(self) -> None:
        lease = self._limits.admit(self._attempt, time.monotonic())
        self._limits.settle(lease, self._outcome, time.monotonic())


class Line:
    """polydriver's limiter with so many in line: a call ends, the first in line is served, another one joins."""

    def __init__(self, _origin: str, wire: str) -> None:
        from polydriver.engine.policies.limits.limiter import Limiter, LimitSet
        from polydriver.engine.policies.limits.meters import Meter, Slots, Window

        meters: list[Meter] = [
            Window("requests", "requests", _MUCH, 60.0),
            Window("input", "input_tokens", _MUCH, 60.0),
            Window("output", "output_tokens", _MUCH, 60.0),
            Slots("concurrent", 1),
        ]
        self._amounts = {"requests": 1.0, "input_tokens": 100.0, "output_tokens": 500.0, "concurrent": 1.0}
        self._used = {"requests": 1.0, "input_tokens": 90.0, "output_tokens": 50.0}
        self._limiter, self._limits = Limiter(), LimitSet(meters)
        self._taken: Any = self._limiter.take(self._limits, self._amounts, time.monotonic())
        self._line: deque[Any] = deque()
        for _ in range(int(wire)):
            self._join()

    def _join(self) -> None:
        ticket, _ = self._limiter.enter(self._limits, self._amounts, time.monotonic(), _Woken())
        self._line.append(ticket)

    def step(self) -> None:
        self._limiter.settle(self._taken, self._used, time.monotonic())
        first = self._line.popleft()
        assert first.taken is not None, "the first in line was not served"
        self._taken = first.taken
        self._join()


class _Woken:
    """Stands for what a waiting call sleeps on."""

    def set(self) -> None: ...


class Limits:
    """`limits`, with a storage in memory."""

    def __init__(self, _origin: str, wire: str) -> None:
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter

        strategy = {"fixed window": FixedWindowRateLimiter, "sliding window": SlidingWindowCounterRateLimiter}[wire]
        self._hit = strategy(MemoryStorage()).hit
        names = ("requests", "input", "output", "concurrent")
        self._items = [RateLimitItemPerMinute(_MUCH, 1, namespace=name) for name in names]

    def step(self) -> None:
        for item, amount in zip(self._items, _AMOUNTS, strict=True):
            if not self._hit(item, "openai", cost=amount):
                raise AssertionError("refused")


class Throttled:
    """`throttled-py`, with its store in memory."""

    def __init__(self, _origin: str, wire: str) -> None:
        import throttled

        store = throttled.MemoryStore()
        self._limits = [
            throttled.Throttled(key=f"openai-{number}", using=wire, quota=throttled.per_min(_MUCH), store=store)
            for number in range(len(_AMOUNTS))
        ]

    def step(self) -> None:
        for limit, amount in zip(self._limits, _AMOUNTS, strict=True):
            if limit.limit(cost=amount).limited:
                raise AssertionError("refused")


class PyrateLimiter:
    """`pyrate-limiter`, with a bucket of constant size: its default keeps an entry for each token."""

    def __init__(self, _origin: str, wire: str) -> None:
        import pyrate_limiter

        algorithm = getattr(pyrate_limiter, wire)
        self._limiters = [
            pyrate_limiter.Limiter(pyrate_limiter.StateBucket([pyrate_limiter.Rate(_MUCH, 60_000)], algorithm()))
            for _ in _AMOUNTS
        ]

    def step(self) -> None:
        for limiter, amount in zip(self._limiters, _AMOUNTS, strict=True):
            if not limiter.try_acquire("openai", amount, blocking=False):
                raise AssertionError("refused")
