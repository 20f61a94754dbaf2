"""Every call has one beginning and one end, every attempt one report: random programs of calls show it.

A program is a list of steps. Each asks a mock, which answers or fails by its script, in a way that ends a call: read
whole, streamed to the end, left after some chunks, closed before it is read, dropped, cancelled, with listeners that
raise; operations and batches are among them. All of it in both colours.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydriver import (
    AIError,
    AsyncProvider,
    AttemptFinished,
    CostCalculated,
    Event,
    MessageSent,
    MockDriver,
    Provider,
    ProviderFellBack,
    RequestFailed,
    RequestRetried,
    ResponseGenerated,
    StreamAbandoned,
)
from polydriver.drivers.mock.failures import FAILURES
from polydriver.engine.waiting import no_waiting

from .gates import LeaseLog

ENDINGS = (ResponseGenerated, RequestFailed, StreamAbandoned)
REPLIES: list[Any] = ["a plain answer of some length", *({"error": word} for word in FAILURES)]
STEPS = (
    "send", "structured", "stream", "leave", "close unread", "close open", "drop", "callback raises", "interrupt",
    "embed", "embed badly", "batch", "models", "ask badly",
)  # fmt: skip


class Interrupt(BaseException):
    """Stands for Ctrl-C: not an `Exception`."""


class Calls:
    """The events of a program, by call."""

    def __init__(self, events: list[Event]) -> None:
        self.by_call: dict[str, list[Event]] = {}
        for event in events:
            if event.request_id is not None:
                self.by_call.setdefault(event.request_id, []).append(event)

    def check(self) -> None:
        for events in self.by_call.values():
            kinds = [type(event) for event in events]
            endings = [event for event in events if isinstance(event, ENDINGS)]
            if MessageSent in kinds:
                assert kinds[0] is MessageSent, kinds
                assert kinds.count(MessageSent) == 1, kinds
                assert len(endings) == 1, kinds
            assert len(endings) <= 1, kinds
            assert kinds.count(CostCalculated) <= 1, kinds
            self._check_attempts(events)
            if endings and isinstance(endings[0], ResponseGenerated):
                assert kinds[-2:] == [ResponseGenerated, CostCalculated], kinds
                assert endings[0].response.attempts == [e.attempt for e in events if isinstance(e, AttemptFinished)]
            elif endings:
                assert isinstance(events[-1], RequestFailed | StreamAbandoned), kinds

    def _check_attempts(self, events: list[Event]) -> None:
        finished = [event.attempt for event in events if isinstance(event, AttemptFinished)]
        assert [attempt.number for attempt in finished] == list(range(1, len(finished) + 1))
        retries = sum(isinstance(event, RequestRetried | ProviderFellBack) for event in events)
        assert len(finished) >= retries, "a retry follows an attempt that ended"
        for event in events:
            if isinstance(event, RequestFailed):
                assert event.attempts == len(finished)
                if isinstance(event.error, AIError):
                    assert list(event.error.attempts) == finished
            if isinstance(event, ResponseGenerated):
                assert finished[-1].outcome == "success"
                assert finished[-1].cost == event.response.cost
            if isinstance(event, StreamAbandoned) and finished:
                if finished[-1].outcome == "failure":  # cancelled before the next attempt
                    assert (event.reason, event.response) == ("cancelled", None)
                    assert isinstance(events[-2], RequestRetried | AttemptFinished | ProviderFellBack)
                else:
                    assert finished[-1].outcome in ("abandoned", "cancelled")


def raising(event: Event) -> None:
    """A listener that fails on everything."""
    raise ValueError(event.name)


async def raising_later(event: Event) -> None:
    """The same for a coroutine function."""
    raise ValueError(event.name)


def run_blocking(provider: Provider, step: str, take: int) -> None:
    stream = provider.send_streaming_message
    match step:
        case "send":
            provider.send_message("Hi")
        case "structured":
            provider.send_message("Hi", response_format=int)
        case "stream":
            stream("Hi").until_done()
        case "leave":
            with stream("Hi") as left:
                for _ in range(take):
                    next(left)
        case "close unread":
            stream("Hi").close()
        case "close open":
            opened = iter(stream("Hi"))
            next(opened)
            opened.close()
            opened.close()
        case "drop":
            next(stream("Hi"))
        case "callback raises":
            provider.stream_message("Hi", fail_after(take))
        case "interrupt":
            with stream("Hi") as broken:
                for _ in broken.on_chunk(fail_after(take)):
                    pass
        case "embed":
            provider.embed(["one", "two"], model="mock-embedding")
        case "embed badly":
            provider.embed("x", model="mock-error-500")
        case "batch":
            provider.send_batch(["1", "2", "3"], max_concurrency=2, return_exceptions=True)
        case "models":
            provider.get_available_models(refresh=True)
        case _:
            provider.send_message("Hi", top_k="not a number")


async def run_async(provider: AsyncProvider, step: str, take: int) -> None:
    stream = provider.send_streaming_message
    match step:
        case "send":
            await provider.send_message("Hi")
        case "structured":
            await provider.send_message("Hi", response_format=int)
        case "stream":
            await stream("Hi").until_done()
        case "leave":
            async with stream("Hi") as left:
                for _ in range(take):
                    await anext(left)
        case "close unread":
            await stream("Hi").aclose()
        case "close open":
            opened = stream("Hi")
            await anext(opened)
            await opened.aclose()
            await opened.aclose()
        case "drop":
            await anext(stream("Hi"))
        case "callback raises":
            await provider.stream_message("Hi", fail_after(take))
        case "interrupt":
            await cancelled(provider, take)
        case "embed":
            await provider.embed(["one", "two"], model="mock-embedding")
        case "embed badly":
            await provider.embed("x", model="mock-error-500")
        case "batch":
            await provider.send_batch(["1", "2", "3"], max_concurrency=2, return_exceptions=True)
        case "models":
            await provider.get_available_models(refresh=True)
        case _:
            await provider.send_message("Hi", top_k="not a number")


async def cancelled(provider: AsyncProvider, take: int) -> None:
    """Cancel a task that reads a stream, or one that waits for a whole answer, after some turns of the loop."""
    work = provider.send_message("Hi") if take % 2 else provider.send_streaming_message("Hi").until_done()
    task = asyncio.ensure_future(work)
    for _ in range(take):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def fail_after(count: int) -> Callable[[object], None]:
    """A callback that raises on its call number `count`."""
    left = [count]

    def callback(chunk: object) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise Interrupt

    return callback


PROGRAMS = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 4)), min_size=1, max_size=8)
SCRIPTS = st.lists(st.sampled_from(REPLIES), max_size=16)
OTHERS = st.lists(SCRIPTS, max_size=2)
LISTENERS = st.lists(st.sampled_from([raising, raising_later]), max_size=2)


def make(
    script: list[Any], listeners: list[Any], others: list[list[Any]] | None = None
) -> tuple[MockDriver, list[Event]]:
    """A mock, and what it tells. `others` are the scripts of mocks that it falls back to."""
    behind = [
        MockDriver({"name": f"other-{number}"}, replies=list(replies), default="another answer", retry_attempts=1)
        for number, replies in enumerate(others or ())
    ]
    for other in behind:
        other.connection.gates = (LeaseLog(),)
    driver = MockDriver(
        replies=list(script),
        default="the default answer",
        retry_attempts=2,
        chunk_size=4,
        options={"fallback": behind} if behind else {},
    )
    events: list[Event] = []
    for listener in listeners:
        driver.on("*", listener)
    driver.on("*", events.append)
    driver.connection.gates = (LeaseLog(),)
    return driver, events


def check(driver: MockDriver, events: list[Event]) -> None:
    Calls(events).check()
    reports = [event.attempt for event in events if isinstance(event, AttemptFinished)]
    for asked in (driver, *driver.config.options.get("fallback", ())):
        assert not asked.connection.outstanding
        for gate in asked.connection.gates:
            assert isinstance(gate, LeaseLog)
            gate.check([report for report in reports if report.provider == asked.connection.name])


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("CRITICAL", logger="polydriver")
    with no_waiting():
        yield


QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@QUICK
@given(PROGRAMS, SCRIPTS, LISTENERS, OTHERS)
def test_blocking_calls_have_one_end(
    program: list[tuple[str, int]], script: list[Any], listeners: list[Any], others: list[list[Any]]
) -> None:
    driver, events = make(script, listeners, others)
    for step, take in program:
        with contextlib.suppress(AIError, Interrupt, StopIteration):
            run_blocking(driver, step, take)
    gc.collect()
    check(driver, events)


@QUICK
@given(PROGRAMS, SCRIPTS, LISTENERS, OTHERS)
def test_async_calls_have_one_end(
    program: list[tuple[str, int]], script: list[Any], listeners: list[Any], others: list[list[Any]]
) -> None:
    driver, events = make(script, listeners, others)

    async def main() -> None:
        provider = driver.asynchronous()
        for step, take in program:
            with contextlib.suppress(AIError, Interrupt, StopAsyncIteration):
                await run_async(provider, step, take)
        gc.collect()
        for _ in range(4):
            await asyncio.sleep(0)

    asyncio.run(main())
    check(driver, events)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_makes_the_calls_that_it_names(step: str) -> None:
    """The programs above test something: with a script without failures each step ends as it says."""
    driver, events = make([], [])
    with contextlib.suppress(AIError, Interrupt):
        run_blocking(driver, step, 1)
    gc.collect()
    count = Counter(event.name for event in events)
    wanted = {
        "send": {"MessageSent": 1, "AttemptFinished": 1, "ResponseGenerated": 1, "CostCalculated": 1},
        "stream": {"MessageSent": 1, "AttemptFinished": 1, "ResponseGenerated": 1, "CostCalculated": 1},
        "structured": {"MessageSent": 1, "AttemptFinished": 1, "RequestFailed": 1, "CostCalculated": 1},
        "embed": {"AttemptFinished": 1, "CostCalculated": 1},
        "embed badly": {"AttemptFinished": 2, "RequestRetried": 1, "RequestFailed": 1},
        "batch": {"MessageSent": 3, "AttemptFinished": 3, "ResponseGenerated": 3, "CostCalculated": 3},
        "models": {"AttemptFinished": 1},
        "close unread": {},
        "ask badly": {},
    }
    left = {"MessageSent": 1, "AttemptFinished": 1, "CostCalculated": 1, "StreamAbandoned": 1}
    assert count == wanted.get(step, left)


def test_what_was_delivered_of_a_stream_that_was_left_is_paid_for() -> None:
    driver, events = make(["x" * 400], [])
    with driver.send_streaming_message("Hi") as stream:
        for _ in range(3):
            next(stream)
    left = events[-1]
    assert isinstance(left, StreamAbandoned)
    assert left.reason == "closed"
    assert left.response is not None
    usage, cost = left.response.usage, left.response.cost
    assert usage is not None
    assert usage.estimated
    assert cost is not None
    assert cost.estimated
    assert cost.total > 0
    attempt = left.response.attempts[-1]
    assert (attempt.outcome, attempt.usage, attempt.cost) == ("abandoned", usage, cost)
    costs = [event for event in events if isinstance(event, CostCalculated)]
    assert [event.cost for event in costs] == [cost]


async def chunks_of(provider: AsyncProvider) -> AsyncIterator[str]:
    async for chunk in provider.send_streaming_message("Hi"):
        yield chunk.content


async def test_a_dropped_async_stream_is_told_without_waiting() -> None:
    driver, events = make(["x" * 400], [])
    told: list[str] = []

    async def listen(event: StreamAbandoned) -> None:
        await asyncio.sleep(0)
        told.append(event.reason)

    driver.on(StreamAbandoned, listen)
    async for _ in chunks_of(driver.asynchronous()):
        break
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    assert isinstance(events[-1], StreamAbandoned)
    assert told == ["dropped"]


def test_a_stream_that_is_open_at_exit_is_told(tmp_path: Any) -> None:
    import subprocess
    import sys

    program = (
        "from polydriver import MockDriver, StreamAbandoned\n"
        "driver = MockDriver(replies=['x' * 400], chunk_size=4)\n"
        "driver.on(StreamAbandoned, lambda event: print(event.reason, event.response.usage.estimated))\n"
        "stream = driver.send_streaming_message('Hi')\n"
        "next(stream)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "exit True\n"


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_the_error_of_a_retry_keeps_nothing_of_the_call_alive(colour: str) -> None:
    driver, events = make([{"error": "connection"}, "an answer of some length"], [])
    if colour == "blocking":
        run_blocking(driver, "drop", 0)
    else:
        asyncio.run(run_async(driver.asynchronous(), "send", 0))
    gc.collect()
    retried = [event.error for event in events if isinstance(event, RequestRetried)]
    assert len(retried) == 1
    link: BaseException | None = retried[0]
    while link is not None:
        assert link.__traceback__ is None
        link = link.__cause__ or link.__context__
    Calls(events).check()


async def test_a_caller_that_leaves_while_its_attempt_is_settled_leaves_no_lease() -> None:
    driver, events = make([], [])
    (gate,) = driver.connection.gates
    assert isinstance(gate, LeaseLog)
    provider = driver.asynchronous()
    ends = set()
    for turns in range(12):
        task = asyncio.create_task(provider.send_message("Hi", model="m"))
        for _ in range(turns):
            await asyncio.sleep(0)
        ends.add(task.cancel())
        await asyncio.gather(task, return_exceptions=True)
    assert ends == {True, False}
    check(driver, events)
