"""A conversation that is used twice at once, and the order in which the steps of its tool loop are told."""

from __future__ import annotations

import asyncio
from typing import Any

from polydriver import AI, AIChunk, AIMessage, AsyncAI, Event, ToolCalled, ToolCompleted
from polydriver.drivers.mock import tool_call


def texts(history: list[AIMessage]) -> list[str]:
    return [message.text for message in history]


def test_a_message_that_is_added_during_a_call_stays_pending() -> None:
    chat = AI.fake(default="an answer").conversation().model("m")
    late: list[AIChunk] = []

    def add(chunk: AIChunk) -> None:
        if not late:
            chat.message("late")
        late.append(chunk)

    chat.on_chunk(add)
    with chat.message("early").stream() as stream:
        stream.until_done()
    assert texts(chat.history) == ["early", "an answer"]
    chat.send()
    assert texts(chat.history) == ["early", "an answer", "late", "an answer"]


async def test_two_calls_at_once_lose_nothing_and_record_nothing_twice() -> None:
    chat = AsyncAI.fake(default="an answer").conversation().model("m").message("pending")
    await asyncio.gather(chat.send("first"), chat.send("second"))
    said = texts(chat.history)
    assert sorted(said) == sorted(["pending", "first", "second", "an answer", "an answer"])


def test_equal_messages_are_told_apart() -> None:
    chat = AI.fake(default="an answer").conversation().model("m").message("same").message("same")
    chat.send()
    assert texts(chat.history) == ["same", "same", "an answer"]


async def test_a_tool_begins_after_its_call_was_told() -> None:
    ai = AsyncAI.fake([tool_call("look", city="Paris"), "Sunny."])
    order: list[str] = []

    async def look(city: str) -> str:
        """Look."""
        order.append("body")
        return city

    async def on_call(call: Any) -> None:
        await asyncio.sleep(0)
        order.append("on_tool_call")

    async def listen(event: Event) -> None:
        if isinstance(event, ToolCalled | ToolCompleted):
            await asyncio.sleep(0)
            order.append(event.name)

    ai.on("*", listen)
    await ai.conversation().model("m").tools(look).on_tool_call(on_call).run_tools("Weather?")
    assert order == ["ToolCalled", "on_tool_call", "body", "ToolCompleted"]


def test_the_same_for_blocking_callers() -> None:
    ai = AI.fake([tool_call("look", city="Paris"), "Sunny."])
    order: list[str] = []

    def look(city: str) -> str:
        """Look."""
        order.append("body")
        return city

    async def listen(event: Event) -> None:
        if isinstance(event, ToolCalled | ToolCompleted):
            await asyncio.sleep(0)
            order.append(event.name)

    ai.on("*", listen)
    chat = ai.conversation().model("m").tools(look).on_tool_call(lambda call: order.append("on_tool_call"))
    chat.run_tools("Weather?")
    assert order == ["ToolCalled", "on_tool_call", "body", "ToolCompleted"]
