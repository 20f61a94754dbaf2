"""Async listeners where nothing can be awaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ..colours import wait_in_own_loop

__all__ = ["run_soon"]

_tasks: set[Any] = set()


def run_soon(work: Coroutine[Any, Any, object], failed: Callable[[Exception], None]) -> None:
    """Run a coroutine as a task of the running loop, or to its end where none runs; `failed` is told of errors."""
    import asyncio

    async def run() -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - handed over
            failed(error)

    try:
        task = asyncio.get_running_loop().create_task(run())
    except RuntimeError:
        wait_in_own_loop(run())
        return
    _tasks.add(task)  # the loop keeps weak references only
    task.add_done_callback(_tasks.discard)
