"""Measures batches: many prompts from a generator, some of them in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol

from .competitors import PROMPT, Answer
from .meter import CpuWatch, Task, check_answer

__all__ = ["PROMPTS", "BatchMeter", "Bulk"]

PROMPTS = 10_000


class Bulk(Protocol):
    """A competitor, made inside the running loop."""

    def __init__(self, base_url: str) -> None: ...

    async def run(self, prompts: Iterator[str], in_flight: int) -> tuple[int, Answer]:
        """Answers all prompts; returns how many answers there are, and one of them."""


class BatchMeter:
    """`run(task)` gives CPU microseconds for each prompt."""

    def __init__(self, competitor: type[Bulk], origin: str) -> None:
        self._runner = asyncio.Runner()
        self._make, self._origin = competitor, origin
        self._bulk: Bulk | None = None

    def prepare(self, task: Task) -> None:
        """Warms up."""
        self._runner.run(self._run(PROMPTS // 20, task["in_flight"]))

    def run(self, task: Task) -> float:
        """Takes one measurement."""
        return self._runner.run(self._run(PROMPTS, task["in_flight"]))

    async def _run(self, count: int, in_flight: int) -> float:
        if self._bulk is None:
            self._bulk = self._make(f"{self._origin}/v1")
        watch = CpuWatch()
        done, answer = await self._bulk.run((PROMPT for _ in range(count)), in_flight)
        spent = watch.microseconds()
        if done != count:
            raise AssertionError(f"{done} answers to {count} prompts")
        check_answer(answer)
        return spent / count
