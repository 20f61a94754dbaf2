"""Running plain tools in a thread from async code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from ..colours import start_thread

__all__ = ["call_in_thread"]


async def call_in_thread(function: Callable[[], Any]) -> Any:
    """Like `asyncio.to_thread`, but in a daemon thread: a tool that hangs must not hold up the loop's end."""
    import asyncio  # blocking callers do not need it, and it is slow to load

    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.cancelled():
            if isinstance(value, Coroutine):
                value.close()  # nobody will await it
            return
        if error is None:
            future.set_result(value)
        elif isinstance(error, StopIteration):
            future.set_exception(RuntimeError("the tool raised StopIteration"))
        else:
            future.set_exception(error)
        future.exception()  # the one who awaits it has it

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
