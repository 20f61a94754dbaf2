"""Running the tool calls of one round: side by side, in order, each failure kept to its own call.

The blocking form runs calls in daemon threads, the async form async functions in tasks and plain functions in
daemon threads. A thread cannot be stopped: after a timeout its call is reported as timed out, and the thread
is left to end by itself; it never holds up the interpreter's exit. Context variables reach the tools in both
forms.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from ..colours import drive, finish_async, finish_blocking, start_thread
from ..data.messages import ToolCall, ToolResult
from .definition import Tool
from .rendering import render_result
from .rounds import Approve, Around, OnToolEvent, Outcome, ToolRound, Tools, timed_out
from .signature import is_async
from .threads import call_in_thread

__all__ = ["run_calls", "run_calls_sync", "run_tool", "run_tool_sync"]

_MAX_CONCURRENCY = 16


def run_tool_sync(tool: Tool, call: ToolCall, *, timeout: float | None = None) -> ToolResult:
    """Run one call and give its result; a failure of any kind is a result, too (`is_error`).

    An async function runs in an event loop of its own, in another thread, so this works inside a running
    loop. `timeout` in seconds holds for a tool that has none. `KeyboardInterrupt` and `SystemExit` pass.
    """
    return run_calls_sync([call], [tool], timeout=timeout, approve=lambda _: True)[0]


async def run_tool(tool: Tool, call: ToolCall, *, timeout: float | None = None) -> ToolResult:  # noqa: ASYNC109
    """Run one call and give its result; a failure of any kind is a result, too (`is_error`).

    A plain function runs in a thread. `timeout` in seconds holds for a tool that has none. `CancelledError`
    passes.
    """
    return (await run_calls([call], [tool], timeout=timeout, approve=lambda _: True))[0]


def run_calls_sync(
    calls: Sequence[ToolCall],
    tools: Tools,
    *,
    approve: Approve | None = None,
    timeout: float | None = None,
    on_event: OnToolEvent | None = None,
    around: Around | None = None,
    max_concurrency: int = _MAX_CONCURRENCY,
) -> list[ToolResult]:
    """Run the calls of one round side by side in threads; the results come in the calls' order.

    A call of an unknown tool, with incomplete or invalid arguments, that is declined, that fails or takes
    more than its `timeout` (seconds; the tool's own goes first), gives an error result and leaves the others
    alone. With `approve` each call is asked for, in order, before any runs; without it tools that require
    approval are declined.
    """
    tool_round = ToolRound(calls, tools, timeout, on_event, finish_blocking, around)
    drive(tool_round.ask(approve))
    _run_in_threads(tool_round, max_concurrency)
    return tool_round.results()


async def run_calls(
    calls: Sequence[ToolCall],
    tools: Tools,
    *,
    approve: Approve | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 (each call has a timeout of its own, the tool's first)
    on_event: OnToolEvent | None = None,
    around: Around | None = None,
    max_concurrency: int = _MAX_CONCURRENCY,
) -> list[ToolResult]:
    """Run the calls of one round side by side in tasks; otherwise as `run_calls_sync`.

    Cancelling it cancels the async tools that run; plain functions in threads end by themselves.
    """
    import asyncio  # blocking callers do not need it, and it is slow to load

    tool_round = ToolRound(calls, tools, timeout, on_event, finish_async, around)
    await tool_round.ask(approve)
    places = asyncio.Semaphore(max(1, max_concurrency))

    async def run(index: int, tool: Tool) -> None:
        async with places:
            await tool_round.start(index)
            outcome = await _outcome(tool_round, tool, calls[index])
            if _is_fatal(outcome):
                raise _Fatal(cast(BaseException, outcome))
            await tool_round.finish(index, outcome)

    try:
        async with asyncio.TaskGroup() as group:
            for index, tool in tool_round.approved:
                group.create_task(run(index, tool))
    except BaseExceptionGroup as errors:
        for error in errors.exceptions:
            if isinstance(error, _Fatal):
                raise error.error from None
        raise
    return tool_round.results()


class _Fatal(Exception):
    """Carries what ends the program from the task of a tool to the one that waits: no loop breaks off in between."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


def _run_in_threads(tool_round: ToolRound, max_concurrency: int) -> None:
    done: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()
    waiting = deque(tool_round.approved)
    running: dict[int, tuple[Tool, float]] = {}
    while waiting or running:
        while waiting and len(running) < max(1, max_concurrency):
            index, tool = waiting.popleft()
            drive(tool_round.start(index))
            limit = tool_round.timeout_of(tool)
            if limit is None and len(tool_round.approved) == 1:
                drive(
                    tool_round.finish(
                        index, _raise_if_fatal(_blocking_outcome(tool_round, tool, tool_round.calls[index]))
                    )
                )
                return
            running[index] = (tool, float("inf") if limit is None else time.monotonic() + limit)
            start_thread(partial(_run_into, done, tool_round, index, tool))
        nearest = min(deadline for _, deadline in running.values())
        try:
            wait = None if nearest == float("inf") else max(0.0, nearest - time.monotonic())
            index, outcome = done.get(timeout=wait)
        except queue.Empty:
            now = time.monotonic()
            for index in [index for index, (_, deadline) in running.items() if deadline <= now]:
                tool, _ = running.pop(index)
                drive(tool_round.finish(index, timed_out(tool_round.calls[index], tool_round.timeout_of(tool))))
            continue
        if running.pop(index, None) is not None:
            drive(tool_round.finish(index, _raise_if_fatal(outcome)))


def _run_into(done: queue.SimpleQueue[tuple[int, Outcome]], tool_round: ToolRound, index: int, tool: Tool) -> None:
    done.put((index, _blocking_outcome(tool_round, tool, tool_round.calls[index])))


def _is_fatal(outcome: Outcome) -> bool:
    return (
        isinstance(outcome, BaseException)
        and not isinstance(outcome, Exception)
        and type(outcome).__name__ != "CancelledError"
    )


def _raise_if_fatal(outcome: Outcome) -> Outcome:
    if _is_fatal(outcome):
        raise cast(BaseException, outcome)
    return outcome


def _blocking_outcome(tool_round: ToolRound, tool: Tool, call: ToolCall) -> Outcome:
    """Run the call to its end in this thread. Every exception is an outcome; the caller lets the fatal ones
    pass.
    """
    try:
        with tool_round.around(call) as note:
            value = tool.run(call.exact_arguments)
            return _noted(note, render_result(call, drive(finish_blocking(value))))
    except BaseException as error:  # noqa: BLE001 (carried to the caller's thread)
        return error


def _noted(note: Callable[[ToolResult], object] | None, result: ToolResult) -> ToolResult:
    if note is not None:
        note(result)
    return result


async def _outcome(tool_round: ToolRound, tool: Tool, call: ToolCall) -> Outcome:
    import asyncio

    limit = tool_round.timeout_of(tool)
    clock = asyncio.timeout(limit)
    try:
        async with clock:
            with tool_round.around(call) as note:
                return _noted(note, render_result(call, await _value(tool, call.exact_arguments)))
    except TimeoutError as error:
        return timed_out(call, limit) if clock.expired() else error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return error  # Something inside the tool was cancelled, not this call.
    except GeneratorExit:
        raise
    except BaseException as error:  # noqa: BLE001 (a failing tool must not harm the others; the fatal ones are carried)
        return error


async def _value(tool: Tool, arguments: dict[str, Any]) -> Any:
    if tool.function is not None and is_async(tool.function):
        return await tool.run(arguments)
    return await finish_async(await call_in_thread(lambda: tool.run(arguments)))
