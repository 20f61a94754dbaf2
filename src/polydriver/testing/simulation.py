"""Simulated time: hours of calls, outages and limits in a moment, and the same seed gives the same run.

::

    simulation = Simulation(seed=7)
    service = simulation.service(latency=(0.2, 1.5), outages=[Outage(60, 120)], requests_per_minute=500)
    ai = AsyncAI.fake(service, rate_limiting={"requests_per_minute": 400})

    async def caller():
        await ai.provider().send_message("Hi")

    outcomes = simulation.run(simulation.callers(caller, per_second=10, seconds=300))
    print(simulation.seed, service.sent(60, 120))  # the requests that came during the outage
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from ..drivers.mock import MockCall
from ..engine.waiting import clock
from ..errors import AIError

__all__ = ["Outage", "Outcome", "Service", "ServiceRequest", "Simulation"]

T = TypeVar("T")

Latency: TypeAlias = float | tuple[float, float] | Callable[[random.Random], float]
"""Seconds; the least and the most; or a function of the chance of the simulation, such as
`lambda chance: chance.lognormvariate(0, 1)`."""

_TICK = 1e-9
"""Seconds that each turn of the loop takes at least, so that a wait that is too short for a float comes to its end."""


class Outage(msgspec.Struct, frozen=True):
    """From `begin` to `end` (seconds since the beginning of the simulation) a `share` of the requests fails.

    `reply` is what they get: anything that a mock can be told to reply, such as `{"error": "overloaded"}`,
    `{"error": "timeout"}`, or an error of ours.
    """

    begin: float
    end: float
    share: float = 1.0
    reply: Any = msgspec.field(default_factory=lambda: {"error": 503})


class ServiceRequest(msgspec.Struct, frozen=True):
    """A request that came: when, for which model, and what became of it: "answered", "failed" or "limited"."""

    at: float
    model: str | None
    outcome: str


class Service:
    """A provider to simulate: give it to a mock as its reply (`AI.fake(service)`, `MockDriver(default=service)`).

    `requests` has every request that came. Made by `Simulation.service`.
    """

    def __init__(
        self,
        simulation: Simulation,
        *,
        text: str,
        latency: Latency,
        outages: Sequence[Outage],
        requests_per_minute: int | None,
        failure_ratio: float,
    ) -> None:
        self.requests: list[ServiceRequest] = []
        self._simulation = simulation
        self._text = text
        self._latency = latency
        self._outages = outages
        self._limit = requests_per_minute
        self._failure_ratio = failure_ratio
        self._lately: deque[float] = deque()

    def __call__(self, call: MockCall) -> Any:
        """What a mock asks for each request."""
        chance, now = self._simulation.random, self._simulation.now
        wait = self._wait_for_room(now)
        outcome, reply = "answered", None
        if wait is not None:
            outcome, reply = "limited", {"error": "rate_limit", "retry_after": wait}
        for outage in self._outages:
            if reply is None and outage.begin <= now < outage.end and chance.random() < outage.share:
                outcome, reply = "failed", outage.reply
        if reply is None and chance.random() < self._failure_ratio:
            outcome, reply = "failed", {"error": 500}
        self.requests.append(ServiceRequest(now, call.model, outcome))
        return {"content": self._text, "delay": self._draw(chance)} if reply is None else reply

    def _draw(self, chance: random.Random) -> float:
        latency = self._latency
        if callable(latency):
            return latency(chance)
        return chance.uniform(*(latency if isinstance(latency, tuple) else (latency, latency)))

    def sent(self, begin: float = 0.0, end: float = float("inf"), outcome: str | None = None) -> int:
        """How many requests came from `begin` to `end`, with this outcome."""
        return sum(begin <= one.at < end and outcome in (None, one.outcome) for one in self.requests)

    def most_in(self, seconds: float) -> int:
        """The most requests that came in any stretch of so many seconds."""
        most, times = 0, deque[float]()
        for one in self.requests:
            times.append(one.at)
            while times[0] <= one.at - seconds:
                times.popleft()
            most = max(most, len(times))
        return most

    def _wait_for_room(self, now: float) -> float | None:
        """Seconds until the limit has room again; `None` when it has, and the request counts."""
        if self._limit is None:
            return None
        lately = self._lately
        while lately and lately[0] <= now - 60.0:
            lately.popleft()
        if len(lately) >= self._limit:
            return max(0.001, lately[0] + 60.0 - now)
        lately.append(now)
        return None


class Outcome(msgspec.Struct, Generic[T], frozen=True):
    """What came of one call of `Simulation.callers`: when it began and ended, and its value or its error."""

    began: float
    ended: float
    value: T | None = None
    error: AIError | None = None


class Simulation:
    """See the module. `seed` is chosen and can be read where none is given; print it when a test fails.

    Async calls over mocks take part: every wait of the event loop passes at once, and the clocks of limits, circuits,
    retries, deadlines and latencies go with it. Real sockets and threads do not.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = random.randrange(2**32) if seed is None else seed
        self.random = random.Random(self.seed)
        self._now = 0.0

    def __repr__(self) -> str:
        return f"<Simulation seed={self.seed} now={self._now:g}>"

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self._now

    def service(
        self,
        text: str = "Hello!",
        *,
        latency: Latency = 0.0,
        outages: Sequence[Outage] = (),
        requests_per_minute: int | None = None,
        failure_ratio: float = 0.0,
    ) -> Service:
        """A provider to simulate.

        - `latency`: seconds before an answer, or from which to which they are drawn, or what draws them.
        - `outages`: when it fails; `failure_ratio`: which share of the requests fails at any time (0 to 1).
        - `requests_per_minute`: its own limit; beyond it, it answers 429 with `Retry-After`.
        """
        return Service(
            self, text=text, latency=latency, outages=outages, requests_per_minute=requests_per_minute,
            failure_ratio=failure_ratio,
        )  # fmt: skip

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in simulated time, to its end, and return its result.

        Chance (jitter, the choice among targets) is seeded meanwhile, and as it was afterwards.
        """
        before = random.getstate()
        random.seed(self.seed)
        try:
            with clock(lambda: self._now), asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
                return runner.run(work)
        finally:
            random.setstate(before)

    async def callers(self, act: Callable[[], Awaitable[T]], *, per_second: float, seconds: float) -> list[Outcome[T]]:
        """Call `act` at random moments (a Poisson process) for so long, and wait for all that began.

        Errors of ours are outcomes; others are raised.
        """
        tasks: list[asyncio.Task[Outcome[T]]] = []
        ends = self._now + seconds
        while True:
            await asyncio.sleep(self.random.expovariate(per_second))
            if self._now >= ends:
                return list(await asyncio.gather(*tasks))
            tasks.append(asyncio.create_task(self._outcome(act)))

    async def _outcome(self, act: Callable[[], Awaitable[T]]) -> Outcome[T]:
        began = self._now
        try:
            value = await act()
        except AIError as error:
            return Outcome(began, self._now, error=error)
        return Outcome(began, self._now, value=value)

    @staticmethod
    def count(outcomes: Sequence[Outcome[Any]]) -> Counter[str]:
        """How many calls ended in which way: "answered", or the name of the error."""
        return Counter("answered" if one.error is None else type(one.error).__name__ for one in outcomes)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose waits for the clock pass at once."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        super().__init__(_Selector(simulation))

    def time(self) -> float:
        """See `asyncio.AbstractEventLoop.time`."""
        return self._simulation.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's
        """See `asyncio.loop.shutdown_default_executor`; threads are waited for in real time."""
        await super().shutdown_default_executor()


class _Selector(selectors.DefaultSelector):
    def __init__(self, simulation: Simulation) -> None:
        super().__init__()
        self._simulation = simulation

    def select(self, timeout: float | None = None) -> Any:
        """What is ready now. A wait with an end passes at once; one without waits for other threads."""
        ready = super().select(timeout if timeout is None else 0)
        if not ready and timeout is not None:
            self._simulation._now += max(timeout, _TICK)
        return ready
