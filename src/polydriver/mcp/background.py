"""An event loop in a thread of its own, for blocking callers of something that lives in one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["BackgroundLoop"]

T = TypeVar("T")


class BackgroundLoop:
    """Runs coroutines in a daemon thread. A stdio server's connection must be read all the time, so it cannot live
    in the caller's thread between two calls."""

    def __init__(self) -> None:
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="polydriver-mcp", daemon=True)
        self._thread.start()
        self._started.wait()

    async def _live(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._started.set()
        await self._end.wait()

    def run(self, coroutine: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Run it to its end and give what it returns. Ctrl-C while waiting cancels it.

        So does the end of the time, which raises `TimeoutError`, even if the loop is too busy to notice it.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result(seconds)
        finally:
            future.cancel()

    def close(self) -> None:
        """End the loop, with what still runs in it, and its thread."""
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
