"""Blocking and async callers share their logic: it is written once, as coroutines.

Blocking callers run them with `drive`, since what they await never suspends there. What a callback of the user returned
is finished in one place for each colour: `finish_blocking` and `finish_async`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

__all__ = ["Finish", "drive", "finish_async", "finish_blocking", "start_thread", "wait_in_own_loop"]

T = TypeVar("T")

Finish: TypeAlias = Callable[[Any], Awaitable[Any]]
"""How the result of a callback is finished, which may be a coroutine."""


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Finish a coroutine that never suspends. Returns what it returns and raises what it raises.

    Raises `RuntimeError` when it does suspend.
    """
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("a blocking call tried to suspend: a hook awaited something that is not the port")


async def finish_blocking(result: Any) -> Any:
    """What a callback of a blocking caller returned; a coroutine runs to its end in a loop of its own."""
    return wait_in_own_loop(result) if result is not None and isinstance(result, Awaitable) else result


async def finish_async(result: Any) -> Any:
    """What a callback of an async caller returned; a coroutine is awaited."""
    return await result if result is not None and isinstance(result, Awaitable) else result


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


def start_thread(work: Callable[[], None]) -> None:
    """Start a daemon thread, which holds up no exit, with a copy of the current context variables."""
    import threading
    from contextvars import copy_context

    threading.Thread(target=copy_context().run, args=(work,), name="polydriver-work", daemon=True).start()
