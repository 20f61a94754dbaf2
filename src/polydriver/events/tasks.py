"""Async listeners where nothing can be awaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ..colours import wait_in_own_loop

__all__ = ["is_cancellation", "is_cancelled", "run_soon"]

_tasks: set[Any] = set()


def is_cancellation(error: BaseException) -> bool:
    """Whether it is a `CancelledError` of asyncio, which blocking code does not load."""
    return not isinstance(error, Exception) and type(error).__name__ == "CancelledError"


def is_cancelled(error: BaseException) -> bool:
    """Whether an error means that the running task itself was cancelled, and not one that it awaited."""
    if not is_cancellation(error):
        return False
    import asyncio

    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def run_soon(work: Coroutine[Any, Any, object], failed: Callable[[BaseException], None]) -> None:
    """Run a coroutine as a task of the running loop, or to its end where none runs; `failed` is told of errors."""
    import asyncio

    async def run() -> None:
        try:
            await work
        except BaseException as error:
            if is_cancelled(error) or not (isinstance(error, Exception) or is_cancellation(error)):
                raise
            failed(error)

    try:
        task = asyncio.get_running_loop().create_task(run())
    except RuntimeError:
        wait_in_own_loop(run())
        return
    _tasks.add(task)  # the loop keeps weak references only
    task.add_done_callback(_tasks.discard)
