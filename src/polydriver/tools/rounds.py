"""The bookkeeping of one round of tool calls, those of one answer, the same for the blocking and the async form."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeAlias

from ..colours import Finish
from ..data.messages import ToolCall, ToolResult
from ..data.prompt import ProviderTool, ToolSpec
from ..errors import ToolExecutionError
from .definition import Tool
from .rendering import render_failure
from .signature import ToolArgumentsError

__all__ = [
    "Approve",
    "Around",
    "OnToolEvent",
    "Outcome",
    "Tools",
    "ToolRound",
    "hook_failed",
    "needs_hook",
    "timed_out",
]

Approve: TypeAlias = Callable[[ToolCall], bool | str | Awaitable[bool | str]]
"""Asked before a call runs, plain or async.

True lets it run, false declines it; text declines it, too, and is the reason given to the model.
"""

OnToolEvent: TypeAlias = Callable[
    [Literal["called", "completed", "failed"], ToolCall, ToolResult | BaseException | None, float], object
]
"""Told what happens, as (kind, call, outcome, seconds), always in the caller's own thread; plain or async.

"called" (outcome `None`) comes before a tool runs, then "completed" with the `ToolResult`, or "failed" with
the exception. A call that never ran is only "failed".
"""

Around: TypeAlias = Callable[[ToolCall], AbstractContextManager[Any]]
"""What the run of a call is inside of, in the thread or task of the tool. Where it gives something, that is called with
the `ToolResult`."""

Outcome: TypeAlias = ToolResult | BaseException
Tools: TypeAlias = Iterable[ToolSpec | ProviderTool]


class ToolRound:
    """The calls of one round: which may run, when each began, and how each ended."""

    def __init__(
        self,
        calls: Sequence[ToolCall],
        tools: Tools,
        timeout: float | None,
        on_event: OnToolEvent | None,
        finish: Finish,
        around: Around | None = None,
    ) -> None:
        """`finish` finishes what hooks and listeners return, in the colour of the caller."""
        self.calls = calls
        self.around: Around = around or _nothing
        self._finish = finish
        self.approved: list[tuple[int, Tool]] = []
        self._tools: Mapping[str, ToolSpec] = {tool.name: tool for tool in tools if isinstance(tool, ToolSpec)}
        self._timeout = timeout
        self._on_event = on_event
        self._results: dict[int, ToolResult] = {}
        self._started: dict[int, float] = {}

    async def ask(self, approve: Approve | None) -> None:
        """Find the tool of each call, and ask in order whether it may run."""
        for index, call in enumerate(self.calls):
            if (tool := await self.find(index)) is not None:
                try:
                    answer = needs_hook(tool) if approve is None else await self._finish(approve(call))
                except Exception as error:  # noqa: BLE001 (whatever the hook raises, the call was not approved)
                    answer = hook_failed(error)
                await self.decide(index, tool, answer)

    async def find(self, index: int) -> Tool | None:
        """The tool that can run this call; `None`, and its error result is noted, when there is none."""
        call = self.calls[index]
        tool = self._tools.get(call.name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            problem = f"There is no tool called {call.name!r}. The tools are: {known}."
        elif not call.is_complete:
            problem = (
                f"The arguments for {call.name} were cut off or are not a JSON object, so it was not run. "
                "Call it again with complete arguments."
            )
        elif not isinstance(tool, Tool) or tool.function is None:
            problem = f"The tool {call.name} has no function here, so it was not run."
        else:
            return tool
        await self.finish(index, ToolExecutionError(problem))
        return None

    async def decide(self, index: int, tool: Tool, answer: bool | str) -> None:
        """Let the call run, or note that it was declined."""
        if answer is True:
            self.approved.append((index, tool))
            return
        reason = f": {answer}" if isinstance(answer, str) and answer else ""
        await self.finish(index, ToolExecutionError(f"The call of {tool.name} was declined{reason}."))

    def timeout_of(self, tool: Tool) -> float | None:
        """The seconds that the tool may take; `None` for no limit."""
        return self._timeout if tool.timeout is None else tool.timeout

    async def start(self, index: int) -> None:
        """Tell that the call is about to run; its time begins after that."""
        await self._tell("called", index, None, 0.0)
        self._started[index] = time.monotonic()

    async def finish(self, index: int, outcome: Outcome) -> None:
        """Note how the call ended, as a result or as the exception that it failed with."""
        seconds = time.monotonic() - self._started[index] if index in self._started else 0.0
        if isinstance(outcome, ToolResult):
            self._results[index] = outcome
            await self._tell("completed", index, outcome, seconds)
            return
        ours = isinstance(outcome, ToolExecutionError | ToolArgumentsError)
        self._results[index] = render_failure(self.calls[index], _message(outcome) if ours else outcome)
        await self._tell("failed", index, outcome, seconds)

    def results(self) -> list[ToolResult]:
        """The results of all calls, in the calls' order."""
        return [self._results[index] for index in range(len(self.calls))]

    async def _tell(
        self,
        kind: Literal["called", "completed", "failed"],
        index: int,
        outcome: Outcome | None,
        seconds: float,
    ) -> None:
        if self._on_event is not None:
            await self._finish(self._on_event(kind, self.calls[index], outcome, seconds))


def _nothing(call: ToolCall) -> AbstractContextManager[None]:
    return nullcontext()


def _message(error: BaseException) -> str:
    return error.message if isinstance(error, ToolExecutionError) else str(error)


def needs_hook(tool: Tool) -> bool | str:
    """The answer when no approval hook is set."""
    return "it needs an approval, and no approval hook is set" if tool.requires_approval else True


def hook_failed(error: Exception) -> str:
    """The answer when the approval hook raised: declined, as nobody agreed."""
    return f"the approval hook failed with {type(error).__name__}"


def timed_out(call: ToolCall, seconds: float | None) -> ToolExecutionError:
    """The failure of a call that took longer than its timeout."""
    return ToolExecutionError(f"The call of {call.name} timed out after {seconds:g} seconds.")
