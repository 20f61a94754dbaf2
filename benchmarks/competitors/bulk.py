"""A batch in four ways: aiohttp and calls of polydriver in loops written by hand, `send_batch`, `stream_batch`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from . import MODEL, Answer
from .aiohttp_bare import Aiohttp
from .polydriver_client import AsyncPolydriver, answer_of

__all__ = ["AiohttpLoop", "PolydriverLoop", "SendBatch", "StreamBatch"]


async def _share(client: Aiohttp | AsyncPolydriver, prompts: Iterator[str], in_flight: int) -> tuple[int, Answer]:
    """Tasks that take one prompt after the other; the answers are kept, as `send_batch` keeps them."""
    answers: list[Answer] = []

    async def work() -> None:
        for _ in prompts:
            answers.append(await client.call())

    await asyncio.gather(*(work() for _ in range(in_flight)))
    return len(answers), answers[-1]


class AiohttpLoop(Aiohttp):
    """What one writes without a library."""

    async def run(self, prompts: Iterator[str], in_flight: int) -> tuple[int, Answer]:
        return await _share(self, prompts, in_flight)


class PolydriverLoop(AsyncPolydriver):
    """The same with calls of polydriver."""

    async def run(self, prompts: Iterator[str], in_flight: int) -> tuple[int, Answer]:
        return await _share(self, prompts, in_flight)


class SendBatch(AsyncPolydriver):
    """All answers in a list."""

    async def run(self, prompts: Iterator[str], in_flight: int) -> tuple[int, Answer]:
        answers = await self._provider.send_batch(prompts, model=MODEL, max_concurrency=in_flight)
        return len(answers), answer_of(answers[-1])


class StreamBatch(AsyncPolydriver):
    """Outcomes as they come."""

    async def run(self, prompts: Iterator[str], in_flight: int) -> tuple[int, Answer]:
        done, last = 0, None
        async with self._provider.stream_batch(prompts, model=MODEL, max_concurrency=in_flight) as batch:
            async for outcome in batch:
                done, last = done + 1, outcome.response
        return done, answer_of(last)
