"""Measures one blocking client."""

from __future__ import annotations

import time

from .competitors import BlockingClient
from .meter import BURST_CHUNKS, CpuWatch, Task, check_answer, check_stream, repetitions

__all__ = ["BlockingMeter"]


class BlockingMeter:
    """`run(task)` gives CPU microseconds for each call, or for each chunk of a burst."""

    def __init__(self, client: type[BlockingClient], origin: str) -> None:
        self._caller = client(f"{origin}/v1")
        self._streamer = client(f"{origin}/{BURST_CHUNKS}/0/v1")
        self._counts: dict[str, int] = {}

    def prepare(self, task: Task) -> None:
        """Warms the client up, checks what it reads, and finds how many repetitions fill the time."""
        self._repeat(task["kind"], 1)  # the first call loads modules: it would spoil the count
        done, started = 0, time.perf_counter()
        while (taken := time.perf_counter() - started) < task["seconds"]:
            self._repeat(task["kind"], 1)
            done += 1
        self._counts[task["kind"]] = repetitions(done, taken, task["seconds"])

    def run(self, task: Task) -> float:
        """Takes one measurement."""
        count = self._counts[task["kind"]]
        watch = CpuWatch()
        units = self._repeat(task["kind"], count)
        return watch.microseconds() / units

    def _repeat(self, kind: str, count: int) -> int:
        if kind == "call":
            return self._calls(count)
        return self._streams(count)

    def _calls(self, count: int) -> int:
        for _ in range(count):
            answer = self._caller.call()
        check_answer(answer)
        return count

    def _streams(self, count: int) -> int:
        for _ in range(count):
            pieces: list[str] = []
            total_tokens = self._streamer.stream(pieces.append)
        check_stream(pieces, total_tokens, BURST_CHUNKS)
        return count * BURST_CHUNKS
