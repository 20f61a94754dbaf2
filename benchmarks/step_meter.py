"""Measures work that waits for nothing: one `step` after the other, its CPU time or its memory."""

from __future__ import annotations

import gc
import time
import tracemalloc
from typing import Protocol

from .meter import CpuWatch, Task, repetitions

__all__ = ["StepMeter", "Stepper"]


class Stepper(Protocol):
    """A competitor that does one unit of work with each `step`, or as many as it says in `units`."""

    def __init__(self, origin: str) -> None: ...

    def step(self) -> None: ...


class StepMeter:
    """`run(task)` gives CPU microseconds for each unit of work; for `allocated`, the kilobytes that Python allocates at
    most during a step."""

    def __init__(self, stepper: type[Stepper], origin: str) -> None:
        made = stepper(origin)
        self._step, self._units = made.step, getattr(made, "units", 1)
        self._count = 0

    def prepare(self, task: Task) -> None:
        """Warms up, and finds how many steps fill the time."""
        done, started = 0, time.perf_counter()
        while (taken := time.perf_counter() - started) < task["seconds"]:
            self._step()
            done += 1
        self._count = repetitions(done, taken, task["seconds"])

    def run(self, task: Task) -> float:
        """Takes one measurement."""
        if task["kind"] == "allocated":
            return self._allocated()
        step, watch = self._step, CpuWatch()
        for _ in range(self._count):
            step()
        return watch.microseconds() / (self._count * self._units)

    def _allocated(self) -> float:
        gc.collect()
        tracemalloc.start()
        try:
            self._step()
            return tracemalloc.get_traced_memory()[1] / 1024
        finally:
            tracemalloc.stop()
