"""Waiting on purpose (between attempts, in simulated answers), in one place, so that tests can do without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_waiting", "wait", "wait_async"]

_skipped: list[list[float]] = []


def wait(seconds: float) -> None:
    """Sleep, for blocking callers."""
    if not _is_skipped(seconds):
        time.sleep(seconds)


async def wait_async(seconds: float) -> None:
    """Sleep, for async callers. When waiting is off it still lets other tasks run."""
    import asyncio  # blocking callers do not need it, and it is slow to load

    await asyncio.sleep(0 if _is_skipped(seconds) else seconds)


@contextmanager
def no_waiting() -> Iterator[list[float]]:
    """For tests: inside, no call of this process waits.

    Gives the list of the waits (seconds) that were left out.
    """
    waits: list[float] = []
    _skipped.append(waits)
    try:
        yield waits
    finally:
        _skipped.remove(waits)


def _is_skipped(seconds: float) -> bool:
    for waits in _skipped:
        waits.append(seconds)
    return bool(_skipped)
