"""Equal calls at once: one request for all of them, whoever of them leaves."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.engine.caching.helpers import PATIENCE, Gated, heard

from polydriver import (
    AIResponse,
    AttemptFinished,
    CacheHit,
    CostCalculated,
    DeadlineExceededError,
    Event,
    MessageSent,
    OpenAIDriver,
    RequestFailed,
    ResponseGenerated,
    ServerError,
    StreamAbandoned,
    StreamInterruptedError,
)
from polydriver.data.http import Request, Simulated
from polydriver.engine.waiting import Stop, Stopped, current_stop

ENDS = (ResponseGenerated, RequestFailed, StreamAbandoned)
KEY = "sk-0123456789abcdef"
WORDS = ["one ", "two ", "three ", "four"]


def answer(request: Request) -> Simulated:
    """Four words, whole or in pieces, with what they used."""
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    if not msgspec.json.decode(request.body or b"{}").get("stream"):
        message = {"role": "assistant", "content": "".join(WORDS)}
        whole = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        return Simulated(headers={"content-type": "application/json"}, chunks=[msgspec.json.encode(whole)])
    events: list[Any] = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in WORDS]
    events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
    pieces = [b"data: " + msgspec.json.encode({"id": "c", **event}) + b"\n\n" for event in events]
    return Simulated(headers={"content-type": "text/event-stream"}, chunks=[*pieces, b"data: [DONE]\n\n"])


def failing(request: Request) -> Simulated:
    return Simulated(status=500, headers={"content-type": "application/json"}, chunks=[b'{"error":{"message":"no"}}'])


def cut(request: Request) -> Simulated:
    whole = answer(request)
    return Simulated(headers=whole.headers, chunks=whole.chunks[:2], end="cut")


def made(gated: Any, **options: Any) -> OpenAIDriver:
    given: dict[str, Any] = {"api_key": KEY, "cache": {"enabled": True}, "retry_attempts": 1, "default_model": "gpt-4o"}
    return OpenAIDriver({**given, "options": {"api": "chat"}, **options}, transport=gated)


def check_lives(events: list[Event], *, requests: int) -> None:
    """Each call has one beginning and one end, each attempt its end before that of its call; one call pays for each."""
    begun = [event.request_id for event in events if isinstance(event, MessageSent)]
    ended = [event.request_id for event in events if isinstance(event, ENDS)]
    assert Counter(begun) == Counter(ended)
    assert set(Counter(begun).values()) <= {1}
    attempts = [event for event in events if isinstance(event, AttemptFinished)]
    assert len(attempts) == requests
    places = {event.request_id: place for place, event in enumerate(events) if isinstance(event, ENDS)}
    for attempt in attempts:
        assert events.index(attempt) < places[attempt.request_id]
    paid = [e for e in events if isinstance(e, CostCalculated) and e.cost is not None and e.cost.total > 0]
    assert len(paid) <= requests


# -- tasks --


@pytest.mark.parametrize("leaves", [False, True], ids=["all stay", "the first leaves"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_thousand_equal_calls_of_tasks_are_one_request(stream: bool, leaves: bool) -> None:
    gated = Gated(answer)
    driver = made(gated)
    events = heard(driver)

    async def main() -> list[AIResponse]:
        async with driver.asynchronous() as provider:

            async def ask() -> AIResponse:
                if not stream:
                    return await provider.send_message("Hi")
                return await provider.send_streaming_message("Hi").until_done()

            tasks = [asyncio.create_task(ask()) for _ in range(1000)]
            await gated.wait_until_asked()
            if leaves:
                tasks[0].cancel()
                await asyncio.wait([tasks[0]])
                assert tasks[0].cancelled()
            gated.gate.set()
            return await asyncio.gather(*tasks[1 if leaves else 0 :])

    answers = asyncio.run(main())
    assert len(gated.requests) == 1
    assert {found.content for found in answers} == {"".join(WORDS)}
    assert [found.cached for found in answers].count(False) == 1
    (paid,) = (found for found in answers if not found.cached)
    assert paid.cost is not None
    assert paid.cost.total > 0
    assert [report.outcome for report in paid.attempts] == ["success"]
    assert all(found.cost is not None and not found.cost.total for found in answers if found is not paid)
    check_lives(events, requests=1)
    assert {event.kind for event in events if isinstance(event, CacheHit)} == {"shared"}
    assert len(driver.connection.cache.flights) == 0
    driver.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_where_all_tasks_leave_the_request_is_stopped(stream: bool) -> None:
    gated = Gated(answer)
    driver = made(gated)
    events = heard(driver)

    async def main() -> None:
        async with driver.asynchronous() as provider:

            async def ask() -> None:
                await (provider.send_streaming_message("Hi").until_done() if stream else provider.send_message("Hi"))

            tasks = [asyncio.create_task(ask()) for _ in range(3)]
            await gated.wait_until_asked()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            gated.gate.set()
            await provider.send_message("Hi")

    asyncio.run(main())
    assert len(gated.requests) == 2
    assert [e.attempt.outcome for e in events if isinstance(e, AttemptFinished)] == ["cancelled", "success"]
    check_lives(events, requests=2)
    driver.close()


def test_a_stream_that_is_left_goes_on_for_the_others() -> None:
    gated = Gated(answer, held=1)
    driver = made(gated)
    events = heard(driver)

    async def main() -> list[str]:
        async with driver.asynchronous() as provider:
            first = provider.send_streaming_message("Hi")
            second = provider.send_streaming_message("Hi")
            opening = [asyncio.create_task(stream.__aenter__()) for stream in (first, second)]
            await gated.wait_until_asked()
            gated.gate.set()
            await asyncio.gather(*opening)
            seen = [(await anext(first)).content]
            await first.aclose()
            gated.rest.set()
            assert seen == WORDS[:1]
            chunks = [chunk.content async for chunk in second]
            assert not second.response.cached  # it has taken over what the first had begun
            assert second.response.cost is not None
            assert second.response.cost.total > 0
            return chunks

    assert asyncio.run(main()) == [*WORDS, ""]
    assert len(gated.requests) == 1
    (left,) = (event for event in events if isinstance(event, StreamAbandoned))
    assert left.response is not None
    assert left.response.content == WORDS[0]
    check_lives(events, requests=1)
    driver.close()


@pytest.mark.parametrize("way", ["aclose", "drop"])
def test_the_last_one_to_leave_a_stream_ends_it(way: str) -> None:
    """What had come is paid for, and told of."""
    held = asyncio.Event()

    def endless(request: Request) -> Simulated:
        whole = answer(request)
        return Simulated(headers=whole.headers, chunks=whole.chunks[:2], end="stall")

    gated = Gated(endless)
    gated.gate.set()
    driver = made(gated)
    events = heard(driver)

    async def main() -> None:
        async with driver.asynchronous() as provider:
            stream: Any = provider.send_streaming_message("Hi")
            assert (await anext(stream)).content == WORDS[0]
            driver.on(StreamAbandoned, lambda event: held.set())
            if way == "aclose":
                await stream.aclose()
            del stream
            await asyncio.wait_for(held.wait(), PATIENCE)

    asyncio.run(main())
    assert [type(event) for event in events] == [MessageSent, AttemptFinished, CostCalculated, StreamAbandoned]
    (cost,) = (event.cost for event in events if isinstance(event, CostCalculated))
    assert cost is not None
    assert cost.estimated
    check_lives(events, requests=1)
    driver.close()


@settings(max_examples=40)
@example(["whole", "turn", "cancel first", "turn", "cancel first", "turn"])  # cancelled while it is cancelled
@example(["stream", "turn", "cancel first", "turn", "cancel first", "turn", "cancel first"])
@given(st.lists(st.sampled_from(["whole", "stream", "cancel first", "cancel last", "turn", "open"]), max_size=14))
def test_whatever_happens_each_call_has_one_end_and_nothing_is_asked_for_twice(steps: list[str]) -> None:
    gated = Gated(answer)
    driver = made(gated)
    events = heard(driver)

    async def main() -> None:
        async with driver.asynchronous() as provider:

            async def ask(kind: str) -> str:
                if kind == "whole":
                    return (await provider.send_message("Hi")).content
                return (await provider.send_streaming_message("Hi").until_done()).content

            tasks: list[asyncio.Task[str]] = []
            for step in steps:
                if step in ("whole", "stream"):
                    tasks.append(asyncio.create_task(ask(step)))
                elif step == "open":
                    gated.gate.set()
                elif step == "turn" or not tasks:
                    await asyncio.sleep(0)
                else:
                    tasks[0 if step == "cancel first" else -1].cancel()
            gated.gate.set()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                assert outcome == "".join(WORDS) or isinstance(outcome, asyncio.CancelledError)

    asyncio.run(main())
    finished = [event for event in events if isinstance(event, AttemptFinished)]
    check_lives(events, requests=len(finished))
    assert [event.attempt.outcome for event in finished].count("success") <= 2  # one whole, one streamed
    driver.close()


# -- threads --


def in_threads(count: int, work: Callable[[int], Any]) -> tuple[list[threading.Thread], dict[int, Any]]:
    found: dict[int, Any] = {}

    def run(number: int) -> None:
        try:
            found[number] = work(number)
        except BaseException as error:
            found[number] = error

    threads = [threading.Thread(target=copy_context().run, args=(run, number)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads, found


def members(driver: OpenAIDriver) -> int:
    cache = driver.connection.cache
    return sum(len(flight.members) for flight in list(cache.flights._open.values())) if cache is not None else 0


def wait_until(happened: Callable[[], bool]) -> None:
    bell = threading.Event()
    for _ in range(60_000):
        if happened():
            return
        bell.wait(0.001)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("leaves", [False, True], ids=["all stay", "the first leaves"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_equal_calls_of_threads_are_one_request(stream: bool, leaves: bool) -> None:
    gated, stop = Gated(answer), Stop()
    driver = made(gated)
    events = heard(driver)

    def ask(number: int) -> AIResponse:
        if number == 0:
            current_stop.set(stop)
        return driver.send_streaming_message("Hi").until_done() if stream else driver.send_message("Hi")

    first, outcome = in_threads(1, ask)
    assert gated.asked.wait(PATIENCE)
    others, found = in_threads(20, lambda number: ask(number + 1))
    wait_until(lambda: members(driver) == 21)
    if leaves:
        stop.set()
        first[0].join(PATIENCE)
        assert isinstance(outcome[0], Stopped | StreamInterruptedError)
    gated.gate.set()
    for thread in (*first, *others):
        thread.join(PATIENCE)
    answers = [*found.values(), *([] if leaves else outcome.values())]
    assert len(gated.requests) == 1
    assert {answer.content for answer in answers} == {"".join(WORDS)}
    assert [answer.cached for answer in answers].count(False) == 1
    check_lives(events, requests=1)
    driver.close()


def test_a_blocking_stream_that_is_left_goes_on_for_the_others_and_the_last_one_ends_it() -> None:
    gated = Gated(answer)
    gated.gate.set()
    driver = made(gated)
    events = heard(driver)
    with driver.send_streaming_message("Hi") as first:
        assert next(first).content == WORDS[0]
    gone = len(events)
    assert isinstance(events[-1], StreamAbandoned | AttemptFinished)
    with driver.send_streaming_message("Hi") as second:
        assert [chunk.content for chunk in second] == [*WORDS, ""]
    assert gone <= len(events)
    check_lives(events, requests=len(gated.requests))
    driver.close()


def test_a_stream_that_is_dropped_while_another_call_joins_does_not_stand_in_its_way() -> None:
    """Garbage is collected at any moment, also of the thread that looks for a flight."""
    gated = Gated(answer)
    gated.gate.set()
    with made(gated) as driver:
        driver.send_message("warm up")
        cache = driver.connection.cache
        stream: Any = driver.send_streaming_message("Hi")
        next(stream)
        with cache.flights._lock:  # what is dropped now is dropped by a thread that holds it
            del stream
        assert driver.send_message("Ho").content == "".join(WORDS)


# -- errors --


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_the_provider_did_is_told_to_all_and_done_once(stream: bool) -> None:
    gated = Gated(failing)
    driver = made(gated)
    events = heard(driver)

    async def main() -> list[Any]:
        async with driver.asynchronous() as provider:

            async def ask() -> AIResponse:
                if stream:
                    return await provider.send_streaming_message("Hi").until_done()
                return await provider.send_message("Hi")

            tasks = [asyncio.create_task(ask()) for _ in range(5)]
            await gated.wait_until_asked()
            gated.gate.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    errors = asyncio.run(main())
    assert all(isinstance(error, ServerError) for error in errors)
    assert len(set(map(id, errors))) == 5
    assert sorted(len(error.attempts) for error in errors) == [0, 0, 0, 0, 1]
    assert len(gated.requests) == 1
    check_lives(events, requests=1)
    driver.close()


def test_a_stream_that_breaks_breaks_for_all_and_one_pays_for_what_came() -> None:
    gated = Gated(cut)
    driver = made(gated)
    events = heard(driver)

    async def main() -> list[Any]:
        async with driver.asynchronous() as provider:
            tasks = [asyncio.create_task(provider.send_streaming_message("Hi").until_done()) for _ in range(4)]
            await gated.wait_until_asked()
            gated.gate.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    errors = asyncio.run(main())
    assert all(isinstance(error, StreamInterruptedError) for error in errors)
    assert {error.partial.content for error in errors} == {"one two "}
    assert sorted(error.partial.cached for error in errors) == [False, True, True, True]
    check_lives(events, requests=1)
    driver.close()


def test_the_time_of_one_call_is_not_that_of_the_others() -> None:
    gated = Gated(answer)
    driver = made(gated)
    events = heard(driver)

    async def main() -> list[Any]:
        async with driver.asynchronous() as provider:
            tasks = [asyncio.create_task(provider.send_message("Hi"))]
            await gated.wait_until_asked()
            hurried = asyncio.create_task(provider.send_message("Hi", deadline=0.01))
            await asyncio.wait([hurried])
            gated.gate.set()
            return await asyncio.gather(hurried, *tasks, return_exceptions=True)

    late, fine = asyncio.run(main())
    assert isinstance(late, DeadlineExceededError)
    assert fine.content == "".join(WORDS)
    check_lives(events, requests=1)
    driver.close()


def test_a_provider_that_is_closed_ends_shared_calls_as_any() -> None:
    gated = Gated(answer)
    driver = made(gated)
    events = heard(driver)
    threads, found = in_threads(3, lambda number: driver.send_message("Hi"))
    wait_until(lambda: members(driver) == 3)
    driver.close(grace=0)
    for thread in threads:
        thread.join(PATIENCE)
    assert {type(outcome).__name__ for outcome in found.values()} == {"ProviderClosedError"}
    check_lives(events, requests=1)
