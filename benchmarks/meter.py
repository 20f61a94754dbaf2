"""What both meters share: the task, the shapes of the streams, the checks of what was read."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from resource import getpagesize
from typing import TypedDict

from .competitors import Answer

__all__ = [
    "BURST_CHUNKS",
    "OPEN_MILLISECONDS",
    "OPEN_STREAMS",
    "PACED_CHUNKS",
    "PACED_MILLISECONDS",
    "PACED_STREAMS",
    "CpuWatch",
    "Task",
    "check_answer",
    "check_stream",
    "repetitions",
    "resident_kilobytes",
]

BURST_CHUNKS = 2000
PACED_STREAMS, PACED_CHUNKS, PACED_MILLISECONDS = 100, 60, 20
OPEN_STREAMS, OPEN_MILLISECONDS = 500, 500


class Task(TypedDict):
    """One measurement: `call`, `chunk`, `paced`, `memory`, `step`, `allocated` or `batch`, its calls in flight, and
    about how long."""

    kind: str
    in_flight: int
    seconds: float


class CpuWatch:
    """CPU time (user plus system, all threads) that this process has used since the watch was made."""

    def __init__(self) -> None:
        gc.collect()
        self._started = time.process_time()

    def microseconds(self) -> float:
        return (time.process_time() - self._started) * 1e6


def repetitions(done: int, taken: float, seconds: float) -> int:
    """How many repetitions fill `seconds`, at least one, when `done` of them took `taken` seconds."""
    return max(1, round(done * seconds / taken))


def check_answer(answer: Answer) -> None:
    """Raises unless a whole reply was read as the server sent it."""
    if not answer.text.startswith("A driver turns") or answer.total_tokens != 57:
        raise AssertionError(f"wrong answer: {answer}")


def check_stream(pieces: list[str], total_tokens: int, chunks: int) -> None:
    """Raises unless every chunk's text and the usage arrived."""
    if len(pieces) != chunks or total_tokens != chunks + 9:
        raise AssertionError(f"wrong stream: {len(pieces)} pieces of {chunks}, {total_tokens} tokens")


def resident_kilobytes() -> float:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize() / 1024
