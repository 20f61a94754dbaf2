"""Batches of any length: what is read when, in which order outcomes come, and what a batch that ends early says."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.test_batches import answer, driver_for
from tests.faults.server import AGAIN, CLOSE, HANG, READ, Server

from polydriver import (
    AI,
    AsyncAI,
    BatchOutcome,
    BatchProgress,
    ConfigurationError,
    InvalidRequestError,
    MockDriver,
    RequestFailed,
)
from polydriver.engine.batches import AsyncBatchStream, BatchStream
from polydriver.engine.batches.book import Book

Colour = Literal["blocking", "async"]
COLOURS: tuple[Colour, ...] = ("blocking", "async")
both = pytest.mark.parametrize("colour", COLOURS)


class Source:
    """An endless iterable that knows how far it was read."""

    def __init__(self, length: int | None = None) -> None:
        self.read = 0
        self._numbers = itertools.count() if length is None else iter(range(length))

    def __iter__(self) -> Iterator[str]:
        for number in self._numbers:
            self.read += 1
            yield str(number)

    async def __aiter__(self) -> AsyncIterator[str]:
        for text in iter(self):
            await asyncio.sleep(0)
            yield text


def take(colour: Colour, provider: Any, prompts: Any, most: int | None = None, **options: Any) -> list[BatchOutcome]:
    """The first outcomes of a batch, in either colour."""
    if colour == "blocking":
        with provider.stream_batch(prompts, **options) as stream:
            return list(itertools.islice(stream, most))

    async def work() -> list[BatchOutcome]:
        found: list[BatchOutcome] = []
        async with provider.asynchronous().stream_batch(prompts, **options) as stream:
            async for outcome in stream:
                found.append(outcome)
                if len(found) == most:
                    break
        return found

    return asyncio.run(work())


def send(colour: Colour, provider: Any, prompts: Any, **options: Any) -> list[Any]:
    if colour == "blocking":
        return provider.send_batch(prompts, **options)  # type: ignore[no-any-return]
    return asyncio.run(provider.asynchronous().send_batch(prompts, **options))


@both
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 16])
def test_it_never_reads_far_ahead(colour: Colour, ordered: bool, limit: int) -> None:
    source = Source()
    outcomes = take(colour, MockDriver(), source, 50, max_concurrency=limit, ordered=ordered, model="m")
    assert len(outcomes) == 50
    assert source.read <= 50 + limit * (8 if ordered else 2)
    assert all(outcome.response is not None and outcome.response.content == outcome.prompt for outcome in outcomes)
    if ordered:
        assert [outcome.index for outcome in outcomes] == list(range(50))


@both
def test_nothing_is_read_before_it_is_iterated(colour: Colour) -> None:
    source = Source()
    provider: Any = MockDriver() if colour == "blocking" else MockDriver().asynchronous()
    stream = provider.stream_batch(source, model="m")
    assert source.read == 0
    assert stream.progress == BatchProgress()


@both
@pytest.mark.parametrize("length", [0, 1, 7])
@pytest.mark.parametrize("ordered", [False, True])
def test_all_of_it_is_sent_once(colour: Colour, length: int, ordered: bool) -> None:
    driver = MockDriver()
    outcomes = take(colour, driver, Source(length), max_concurrency=3, ordered=ordered, model="m")
    assert sorted((outcome.index, outcome.prompt) for outcome in outcomes) == [(n, str(n)) for n in range(length)]
    assert len(driver.calls) == length


def test_an_async_iterable_is_read_by_one_task() -> None:
    tasks = set()

    async def prompts() -> AsyncIterator[str]:
        for number in range(20):
            tasks.add(asyncio.current_task())
            await asyncio.sleep(0)
            yield str(number)

    answers = send("async", MockDriver(), prompts(), max_concurrency=4, model="m")
    assert [found.content for found in answers] == [str(number) for number in range(20)]
    assert len(tasks) == 1


@both
def test_an_open_text_file_has_a_prompt_on_each_line(colour: Colour, tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_bytes("one\r\n\n \n  zwei ä\nthree".encode())
    with path.open(encoding="utf-8") as file:
        answers = send(colour, MockDriver(), file, model="m")
    assert [found.content for found in answers] == ["one", "  zwei ä", "three"]
    with path.open("rb") as raw, pytest.raises(ConfigurationError, match="open it in text mode"):
        send(colour, MockDriver(), raw, model="m")


def test_an_async_iterable_is_for_async_providers() -> None:
    provider: Any = MockDriver()
    for method in (provider.send_batch, provider.stream_batch):
        with pytest.raises(ConfigurationError, match="use an `AsyncProvider`"):
            method(aiter(Source(3)), model="m")


@both
def test_each_error_stands_in_its_outcome(colour: Colour) -> None:
    prompts: Any = ["a", None, "b"]
    first, second, third = take(colour, MockDriver(), prompts, ordered=True, model="m")
    assert first.response is not None
    assert first.error is None
    assert isinstance(second.error, ConfigurationError)
    assert second.response is None
    assert second.prompt is None
    assert third.response is not None


def failing(length: int) -> Iterator[str]:
    yield from map(str, range(length))
    raise OSError("the disk is gone")


@both
def test_what_the_iterable_raises_comes_after_what_was_sent(colour: Colour) -> None:
    driver = MockDriver()
    seen: list[BatchProgress] = []
    with pytest.raises(OSError, match="the disk is gone") as caught:
        take(colour, driver, failing(7), max_concurrency=3, on_progress=seen.append, model="m")
    assert [progress.answered for progress in seen] == list(range(1, 8))
    assert caught.value.__notes__ == ["the batch ended early: 7 answered"]
    with pytest.raises(OSError, match="the disk is gone"):
        send(colour, driver, failing(7), max_concurrency=3, model="m")


@both
def test_progress_counts_everything(colour: Colour) -> None:
    prices = {"m": {"input": "1", "output": "2"}}
    usage = {"input_tokens": 10, "output_tokens": 5}
    replies = [{"content": "x", "usage": usage}, {"error": 400}, {"content": "y", "usage": usage}]
    driver = MockDriver({"replies": replies, "prices": prices})
    seen: list[BatchProgress] = []
    send(colour, driver, ["a", "b", "c"], max_concurrency=1, return_exceptions=True, on_progress=seen.append, model="m")
    last = seen[-1]
    assert [(step.answered, step.failed) for step in seen] == [(1, 0), (1, 1), (2, 1)]
    assert (last.total, last.begun, last.running, last.stopped, last.finished) == (3, 3, 0, 0, 3)
    assert (last.input_tokens, last.output_tokens, last.unpriced) == (20, 10, 0)
    assert last.costs == {"USD": Decimal("0.00004")}
    assert last.seconds_left == 0
    assert str(last) == "2 answered, 1 failed"


@both
def test_what_failed_attempts_cost_is_counted(colour: Colour) -> None:
    """The second attempt of a structured answer that does not validate is paid for as well as the first."""
    driver = MockDriver({"replies": ["no number"], "prices": {"m": {"input": "1", "output": "1"}}})
    seen: list[BatchProgress] = []
    options: dict[str, Any] = {"return_exceptions": True, "on_progress": seen.append, "response_format": int}
    (error,) = send(colour, driver, ["a"], model="m", **options)
    assert isinstance(error, Exception)
    assert (seen[-1].answered, seen[-1].failed) == (0, 1)
    assert seen[-1].costs["USD"] > 0


@both
def test_a_progress_callback_may_be_a_coroutine(colour: Colour) -> None:
    seen: list[int] = []

    async def tell(progress: BatchProgress) -> None:
        await asyncio.sleep(0)
        seen.append(progress.finished)

    send(colour, MockDriver(), ["a", "b"], on_progress=tell, model="m")
    assert seen == [1, 2]


@both
def test_a_progress_callback_that_raises_ends_it(colour: Colour) -> None:
    def fail(progress: BatchProgress) -> None:
        raise LookupError("no bar")

    driver = MockDriver()
    with pytest.raises(LookupError, match="no bar"):
        send(colour, driver, Source(), max_concurrency=2, on_progress=fail, model="m")
    assert len(driver.calls) <= 4


@both
def test_the_first_error_says_what_was_done(colour: Colour) -> None:
    driver = MockDriver({"replies": ["1", "2", {"error": 400}]})
    with pytest.raises(InvalidRequestError) as caught:
        send(colour, driver, ["a", "b", "c", "d", "e"], max_concurrency=1, model="m")
    assert caught.value.__notes__ == ["the batch ended early: 2 answered, 1 failed, 2 not begun"]


@both
def test_batches_wait_behind_others(colour: Colour) -> None:
    queues: list[str] = []

    class Watching:
        def begin(self, call: Any) -> None:
            queues.append(call.queue)

    driver = MockDriver()
    driver.connection.observer = Watching()  # type: ignore[assignment]
    send(colour, driver, ["a"], model="m")
    take(colour, driver, ["a"], model="m")
    send(colour, driver, ["a"], queue="interactive", model="m")
    assert queues == ["batch", "batch", "interactive"]


ANSWERS = [READ, answer("done"), AGAIN]
"""A connection that answers."""


def test_cancelling_stops_at_once_and_says_what_was_done() -> None:
    """Two connections answer for ever; the third says nothing."""
    with Server([READ, answer("done"), READ, answer("done"), READ, HANG]) as server:
        driver = driver_for(server)
        with driver.bus.capture() as events, driver.stream_batch(Source(), max_concurrency=1) as stream:
            found = [next(stream), next(stream)]
            canceller = threading.Thread(target=lambda: (server.wait_requests(3, 60), stream.cancel()))
            canceller.start()
            found += list(stream)
            canceller.join()
            assert [outcome.index for outcome in found] == [0, 1]
            assert stream.unfinished == [2]
            assert str(stream.progress) == "2 answered, 1 stopped"
            assert server.wait_hung_up(1, 60)
            for thread in threading.enumerate():
                if thread.name.startswith("polydriver-batch"):
                    thread.join(60)
        assert sum(isinstance(event, RequestFailed) for event in events) == 1
        assert len(server.requests) == 3


def test_cancelling_stops_at_once_and_says_what_was_done_async() -> None:
    async def work(server: Server) -> None:
        async with driver_for(server).asynchronous() as provider:
            stream = provider.stream_batch(Source(), max_concurrency=1)
            found = [await anext(stream), await anext(stream)]

            async def cancel() -> None:
                await asyncio.to_thread(server.wait_requests, 3, 60)
                stream.cancel()

            task = asyncio.create_task(cancel())
            found += [outcome async for outcome in stream]
            await task
            assert [outcome.index for outcome in found] == [0, 1]
            assert stream.unfinished == [2]
            assert str(stream.progress) == "2 answered, 1 stopped"
            assert len(server.requests) == 3

    with Server([READ, answer("done"), READ, answer("done"), READ, HANG]) as server:
        asyncio.run(work(server))


def test_a_cancelled_task_stops_its_batch() -> None:
    async def work(server: Server) -> None:
        async with driver_for(server).asynchronous() as provider:
            task = asyncio.create_task(provider.send_batch(Source(), max_concurrency=2))
            await asyncio.to_thread(server.wait_requests, 2, 60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [other for other in asyncio.all_tasks() if other is not asyncio.current_task()] == []

    with Server([READ, HANG]) as server:
        asyncio.run(work(server))
        assert len(server.requests) == 2


def test_waiting_for_an_outcome_can_time_out_and_go_on() -> None:
    gate = asyncio.Event()

    async def call(prompt: str) -> str:
        await gate.wait()
        return prompt

    async def work() -> None:
        async with AsyncBatchStream[Any](["a"], call, max_concurrency=1) as stream:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream), 0.01)
            gate.set()
            assert [outcome.response async for outcome in stream] == ["a"]

    asyncio.run(work())


@both
def test_a_batch_that_is_dropped_stops(colour: Colour) -> None:
    async def work(server: Server) -> None:
        async with driver_for(server).asynchronous() as provider:
            async for _ in provider.stream_batch(Source(), max_concurrency=2):
                break
            gc.collect()
            await asyncio.to_thread(server.wait_hung_up, 1, 60)

    # The second connection says nothing: it is hung up when the batch is left. The first is not used again, so that
    # there is a second one however soon the first answers.
    with Server([READ, answer("done"), CLOSE], [READ, HANG]) as server:
        if colour == "async":
            asyncio.run(work(server))
        else:
            for _ in driver_for(server).stream_batch(Source(), max_concurrency=2):
                break
            gc.collect()
        assert server.wait_hung_up(1, 60)


def test_outcomes_come_as_they_are_finished_or_in_order() -> None:
    for ordered, wanted in ((False, [1, 2, 0]), (True, [0, 1, 2])):
        gates = [threading.Event() for _ in range(3)]

        def call(prompt: int, gates: list[threading.Event] = gates) -> int:
            assert gates[prompt].wait(20)
            return prompt

        def go(progress: BatchProgress, gates: list[threading.Event] = gates) -> None:
            """As soon as one is finished, the next may be."""
            gates[[2, 0, 0][progress.finished - 1]].set()

        gates[1].set()
        with BatchStream[Any](range(3), call, max_concurrency=3, ordered=ordered, on_progress=go) as stream:
            assert [outcome.index for outcome in stream] == wanted


def test_two_threads_do_not_read_one_batch() -> None:
    inside, leave = threading.Event(), threading.Event()

    def prompts() -> Iterator[str]:
        inside.set()
        assert leave.wait(20)
        yield "a"

    with MockDriver().stream_batch(prompts(), model="m") as stream:
        first = threading.Thread(target=lambda: next(stream))
        first.start()
        assert inside.wait(20)
        with pytest.raises(RuntimeError, match="read by another thread"):
            next(stream)
        leave.set()
        first.join()


@given(
    limit=st.integers(1, 5),
    ordered=st.booleans(),
    steps=st.lists(st.tuples(st.sampled_from(["begin", "finish", "take"]), st.integers(0, 30)), max_size=80),
)
def test_the_book_hands_out_each_once_and_keeps_its_bounds(
    limit: int, ordered: bool, steps: list[tuple[str, int]]
) -> None:
    book = Book(limit, ordered=ordered)
    running: list[int] = []
    taken: list[int] = []
    finished: list[int] = []
    for step, choice in steps:
        if step == "begin" and book.has_room:
            running.append(book.begin(None))
        elif step == "finish" and running:
            index = running.pop(choice % len(running))
            finished.append(index)
            book.finish(index, index, None)
        elif step == "take" and book.ready:
            taken.append(book.ready.popleft().index)
        assert len(running) <= limit
        assert len(running) + len(finished) - len(taken) <= limit * (8 if ordered else 2)
    book.end()
    taken += [outcome.index for outcome in book.ready]
    assert taken == (sorted(finished) if ordered else finished)
    assert book.unfinished == sorted(running)
    progress = book.progress()
    assert (progress.answered, progress.stopped) == (len(finished), len(running))


def test_managers_and_fakes_have_it() -> None:
    with AI.fake().provider().stream_batch(["a"], model="m") as stream:
        assert [outcome.index for outcome in stream] == [0]

    async def work() -> list[int]:
        return [outcome.index async for outcome in AsyncAI.fake().provider().stream_batch(["a"], model="m")]

    assert asyncio.run(work()) == [0]
