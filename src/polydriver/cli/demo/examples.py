"""The code of the demonstration: each function's body is shown as it stands here, and then run."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...data.responses import AIResponse
from ...errors import StreamInterruptedError
from ...events import Event, RequestRetried

if TYPE_CHECKING:
    from ...engine.streams import Stream
    from ...manager import AI

__all__ = [
    "City",
    "chat",
    "conversation_with_tools",
    "costs",
    "cut_stream",
    "events",
    "go_on",
    "keep",
    "report",
    "retry",
    "side_by_side",
    "stream",
    "structured",
]


def chat(ai: AI) -> AIResponse:
    """One message."""
    openai = ai.provider("openai")
    response = openai.send_message("What is the capital of France?", model="gpt-4o-mini")
    print(response.content)
    print(response.finish_reason, response.usage.total_tokens, "tokens", response.model)  # type: ignore[union-attr]
    return response


def stream(ai: AI) -> tuple[list[str], AIResponse]:
    """One message, its answer in pieces."""
    pieces = []
    with ai.provider().send_streaming_message("A line on rivers, please.", model="gpt-4o-mini") as stream:
        for chunk in stream:
            print(chunk.content, end="", flush=True)
            pieces.append(chunk.content)
    print()
    return pieces, stream.response


def conversation_with_tools(ai: AI) -> Any:
    """A conversation with two tools."""
    both = threading.Barrier(2, timeout=3)  # lets nobody pass before both are here

    def get_weather(city: str) -> str:
        """The weather in a city."""
        both.wait()
        return f"18 °C and clear in {city}"

    def get_time(city: str, *, seconds: bool = False) -> str:
        """The local time in a city."""
        both.wait()
        return "14:05:30" if seconds else "14:05"

    chat = ai.conversation().model("gpt-4o-mini").tools(get_weather, get_time)
    chat.on_tool_call(lambda call: print(f"calls  {call.name}({call.arguments})"))
    chat.on_tool_result(lambda result: print(f"result {result.name}: {result.text}"))
    print(chat.run_tools("What is it like in Lisbon now?").content)
    return chat


def retry(ai: AI) -> AIResponse:
    """One message; the first request is refused."""
    ai.on(RequestRetried, lambda event: print(f"again in {event.delay:.1f} s: {type(event.error).__name__}"))
    response = ai.provider().send_message("Are you there?", model="gpt-4o-mini")
    print(response.content)
    return response


@dataclass
class City:
    """A city, as the answer is to describe it."""

    name: str
    country: str
    population: int
    rivers: list[str]


def structured(ai: AI) -> City:
    """One message, answered in the form of a dataclass."""
    response = ai.provider().send_message("Describe Lyon.", model="gpt-4o-mini", response_format=City)
    city: City = response.parsed
    print(city)
    print(f"{city.population:,} people, {len(city.rivers)} rivers")
    return city


def cut_stream(ai: AI) -> Stream:
    """One message; its answer breaks off."""
    stream = ai.provider().send_streaming_message("Tell me a story.", model="gpt-4o-mini")
    try:
        for chunk in stream:
            print(chunk.content, end="", flush=True)
    except StreamInterruptedError as error:
        print(f"\n{type(error).__name__}: {error.message}")
        print(f"kept: {error.partial.content!r}")  # type: ignore[union-attr]
    return stream


def costs(ai: AI) -> AIResponse:
    """One message, and what it cost."""
    response = ai.provider().send_message("Sum up the document.", model="gpt-4o-mini")
    cost = response.cost
    assert cost is not None
    print(repr(cost.total), cost.currency, "by", cost.source)
    for name, amount in cost.items.items():
        print(f"  {name:13} {amount:f}")
    return response


def events(ai: AI) -> list[Event]:
    """One message, and its events."""
    seen: list[Event] = []
    ai.on(Event, seen.append)
    ai.on(Event, lambda event: print(event.name))
    with ai.conversation().model("gpt-4o-mini").stream("Hello!") as stream:
        stream.until_done()
    return seen


def side_by_side(ai: AI) -> list[AIResponse]:
    """Five messages at once."""

    async def ask_all(cities: list[str]) -> list[AIResponse]:
        async with ai.asynchronous() as aio:
            openai = aio.provider()
            return await asyncio.gather(*(openai.send_message(f"And {city}?", model="gpt-4o-mini") for city in cities))

    responses = asyncio.run(ask_all(["Paris", "Lima", "Oslo", "Accra", "Hanoi"]))
    print([response.content for response in responses])
    return responses


def keep(ai: AI) -> str:
    """A conversation with a title."""
    chat = ai.conversation("Two days in Lisbon").model("gpt-4o-mini")
    print(chat.send("I have two days in Lisbon. Where do I begin?").content)
    ai.close()
    return chat.id


def go_on(ai: AI) -> Any:
    """The same, found by a word of it, and gone on with."""
    [found] = ai.conversations.search("alfama")
    print(found.title)
    chat = ai.conversations.load(found.id)
    print(chat.send("And on the second day?").content)
    return chat


def report(ai: AI) -> Any:
    """What all steps have cost, from the ledger."""
    lines = ai.storage.costs("model")  # type: ignore[union-attr]
    for line in lines:
        print(line.group["model"], line.attempts, "attempts,", line.failed, "failed,", f"{line.cost:f}", line.currency)
    return lines
