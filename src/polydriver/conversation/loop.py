"""What both kinds of conversation do when they send and run tools, as coroutines that each colour runs in its way."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

from ..data.messages import ToolCall, ToolResult
from ..data.responses import AIResponse, ParsedT
from ..engine.observing import Observer
from ..engine.streams import BaseStream
from ..events import Event
from ..provider import Message
from .builder import Turn
from .kept import Kept

__all__ = ["ToolLoop"]

S = TypeVar("S", bound=BaseStream[Any])


class ToolLoop(Kept[ParsedT]):
    """Sends turns and runs tools. A colour says how it waits: the abstract methods."""

    @abstractmethod
    async def _finish(self, result: Any) -> Any:
        """Finish what a callback returned, which may be a coroutine."""

    @abstractmethod
    async def _deliver(self, turn: Turn) -> AIResponse[ParsedT]:
        """Send a turn and wait for the whole answer."""

    @abstractmethod
    async def _deliver_in_chunks(self, message: Message | None) -> AIResponse[ParsedT]:
        """The same as a stream, whose listeners hear of each chunk."""

    @abstractmethod
    async def _run_calls(self, calls: list[ToolCall], tools: Any, **options: Any) -> list[ToolResult]:
        """Run the calls of one turn side by side."""

    @abstractmethod
    async def _emit(self, event: Event) -> None:
        """Bring an event to its listeners."""

    async def _send(self, message: Message | None) -> AIResponse[ParsedT]:
        turn = self._next_turn(message)
        await self._keep_turn(turn)
        try:
            response = await self._deliver(turn)
        except BaseException as error:
            self._keep_failure(turn, getattr(error, "partial", None))
            raise
        await self._done(turn, response)
        return response

    def _stream_of(self, turn: Turn, stream: S) -> S:
        """Have a stream tell what it is about to send, its end, and what came of it where it has none."""
        stream.before(lambda: self._keep_turn(turn))
        stream.instead(lambda partial: self._keep_failure(turn, partial))
        for listener in self._listeners.get("chunk", ()):
            stream.on_chunk(listener)
        return stream

    async def _run_tools(
        self, message: Message | None, max_rounds: int, approve: Any, tool_timeout: float | None
    ) -> AIResponse[ParsedT]:
        tools = self._tools_to_run(max_rounds, tool_timeout)
        observer = self._observer()
        if observer is None:
            return await self._rounds(message, max_rounds, tools, approve=approve, timeout=tool_timeout)
        with observer.tool_loop(self.id):
            options = {"approve": approve, "timeout": tool_timeout, "around": observer.tool}
            return await self._rounds(message, max_rounds, tools, **options)

    def _observer(self) -> Observer | None:
        """What watches the connection that the conversation is with."""
        connection = getattr(self._ai.provider(self._provider), "connection", None)
        return getattr(connection, "observer", None)

    async def _rounds(
        self, message: Message | None, max_rounds: int, tools: Any, **options: Any
    ) -> AIResponse[ParsedT]:
        if message is None and (calls := self._unanswered()):
            results = await self._run_calls(calls, tools, on_event=self._on_tool, **options)
            self._join_results(results)
            await self._keep_round(results)
            await self._tell("tool_result", *results)
        for _ in range(max_rounds):
            chunked = "chunk" in self._listeners
            response = await (self._deliver_in_chunks(message) if chunked else self._send(message))
            message = None
            if not response.tool_calls or self._is_for_caller(response, tools):
                return response
            results = await self._run_calls(response.tool_calls, tools, on_event=self._on_tool, **options)
            updated = self._record_results(results)
            await self._keep_round(results)
            await self._emit(updated)
            await self._tell("tool_result", *results)
        raise self._too_many_rounds(max_rounds, response)

    async def _done(self, turn: Turn, response: AIResponse[ParsedT]) -> None:
        updated = self._record(turn, response)
        await self._keep_answer(response)
        await self._emit(updated)
        await self._tell("response", response)

    def _on_tool(self, kind: str, call: ToolCall, outcome: ToolResult | BaseException | None, seconds: float) -> object:
        return self._run_here(self._tell_of_tool(kind, call, outcome, seconds))

    async def _tell_of_tool(
        self, kind: str, call: ToolCall, outcome: ToolResult | BaseException | None, seconds: float
    ) -> None:
        await self._emit(self._tool_event(kind, call, outcome, seconds))
        if kind == "called":
            await self._tell("tool_call", call)
        elif isinstance(outcome, ToolResult):
            await self._keep_result(outcome)

    async def _tell(self, name: str, *values: Any) -> None:
        for listener in self._listeners.get(name, ()):
            for value in values:
                await self._finish(listener(value))

    @abstractmethod
    def _run_here(self, work: Any) -> object:
        """Run a coroutine of this class from a plain callback: at once, or by returning it to be awaited."""
