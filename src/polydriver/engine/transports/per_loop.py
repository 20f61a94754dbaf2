"""One resource for each event loop, closed when that loop ends, since connections belong to loops."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from ...forking import own_lock

__all__ = ["PerLoop"]


class _Closable(Protocol):
    async def aclose(self) -> None: ...


T = TypeVar("T", bound=_Closable)


class PerLoop(Generic[T]):
    """Makes a resource with `make` at its first use in each loop, in any number of threads.

    It is closed by `aclose`, or when the loop shuts its asynchronous generators down, as `asyncio.run` does
    at its end, so that nothing is left open when closing was forgotten. A forked child starts with nothing.
    """

    _lock: Any

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        own_lock(self)
        self._process = os.getpid()
        self._held: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[T, None]]] = {}

    async def get(self) -> T:
        """The resource of the running loop."""
        if self._process != os.getpid():
            self._forget_after_fork()
        loop = asyncio.get_running_loop()
        held = self._held.get(loop)
        if held is not None:
            return held[0]
        watch = _until_shutdown(self._make())
        made = await anext(watch)
        with self._lock:
            for other in [other for other in self._held if other.is_closed()]:
                del self._held[other]
            # Another task of this loop may have come first; the second resource is then closed with its generator.
            return self._held.setdefault(loop, (made, watch))[0]

    def close(self) -> None:
        """Have everything closed by the loops it belongs to, without waiting; from any thread."""
        if self._process != os.getpid():
            return
        with self._lock:
            held, self._held = self._held, {}
        for loop, (_, watch) in held.items():
            with suppress(RuntimeError):  # a closed loop has nothing open any more
                loop.call_soon_threadsafe(_close_soon, loop, watch)

    async def aclose(self) -> None:
        """Close what belongs to the running loop and wait for it; then `close`."""
        with self._lock:
            held = self._held.pop(asyncio.get_running_loop(), None)
        if held is not None:
            await held[1].aclose()
        self.close()

    def _forget_after_fork(self) -> None:
        """The parent's selector is shared with it: closing a transport here would deafen the parent's loop."""
        _inherited.append(self._held)
        self._held = {}
        self._process = os.getpid()


_inherited: list[object] = []
_closing: set[asyncio.Task[None]] = set()


async def _until_shutdown(resource: T) -> AsyncGenerator[T, None]:
    try:
        yield resource
    finally:
        await resource.aclose()


def _close_soon(loop: asyncio.AbstractEventLoop, watch: AsyncGenerator[T, None]) -> None:
    task: asyncio.Task[None] = loop.create_task(_finish(watch))
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _finish(watch: AsyncGenerator[T, None]) -> None:
    await watch.aclose()
