"""The bus: who hears what, in blocking and async code, and that no listener ever fails a call."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from polydriver import events
from polydriver.data.messages import AIMessage
from polydriver.events import ConversationUpdated, CostCalculated, Event, EventBus, MessageSent

SENT = MessageSent(provider="openai", model="m", messages=[AIMessage("Hi")])
COST = CostCalculated(provider="openai", cost=None)


def test_records_are_frozen_and_dated() -> None:
    before = datetime.now(UTC)
    event = ConversationUpdated(provider="openai", messages_added=2, total_messages=4)
    assert before.timestamp() <= event.timestamp <= datetime.now(UTC).timestamp()
    assert event.time.tzinfo is UTC
    assert (event.name, event.metadata, event.total_messages) == ("ConversationUpdated", {}, 4)
    with pytest.raises(AttributeError):
        event.provider = "other"  # type: ignore[misc]


def test_every_record_is_an_event_and_exported() -> None:
    records = {kind.__name__ for kind in Event.__subclasses__()}
    assert records <= set(events.__all__)
    assert {"MessageSent", "ResponseGenerated", "CostCalculated", "ConversationUpdated"} <= records


def test_listening_to_a_class_to_everything_and_no_more() -> None:
    bus = EventBus()
    heard: list[tuple[str, str]] = []

    def note(name: str) -> Callable[[Event], None]:
        return lambda event: heard.append((name, event.name))

    bus.on(MessageSent, note("sent"))
    bus.on("*", note("star"))
    bus.on(None, note("none"))
    end = bus.on(Event, note("event"))
    bus.emit_blocking(SENT)
    assert heard == [(name, "MessageSent") for name in ("sent", "star", "none", "event")]
    heard.clear()
    end()
    end()
    bus.emit_blocking(COST)
    assert heard == [("star", "CostCalculated"), ("none", "CostCalculated")]


def test_the_decorator() -> None:
    bus = EventBus()
    heard: list[Event] = []

    @bus.on(MessageSent)
    def listener(event: MessageSent) -> None:
        heard.append(event)

    @bus.on()
    async def all_of_them(event: Event) -> None:
        heard.append(event)

    bus.emit_blocking(SENT)
    bus.emit_blocking(COST)
    assert heard == [SENT, SENT, COST]
    assert callable(listener)


def test_off() -> None:
    bus = EventBus()
    heard: list[Event] = []
    bus.on(MessageSent, heard.append)
    bus.on(CostCalculated, heard.append)
    bus.on(CostCalculated, heard.append)
    bus.off(heard.append, CostCalculated)
    bus.emit_blocking(COST)
    bus.emit_blocking(SENT)
    assert heard == [SENT]
    bus.off(heard.append)
    bus.off(heard.append)
    assert not bus.wants(MessageSent)


def test_wants() -> None:
    parent = EventBus()
    bus = EventBus(parent)
    assert not bus.wants(MessageSent)
    end = bus.on(MessageSent, print)
    assert bus.wants(MessageSent)
    assert not bus.wants(CostCalculated)
    assert not parent.wants(MessageSent)
    end()
    assert not bus.wants(MessageSent)
    end = parent.on("*", print)
    assert bus.wants(MessageSent)
    assert bus.wants(CostCalculated)
    end()
    assert not bus.wants(CostCalculated)


async def test_the_parent_hears_it_after_the_own_listeners() -> None:
    parent = EventBus()
    bus = EventBus(parent)
    heard: list[str] = []
    parent.on("*", lambda _: heard.append("parent"))
    bus.on("*", lambda _: heard.append("own"))
    bus.emit_blocking(SENT)
    await bus.emit(SENT)
    assert heard == ["own", "parent"] * 2
    parent.emit_blocking(SENT)
    assert heard[4:] == ["parent"]


@pytest.mark.parametrize("kind", [str, "MessageSent", 5, SENT])
def test_only_classes_of_events(kind: Any) -> None:
    with pytest.raises(TypeError, match="class of events"):
        EventBus().on(kind, print)
    with pytest.raises(TypeError, match="function of one event"):
        EventBus().on(MessageSent, "print")  # type: ignore[call-overload]


def listeners(heard: list[str]) -> list[Callable[[Event], object]]:
    def plain(event: Event) -> None:
        heard.append("plain")

    async def quick(event: Event) -> None:
        heard.append("quick")

    async def slow(event: Event) -> None:
        await asyncio.sleep(0)
        heard.append("slow")

    class Callee:
        async def __call__(self, event: Event) -> None:
            await asyncio.wait_for(asyncio.get_running_loop().create_future(), 0.001)

    def broken(event: Event) -> None:
        raise ValueError("broken")

    async def broken_later(event: Event) -> None:
        await asyncio.sleep(0)
        raise KeyError("later")

    return [plain, broken, quick, broken_later, Callee(), slow]


EXPECTED_FAILURES = ["broken", "broken_later", "Callee"]


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert all(record.name == "polydriver.events" and record.exc_info for record in caplog.records)
    return [record.getMessage().split(" failed on ")[0].split(".")[-1] for record in caplog.records]


def test_all_kinds_of_listeners_in_blocking_code(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), list[str]()
    for listener in listeners(heard):
        bus.on("*", listener)
    bus.emit_blocking(SENT)
    assert heard == ["plain", "quick", "slow"]
    assert failures(caplog) == EXPECTED_FAILURES


async def test_all_kinds_of_listeners_in_async_code(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), list[str]()
    for listener in listeners(heard):
        bus.on("*", listener)
    await bus.emit(SENT)
    assert heard == ["plain", "quick", "slow"]
    assert failures(caplog) == EXPECTED_FAILURES


async def test_blocking_code_inside_a_running_loop(caplog: pytest.LogCaptureFixture) -> None:
    test_all_kinds_of_listeners_in_blocking_code(caplog)
    assert asyncio.get_running_loop().is_running()


async def test_async_listeners_run_in_the_loop_of_the_caller() -> None:
    bus, loops = EventBus(), list[object]()

    @bus.on()
    async def listener(event: Event) -> None:
        loops.append(asyncio.get_running_loop())

    await bus.emit(SENT)
    assert loops == [asyncio.get_running_loop()]


def test_async_listeners_see_the_context_of_the_caller() -> None:
    bus, seen = EventBus(), list[str]()
    request = contextvars.ContextVar("request", default="none")

    @bus.on()
    async def listener(event: Event) -> None:
        seen.append(request.get())

    request.set("call-7")
    bus.emit_blocking(SENT)
    assert seen == ["call-7"]


def test_what_ends_the_program_is_not_swallowed() -> None:
    bus = EventBus()

    @bus.on()
    def plain(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bus.emit_blocking(SENT)


async def test_a_cancelled_task_stays_cancelled() -> None:
    bus, reached = EventBus(), asyncio.Event()

    @bus.on()
    async def listener(event: Event) -> None:
        reached.set()
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(bus.emit(SENT))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_listeners_may_come_and_go_during_an_event() -> None:
    bus, heard = EventBus(), list[str]()

    def late(event: Event) -> None:
        heard.append("late")

    @bus.on()
    def first(event: Event) -> None:
        heard.append("first")
        bus.on("*", late)
        bus.off(first)

    bus.emit_blocking(SENT)
    assert heard == ["first"]
    bus.emit_blocking(SENT)
    assert heard == ["first", "late"]


def test_capture() -> None:
    bus = EventBus()
    with bus.capture() as everything, bus.capture(MessageSent, ConversationUpdated) as some:
        bus.emit_blocking(SENT)
        bus.emit_blocking(COST)
    bus.emit_blocking(SENT)
    assert everything == [SENT, COST]
    assert some == [SENT]


def test_many_threads_subscribe_and_emit() -> None:
    bus = EventBus()
    ends: list[Callable[[], None]] = []

    def work() -> None:
        for _ in range(200):
            heard: list[Event] = []
            end = bus.on(MessageSent, heard.append)
            bus.emit_blocking(SENT)
            assert heard
            end()
            ends.append(end)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 800
    assert not bus.wants(MessageSent)


def test_nothing_is_logged_when_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bus = EventBus()
    bus.on("*", lambda event: None)
    bus.emit_blocking(SENT)
    assert not [record for record in caplog.records if record.name.startswith("polydriver")]
