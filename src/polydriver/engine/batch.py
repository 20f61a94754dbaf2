"""Many calls side by side, in threads or in tasks, with the results in the order of the calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from ..data.messages import AIMessage
from ..errors import ConfigurationError

__all__ = ["check_prompts", "run_in_tasks", "run_in_threads"]

R = TypeVar("R")


def check_prompts(prompts: object) -> None:
    """Raise `ConfigurationError` for what is not a list of prompts: one text would be sent letter by letter."""
    if isinstance(prompts, str | bytes | AIMessage | Mapping) or not isinstance(prompts, Iterable):
        raise ConfigurationError(f"send_batch() takes a list of messages, not {type(prompts).__name__}")


def run_in_threads(calls: Sequence[Callable[[], R]], limit: int, return_exceptions: bool) -> list[R | BaseException]:
    """Run blocking calls, at most `limit` at once. The first error is raised, and what has not begun never begins."""
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
    from contextvars import copy_context

    _check(limit)
    if not calls:
        return []
    with ThreadPoolExecutor(max_workers=min(limit, len(calls))) as pool:
        try:
            futures = [pool.submit(copy_context().run, call) for call in calls]
            if not return_exceptions:
                wait(futures, return_when=FIRST_EXCEPTION)
                for future in futures:
                    if future.done() and (error := future.exception()):
                        raise error
            wait(futures)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.exception() or future.result() for future in futures]


async def run_in_tasks(
    calls: Sequence[Callable[[], Awaitable[R]]], limit: int, return_exceptions: bool
) -> list[R | BaseException]:
    """Await calls, at most `limit` at once. The first error is raised, and the rest is cancelled."""
    import asyncio

    _check(limit)
    gate = asyncio.Semaphore(limit)

    async def run(call: Callable[[], Awaitable[R]]) -> R:
        async with gate:
            return await call()

    tasks = [asyncio.ensure_future(run(call)) for call in calls]
    try:
        return list(await asyncio.gather(*tasks, return_exceptions=return_exceptions))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _check(limit: object) -> None:
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise ConfigurationError(f"max_concurrency must be a whole number of at least 1, not {limit!r}")
