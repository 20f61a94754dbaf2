"""Listeners that do what they should not: a call goes on, ends once, and makes no other calls without an end."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from polydriver import AI, AsyncAI
from polydriver.events import Event, MessageSent, RequestFailed, ResponseGenerated, StreamAbandoned


async def await_a_cancelled_task(event: Event) -> None:
    task = asyncio.get_running_loop().create_task(asyncio.sleep(60))
    task.cancel()
    await task


def raise_cancelled(event: Event) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("listener", [await_a_cancelled_task, raise_cancelled])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_cancellation_of_the_listeners_own_is_not_one_of_the_call(
    listener: Any, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ai = AsyncAI.fake(["Hello"])
    ai.on("*", listener)
    provider = ai.provider()
    with ai.bus.capture() as events:
        if streamed:
            async with provider.send_streaming_message("Hi", model="m") as stream:
                assert (await stream.until_done()).content == "Hello"
        else:
            assert (await provider.send_message("Hi", model="m")).content == "Hello"
    assert sum(isinstance(event, ResponseGenerated) for event in events) == 1
    assert not any(isinstance(event, RequestFailed) for event in events)
    assert "failed on MessageSent: CancelledError" in caplog.text


@pytest.mark.parametrize("listener", [await_a_cancelled_task, raise_cancelled])
@pytest.mark.parametrize("streamed", [False, True])
def test_nor_in_blocking_code(listener: Any, streamed: bool, caplog: pytest.LogCaptureFixture) -> None:
    ai = AI.fake(["Hello"])
    ai.on("*", listener)
    if streamed:
        with ai.provider().send_streaming_message("Hi", model="m") as stream:
            assert stream.until_done().content == "Hello"
    else:
        assert ai.provider().send_message("Hi", model="m").content == "Hello"
    assert "failed on MessageSent: CancelledError" in caplog.text


async def test_nor_where_an_event_is_told_without_waiting(caplog: pytest.LogCaptureFixture) -> None:
    ai = AsyncAI.fake(["Hello there"])
    ai.on(StreamAbandoned, await_a_cancelled_task)
    stream = ai.provider().send_streaming_message("Hi", model="m")
    await anext(stream)
    del stream
    for _ in range(5):
        await asyncio.sleep(0)
    assert "failed on StreamAbandoned: CancelledError" in caplog.text


async def test_a_call_that_is_cancelled_while_a_listener_waits_is_cancelled() -> None:
    ai, reached = AsyncAI.fake(["Hello"]), asyncio.Event()

    @ai.on(MessageSent)
    async def listener(event: Event) -> None:
        reached.set()
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(ai.provider().send_message("Hi", model="m"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("kind", [MessageSent, ResponseGenerated, "*"])
def test_a_listener_that_makes_calls_without_an_end_is_stopped(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    ai, calls = AI.fake(), list[str]()
    provider = ai.provider()

    @ai.on(kind)
    def listener(event: Event) -> None:
        calls.append(event.name)
        provider.send_message("And?", model="m")

    assert provider.send_message("Hi", model="m").content == "Hi"
    assert 2 < len(calls) < 100
    assert "was not told of" in caplog.text
    assert "test_a_listener_that_makes_calls_without_an_end_is_stopped.<locals>.listener" in caplog.text


@pytest.mark.parametrize("kind", [MessageSent, ResponseGenerated, "*"])
@pytest.mark.parametrize("way", ["awaits", "starts tasks"])
async def test_nor_does_an_async_one(kind: Any, way: str, caplog: pytest.LogCaptureFixture) -> None:
    ai, calls, tasks = AsyncAI.fake(), list[str](), set[asyncio.Task[Any]]()
    provider = ai.provider()

    @ai.on(kind)
    async def listener(event: Event) -> None:
        calls.append(event.name)
        made = provider.send_message("And?", model="m")
        if way == "awaits":
            await made
        else:
            tasks.add(asyncio.ensure_future(made))

    assert (await provider.send_message("Hi", model="m")).content == "Hi"
    while waiting := [task for task in tasks if not task.done()]:
        await asyncio.wait(waiting)
    assert 2 < len(calls) < 100
    assert "was not told of" in caplog.text


def test_two_listeners_that_call_each_other_are_stopped() -> None:
    one, two, calls = AI.fake(), AI.fake(), list[int]()
    one.on(ResponseGenerated, lambda event: (calls.append(1), two.provider().send_message("x", model="m")))
    two.on(ResponseGenerated, lambda event: (calls.append(2), one.provider().send_message("x", model="m")))
    one.provider().send_message("Hi", model="m")
    assert 4 < len(calls) < 50


def test_a_listener_may_make_calls(caplog: pytest.LogCaptureFixture) -> None:
    """One call about each answer, and the events of those are heard, too."""
    ai, heard = AI.fake(), list[Any]()
    provider = ai.provider()

    @ai.on(ResponseGenerated)
    def listener(event: ResponseGenerated) -> None:
        heard.append(event.metadata.get("about"))
        if "about" not in event.metadata:
            provider.send_message("Sum up", model="m", metadata={"about": "it"})

    for _ in range(100):
        provider.send_message("Hi", model="m")
    assert heard == [None, "it"] * 100
    assert "was not told of" not in caplog.text


def test_a_worker_that_a_listener_started_is_heard_without_an_end(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever makes calls in a thread that a listener started is not the listener that makes calls without an end."""
    import contextvars

    ai, heard, workers = AI.fake(), list[str](), list[threading.Thread]()

    def work() -> None:
        for _ in range(100):
            ai.provider().send_message("x", model="m")

    @ai.on(ResponseGenerated)
    def listener(event: ResponseGenerated) -> None:
        heard.append(event.name)
        if not workers:
            workers.append(threading.Thread(target=contextvars.copy_context().run, args=(work,)))
            workers[0].start()

    ai.provider().send_message("Hi", model="m")
    workers[0].join(30)
    assert len(heard) == 101
    assert "was not told of" not in caplog.text
