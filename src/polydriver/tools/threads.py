"""Daemon threads for tools, which nobody has to wait for at the interpreter's or the event loop's end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["call_in_thread", "start_thread", "wait_in_own_loop"]


def wait_in_own_loop(awaitable: Awaitable[Any]) -> Any:
    """Wait for it in an event loop of its own in another thread, so that this works inside a running loop."""

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


def start_thread(work: Callable[[], None]) -> None:
    """Start a daemon thread with a copy of the current context variables."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="polydriver-tool", daemon=True).start()


async def call_in_thread(function: Callable[[], Any]) -> Any:
    """Like `asyncio.to_thread`, but in a daemon thread: a tool that hangs must not hold up the loop's end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(value)
        elif isinstance(error, StopIteration):
            future.set_exception(RuntimeError("the tool raised StopIteration"))
        else:
            future.set_exception(error)

    def work() -> None:
        value, error = None, None
        try:
            value = function()
        except BaseException as raised:  # noqa: BLE001 (carried to the loop's thread)
            error = raised
        # A closed loop raises: nobody waits for this any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, value, error)

    start_thread(work)
    return await future
