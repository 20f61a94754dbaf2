"""Async: many messages at once, a batch that keeps order and errors apart, and a stream."""

from __future__ import annotations

import asyncio

from playground import playground

from polydriver import AIError, AsyncAI

CITIES = ("Paris", "Lima", "Oslo", "Accra")


async def main(ai: AsyncAI) -> None:
    """Ask about all cities."""
    openai = ai.provider("openai")

    answers = await asyncio.gather(*(openai.send_message(f"{city}?", model="gpt-4o-mini") for city in CITIES))
    print([answer.content for answer in answers])

    results = await openai.send_batch(CITIES, model="gpt-4o-mini", max_concurrency=2, return_exceptions=True)
    for city, result in zip(CITIES, results, strict=True):
        print(city, "failed" if isinstance(result, AIError) else result.content)

    async with openai.send_streaming_message("And all of them?", model="gpt-4o-mini") as stream:
        async for chunk in stream:
            print(chunk.content, end="", flush=True)
    print()


async def run() -> None:
    """Open the connections of this loop, and close them at its end."""
    with playground(*["A fine city."] * 9) as blocking:
        async with blocking.asynchronous() as ai:
            await main(ai)


asyncio.run(run())
