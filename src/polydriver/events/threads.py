"""Waiting for async code from blocking code, whether or not an event loop runs in the caller's thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

__all__ = ["finish_listener", "run_soon", "start_thread", "wait_in_own_loop"]

_tasks: set[Any] = set()


def wait_in_own_loop(awaitable: Awaitable[Any]) -> Any:
    """Wait for it in an event loop of its own in another thread, so that this works inside a running loop.

    Returns what it returns and raises what it raises.
    """
    import asyncio  # blocking callers mostly do without it, and it is slow to load
    import queue

    async def wait() -> Any:
        return await awaitable

    done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            done.put((asyncio.run(wait()), None))
        except BaseException as error:  # noqa: BLE001 (carried to the caller's thread)
            done.put((None, error))

    start_thread(work)
    value, error = done.get()
    if error is not None:
        raise error
    return value


def finish_listener(result: object) -> None:
    """Finish what a listener returned to blocking code: a coroutine, if it is an async one."""
    if result is not None and isinstance(result, Awaitable):
        wait_in_own_loop(result)


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


def start_thread(work: Callable[[], None]) -> None:
    """Start a daemon thread, which holds up no exit, with a copy of the current context variables."""
    import threading
    from contextvars import copy_context

    threading.Thread(target=copy_context().run, args=(work,), name="polydriver-work", daemon=True).start()
