"""Measures one async client."""

from __future__ import annotations

import asyncio
import gc
import time

from .competitors import AsyncClient
from .meter import (
    BURST_CHUNKS,
    OPEN_MILLISECONDS,
    OPEN_STREAMS,
    PACED_CHUNKS,
    PACED_MILLISECONDS,
    PACED_STREAMS,
    CpuWatch,
    Task,
    check_answer,
    check_stream,
    repetitions,
    resident_kilobytes,
)

__all__ = ["AsyncMeter"]


class AsyncMeter:
    """`run(task)` gives CPU microseconds for each call or chunk, or kilobytes for each open stream.

    All tasks share one event loop, which stands still between them.
    """

    def __init__(self, client: type[AsyncClient], origin: str) -> None:
        self._runner = asyncio.Runner()
        self._make_client, self._origin = client, origin
        self._clients: dict[str, AsyncClient] = {}
        self._counts: dict[tuple[str, int], int] = {}

    def prepare(self, task: Task) -> None:
        """Warms the client up, checks what it reads, and finds how many repetitions fill the time."""
        self._runner.run(self._prepare(task))

    def run(self, task: Task) -> float:
        """Takes one measurement."""
        if task["kind"] == "paced":
            return self._runner.run(self._paced())
        if task["kind"] == "memory":
            return self._runner.run(self._memory())
        return self._runner.run(self._timed(task))

    def _client(self, shape: str = "") -> AsyncClient:
        if shape not in self._clients:
            self._clients[shape] = self._make_client(f"{self._origin}{shape}/v1")
        return self._clients[shape]

    async def _prepare(self, task: Task) -> None:
        if task["kind"] in ("paced", "memory"):
            await self._streams(1)
            return
        await self._repeat(task, task["in_flight"])  # the first call loads modules: it would spoil the count
        done, started = 0, time.perf_counter()
        while (taken := time.perf_counter() - started) < task["seconds"]:
            await self._repeat(task, task["in_flight"])
            done += 1
        self._counts[task["kind"], task["in_flight"]] = repetitions(done, taken, task["seconds"])

    async def _timed(self, task: Task) -> float:
        rounds = self._counts[task["kind"], task["in_flight"]]
        watch = CpuWatch()
        units = await self._repeat(task, rounds * task["in_flight"])
        for client in self._clients.values():
            if finish := getattr(client, "finish", None):
                finish()
        return watch.microseconds() / units

    async def _repeat(self, task: Task, count: int) -> int:
        if task["kind"] == "chunk":
            return await self._streams(count)
        client, in_flight = self._client(), task["in_flight"]
        await asyncio.gather(*(self._calls(client, count // in_flight) for _ in range(in_flight)))
        return count

    async def _calls(self, client: AsyncClient, count: int) -> None:
        for _ in range(count):
            answer = await client.call()
        check_answer(answer)

    async def _streams(self, count: int) -> int:
        client = self._client(f"/{BURST_CHUNKS}/0")
        for _ in range(count):
            pieces: list[str] = []
            total_tokens = await client.stream(pieces.append)
        check_stream(pieces, total_tokens, BURST_CHUNKS)
        return count * BURST_CHUNKS

    async def _paced(self) -> float:
        """Watches the middle two thirds of the chunks, when all streams are open and none has ended."""
        client = self._client(f"/{PACED_CHUNKS}/{PACED_MILLISECONDS}")
        first, last = PACED_STREAMS * PACED_CHUNKS // 6, PACED_STREAMS * PACED_CHUNKS * 5 // 6
        seen, watch, spent = 0, CpuWatch(), 0.0

        def count(_text: str) -> None:
            nonlocal seen, watch, spent
            seen += 1
            if seen == first:
                watch = CpuWatch()
            elif seen == last:
                spent = watch.microseconds()

        await asyncio.gather(*(client.stream(count) for _ in range(PACED_STREAMS)))
        if seen != PACED_STREAMS * PACED_CHUNKS:
            raise AssertionError(f"{seen} chunks of {PACED_STREAMS * PACED_CHUNKS}")
        return spent / (last - first)

    async def _memory(self) -> float:
        """Opens the streams, waits for text on each, and lets go of them."""
        client = self._client(f"/1000/{OPEN_MILLISECONDS}")
        gc.collect()
        before = resident_kilobytes()
        enough = [asyncio.Event() for _ in range(OPEN_STREAMS)]
        tasks = [asyncio.create_task(self._watched(client, event)) for event in enough]
        async with asyncio.timeout(60):
            for event in enough:
                await event.wait()
        if any(task.done() for task in tasks):
            raise AssertionError("a stream ended before its time")
        gc.collect()
        grown = resident_kilobytes() - before
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return grown / OPEN_STREAMS

    async def _watched(self, client: AsyncClient, enough: asyncio.Event) -> None:
        await client.stream(lambda _text: enough.set())
