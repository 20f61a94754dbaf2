"""Closing with a grace: what runs may end, what is new is refused, what does not end is stopped; nothing is left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.faults.server import AGAIN, HANG, READ, RESET, Server, chunked, reply

from polydriver import (
    AI,
    AIError,
    AsyncAI,
    AttemptFinished,
    MessageSent,
    MockDriver,
    OpenAIDriver,
    ProviderClosedError,
    RequestFailed,
    StreamAbandoned,
    StreamInterruptedError,
)
from polydriver.engine.waiting import Stop, Stopped, stoppable

ANSWER = reply(
    b'{"id": "x", "model": "gpt-4o-mini", "choices": [{"index": 0, "message": {"content": "Hello"},'
    b' "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}',
    headers={"content-type": "application/json"},
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PIECE = chunked(b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n', end=False)
LAST = chunked(b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')


def driver_for(server: Server, **settings: Any) -> OpenAIDriver:
    options = {"timeout": 60.0, "idle_timeout": 60.0, "default_model": "gpt-4o-mini", **settings}
    return OpenAIDriver(
        {"api_key": "sk-0123456789abcdef"}, base_url=f"{server.url}/v1", options={"api": "chat"}, **options
    )


class Caller:
    """A call in a thread of its own: blocking, or of a task."""

    def __init__(self, driver: OpenAIDriver, how: str) -> None:
        self.driver = driver
        self.outcome: Any = None
        self.began = threading.Event()
        self.text = ""
        work: Callable[[], Any] = {
            "blocking": self.whole,
            "blocking stream": self.stream,
            "async": lambda: asyncio.run(self.whole_async()),
            "async stream": lambda: asyncio.run(self.stream_async()),
        }[how]
        self.thread = threading.Thread(target=self.run, args=(work,))
        self.thread.start()

    def run(self, work: Callable[[], Any]) -> None:
        try:
            self.outcome = work()
        except BaseException as error:
            self.outcome = error

    def whole(self) -> str:
        return self.driver.send_message("Hi").content

    def stream(self) -> str:
        with self.driver.send_streaming_message("Hi") as chunks:
            for chunk in chunks:
                self.text += chunk.content
                self.began.set()
        return self.text

    async def whole_async(self) -> str:
        return (await self.driver.asynchronous().send_message("Hi")).content

    async def stream_async(self) -> str:
        async with self.driver.asynchronous().send_streaming_message("Hi") as chunks:
            async for chunk in chunks:
                self.text += chunk.content
                self.began.set()
        return self.text

    def result(self) -> Any:
        self.thread.join(30)
        assert not self.thread.is_alive()
        return self.outcome


every_way = pytest.mark.parametrize("how", ["blocking", "blocking stream", "async", "async stream"])
closers = pytest.mark.parametrize("closer", ["close", "aclose"])


def close(driver: Any, closer: str, grace: float) -> None:
    if closer == "close":
        driver.close(grace=grace)
    else:
        asyncio.run(driver.asynchronous().aclose(grace=grace))


@closers
@every_way
def test_what_runs_may_end(how: str, closer: str) -> None:
    script = [READ, 0.3, ANSWER] if "stream" not in how else [READ, HEAD, PIECE, 0.3, LAST]
    with Server(script) as server:
        driver = driver_for(server)
        caller = Caller(driver, how)
        assert server.wait_requests(1)
        close(driver, closer, 30.0)
        assert caller.result() == ("Hello" if "stream" not in how else "Hel")
        with pytest.raises(ProviderClosedError, match="nothing was sent"):
            driver.send_message("Hi")
        assert len(server.requests) == 1
        assert len(driver.connection.running) == 0


@closers
@every_way
def test_what_does_not_end_is_stopped(how: str, closer: str) -> None:
    script = [READ, HANG] if "stream" not in how else [READ, HEAD, PIECE, HANG]
    with Server(script) as server:
        driver = driver_for(server)
        events: list[Any] = []
        driver.on("*", events.append)
        caller = Caller(driver, how)
        assert server.wait_requests(1)
        if "stream" in how:
            assert caller.began.wait(30)
        close(driver, closer, 0.05)
        error = caller.result()
        if "stream" in how:
            assert isinstance(error, StreamInterruptedError)
            assert "provider was closed" in str(error)
            assert error.partial is not None
            assert error.partial.content == "Hel"
        else:
            assert isinstance(error, ProviderClosedError)
        assert server.wait_hung_up(1), "no socket is left"
    kinds = [type(event) for event in events]
    assert kinds.count(MessageSent) == kinds.count(AttemptFinished) == 1
    assert kinds.count(RequestFailed) + kinds.count(StreamAbandoned) == 1
    assert len(driver.connection.running) == 0


@closers
@every_way
@pytest.mark.parametrize("waits_for", ["retry", "limit"])
def test_those_who_wait_are_stopped(how: str, closer: str, waits_for: str) -> None:
    busy = reply(b"{}", 503, {"retry-after": "25"})
    with Server([READ, HEAD, PIECE, HANG] if waits_for == "limit" else [READ, busy, AGAIN]) as server:
        limits = {"rate_limiting": {"max_concurrent": 1}} if waits_for == "limit" else {}
        driver = driver_for(server, max_retry_delay=60.0, **limits)
        first = Caller(driver, "blocking stream") if waits_for == "limit" else None
        assert first is None or first.began.wait(30)
        caller = Caller(driver, how)
        assert server.wait_requests(1)
        while len(driver.connection.running) < (2 if first else 1):
            threading.Event().wait(0.01)
        threading.Event().wait(0.1)
        close(driver, closer, 0.05)
        assert isinstance(caller.result(), ProviderClosedError)
        if first is not None:
            assert isinstance(first.result(), StreamInterruptedError)
        assert len(server.requests) == 1


def test_a_stream_that_nobody_reads_is_closed() -> None:
    with Server([READ, HEAD, PIECE, HANG]) as server:
        driver = driver_for(server)
        with driver.send_streaming_message("Hi") as stream:
            assert next(iter(stream)).content == "Hel"
            driver.close(grace=0.05)
            assert server.wait_hung_up(1)
            with pytest.raises(StreamInterruptedError, match="provider was closed"):
                next(iter(stream))


async def test_a_stream_of_a_task_that_does_not_read_is_closed() -> None:
    with Server([READ, HEAD, PIECE, HANG]) as server:
        provider = driver_for(server).asynchronous()
        async with provider.send_streaming_message("Hi") as stream:
            assert (await anext(aiter(stream))).content == "Hel"
            await provider.aclose(grace=0.05)
            assert await asyncio.to_thread(server.wait_hung_up, 1)
            with pytest.raises(StreamInterruptedError, match="provider was closed"):
                await anext(aiter(stream))


async def test_a_cancelled_call_stays_cancelled() -> None:
    """Who cancels a task gets what they asked for, also while the provider is being closed."""
    with Server([READ, HANG]) as server:
        provider = driver_for(server).asynchronous()
        task = asyncio.create_task(provider.send_message("Hi"))
        assert await asyncio.to_thread(server.wait_requests, 1)
        closing = asyncio.create_task(provider.aclose(grace=30.0))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await closing


def test_the_manager_closes_all_with_one_grace() -> None:
    with Server([READ, HANG]) as server:
        settings = {"driver": "openai", "api_key": "sk-0123456789abcdef", "base_url": f"{server.url}/v1"}
        ai = AI({"providers": {"one": settings, "two": settings, "three": settings}})
        errors: list[AIError] = []

        def ask(name: str) -> None:
            with pytest.raises(ProviderClosedError) as caught:
                ai.provider(name).send_message("Hi", model="gpt-4o-mini")
            errors.append(caught.value)

        threads = [threading.Thread(target=ask, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        assert server.wait_requests(2)
        ai.close(grace=0.05)
        for thread in threads:
            thread.join(30)
        assert sorted(str(error.provider) for error in errors) == ["one", "two"]
        with pytest.raises(ProviderClosedError):
            ai.provider("three").send_message("Hi", model="gpt-4o-mini")


async def test_the_async_manager() -> None:
    ai = AsyncAI({"providers": {"mock": {"driver": "mock"}}})
    await ai.aclose(grace=1.0)
    with pytest.raises(ProviderClosedError):
        await ai.provider().send_message("Hi", model="m")


def test_without_grace_it_can_be_used_again() -> None:
    with Server([READ, ANSWER, AGAIN], [READ, ANSWER, AGAIN]) as server:
        driver = driver_for(server)
        assert driver.send_message("Hi").content == "Hello"
        driver.close()
        assert driver.send_message("Hi").content == "Hello"


def test_other_operations_and_batches_are_refused_and_stopped() -> None:
    with Server([READ, HANG]) as server:
        driver = driver_for(server)
        outcome: list[BaseException] = []

        def work(act: Callable[[], Any]) -> None:
            try:
                act()
            except BaseException as error:
                outcome.append(error)

        acts: list[Callable[[], Any]] = [
            lambda: driver.embed("Hi", model="text-embedding-3-small"),
            lambda: driver.send_batch(["a", "b"]),
        ]
        threads = [threading.Thread(target=work, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        assert server.wait_requests(3), outcome
        driver.close(grace=0.05)
        for thread in threads:
            thread.join(30)
        assert [type(error) for error in outcome] == [ProviderClosedError] * 2
        with pytest.raises(ProviderClosedError):
            driver.embed("Hi", model="text-embedding-3-small")


def test_a_connection_that_breaks_meanwhile_is_not_tried_again() -> None:
    with Server([READ, 0.3, RESET]) as server:
        driver = driver_for(server, retry_attempts=5)
        caller = Caller(driver, "blocking")
        assert server.wait_requests(1)
        closing = threading.Thread(target=driver.close, kwargs={"grace": 0.0})
        closing.start()
        assert isinstance(caller.result(), ProviderClosedError)
        closing.join(30)
        assert len(server.requests) == 1


def test_the_mock_too() -> None:
    driver = MockDriver(default="fine")
    driver.close(grace=0)
    with pytest.raises(ProviderClosedError):
        driver.send_message("Hi", model="m")


@pytest.mark.parametrize("stream", [False, True])
def test_a_fallback_that_is_closed_is_passed_on(stream: bool) -> None:
    """The call is of another connection, which is open: the closed one sends nothing, and the next is asked."""
    failing = reply(b"{}", 500)
    answer = ANSWER if not stream else HEAD + PIECE + LAST
    with Server([READ, failing, AGAIN]) as first, Server([READ, HANG]) as second, Server([READ, answer]) as third:
        names = {"one": first, "two": second, "three": third}
        settings = {
            name: {
                "driver": "openai",
                "api_key": "sk-0123456789abcdef",
                "base_url": f"{server.url}/v1",
                "retry_attempts": 1,
            }
            for name, server in names.items()
        }
        with AI({"providers": settings}) as ai:
            ai.provider("two").close(grace=0.0)
            targets: list[Any] = [("two", "gpt-4o-mini"), ("three", "gpt-4o-mini")]
            options: dict[str, Any] = {"model": "gpt-4o-mini", "fallback": targets, "api": "chat"}
            if stream:
                with ai.provider("one").send_streaming_message("Hi", **options) as chunks:
                    response = chunks.until_done()
            else:
                response = ai.provider("one").send_message("Hi", **options)
        assert response.content == ("Hel" if stream else "Hello")
        assert [len(server.requests) for server in names.values()] == [1, 0, 1]


@closers
def test_a_call_that_fell_back_to_it_counts_too(closer: str) -> None:
    with Server([READ, reply(b"{}", 500), AGAIN]) as first, Server([READ, HANG]) as second:
        one, two = driver_for(first, retry_attempts=1), driver_for(second)
        outcome: list[BaseException] = []

        def ask() -> None:
            with pytest.raises(ProviderClosedError) as caught:
                one.send_message("Hi", fallback=[two])
            outcome.append(caught.value)

        thread = threading.Thread(target=ask)
        thread.start()
        assert second.wait_requests(1)
        assert len(two.connection.running) == 1
        close(two, closer, 0.05)
        thread.join(30)
        assert len(outcome) == 1
        assert len(one.connection.running) == len(two.connection.running) == 0
        one.close()


async def test_a_task_is_not_left_cancelled() -> None:
    """What stopped the call is taken back: the task can wait for other things, with limits of time as well."""
    with Server([READ, HANG]) as server:
        provider = driver_for(server).asynchronous()
        closing = asyncio.get_running_loop().create_task(_close_once_asked(provider, server))
        with pytest.raises(ProviderClosedError):
            await provider.send_message("Hi")
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(30)
        await closing


async def _close_once_asked(provider: Any, server: Server) -> None:
    assert await asyncio.to_thread(server.wait_requests, 1)
    await provider.aclose(grace=0.0)


@pytest.mark.parametrize("what", ["ends", "fails", "swallows", "is done"])
async def test_work_that_is_stopped_in_any_way_leaves_no_cancellation(what: str) -> None:
    stop, begun = Stop(), asyncio.Event()

    async def work() -> str:
        begun.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            if what == "fails":
                raise ValueError("broken") from None
            if what == "ends":
                raise
        return "done"

    async def ask() -> str:
        return await stoppable(work() if what != "is done" else asyncio.sleep(0, "done"), stop)

    task = asyncio.create_task(ask())
    if what != "is done":
        await begun.wait()
    stop.set()
    expected: dict[str, Any] = {"ends": Stopped, "fails": ValueError}
    if what in expected:
        with pytest.raises(expected[what]):
            await task
    elif what == "swallows":
        assert await task == "done"
    else:
        with pytest.raises((Stopped, asyncio.CancelledError)):
            await task
    assert task.cancelling() == 0
    assert not task.cancelled()


def test_nothing_is_left_open(tmp_path: Path) -> None:
    before = {thread.name for thread in threading.enumerate()}
    with Server([READ, ANSWER, AGAIN]) as server:
        settings = {"driver": "openai", "api_key": "sk-0123456789abcdef", "base_url": f"{server.url}/v1"}
        ai = AI({"providers": {"one": settings}, "storage": {"url": f"sqlite:///{tmp_path}/ai.db"}})
        assert ai.provider("one").send_message("Hi", model="gpt-4o-mini", api="chat").content == "Hello"
        ai.close(grace=5.0)
        assert server.wait_hung_up(1)
    names = {thread.name for thread in threading.enumerate()} - before
    assert not [name for name in names if name.startswith("polydriver")]
    assert ai.storage is not None
    assert [line.attempts for line in ai.storage.costs("model")] == [1], "what was written can still be read"
    ai.close(grace=0.0)
