"""Calls from all sides at once, for the tests of limits."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

__all__ = ["call_from_everywhere"]


def call_from_everywhere(driver: Any) -> list[str]:
    """The answers to ten calls each of four threads and of the event loops of four others."""
    done: list[str] = []

    def work() -> None:
        done.extend(driver.send_message("Hi", model="m").content for _ in range(10))

    async def work_async() -> None:
        provider = driver.asynchronous()
        done.extend([(await provider.send_message("Hi", model="m")).content for _ in range(10)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    threads += [threading.Thread(target=lambda: asyncio.run(work_async())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done
