"""`Conversation` and `AsyncConversation`: sending, streaming and running tools over a kept history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..data.messages import ToolCall, ToolResult
from ..events import Event
from ..events.threads import finish_listener
from .builder import Builder, Turn

if TYPE_CHECKING:
    from ..data.responses import AIResponse
    from ..engine.streams import AsyncStream, Stream
    from ..manager import AI, AsyncAI
    from ..provider import Message

__all__ = ["AsyncConversation", "Conversation"]


class Conversation(Builder):
    """A conversation for blocking callers.

    ::

        chat = ai.conversation().provider("openai").model("gpt-4o-mini").system("Be brief.")
        print(chat.message("What is a monad?").send().content)
        print(chat.message("And a comonad?").send().content)  # knows what was said
    """

    _ai: AI

    def send(self, message: Message | None = None) -> AIResponse:
        """Send what is pending and `message`, with the whole history, and wait for the answer.

        On failure all stays as it was: what was pending still is, and `message` was never said.
        """
        turn = self._next_turn(message)
        provider = self._ai.provider(self._provider)
        response = provider.send_messages(turn.messages, **self._call_options())
        self._done(turn, response)
        return response

    def stream(self, message: Message | None = None) -> Stream:
        """Send what is pending and `message`; the answer comes in chunks.

        Both are part of the history once it has ended; a stream that breaks or is left early leaves nothing.
        """
        turn = self._next_turn(message)
        provider = self._ai.provider(self._provider)
        stream = provider.send_streaming_messages(turn.messages, **self._call_options())
        stream.then(partial(self._done, turn))
        for listener in self._listeners.get("chunk", ()):
            stream.on_chunk(listener)
        return stream

    def run_tools(
        self,
        message: Message | None = None,
        *,
        max_rounds: int = 10,
        approve: Callable[[ToolCall], bool | str] | None = None,
        tool_timeout: float | None = None,
    ) -> AIResponse:
        """Send, run the tools that the model calls, send their results, and so on until it answers without calls.

        Calls of one turn run side by side in threads; each failure is that call's result. `approve` is asked before
        each call (`False` or a reason declines it), `tool_timeout` is in seconds. A call of a tool without a function
        is handed back. Raises `ToolExecutionError` after `max_rounds` rounds.
        """
        from ..tools import run_calls_sync

        tools = self._tools_to_run(max_rounds, tool_timeout)
        for _ in range(max_rounds):
            response = self._answer(message)
            message = None
            if not response.tool_calls or self._left_to_caller(response, tools):
                return response
            results = run_calls_sync(
                response.tool_calls, tools, approve=approve, timeout=tool_timeout, on_event=self._on_tool
            )
            self._emit(self._record_results(results))
            self._tell("tool_result", *results)
        raise self._too_many_rounds(max_rounds, response)

    def _answer(self, message: Message | None) -> AIResponse:
        if "chunk" in self._listeners:
            with self.stream(message) as stream:
                return stream.until_done()
        return self.send(message)

    def _done(self, turn: Turn, response: AIResponse) -> None:
        self._emit(self._record(turn, response))
        self._tell("response", response)

    def _on_tool(self, kind: str, call: ToolCall, outcome: ToolResult | BaseException | None, seconds: float) -> None:
        self._emit(self._tool_event(kind, call, outcome, seconds))
        if kind == "called":
            self._tell("tool_call", call)

    def _emit(self, event: Event) -> None:
        bus = self._ai.connections.bus
        if bus.wants(type(event)):
            bus.emit_blocking(event)

    def _tell(self, name: str, *values: Any) -> None:
        for listener in self._listeners.get(name, ()):
            for value in values:
                finish_listener(listener(value))


class AsyncConversation(Builder):
    """A conversation for async callers; its listeners may be coroutine functions."""

    _ai: AsyncAI

    async def send(self, message: Message | None = None) -> AIResponse:
        """See `Conversation.send`."""
        turn = self._next_turn(message)
        provider = self._ai.provider(self._provider)
        response = await provider.send_messages(turn.messages, **self._call_options())
        await self._done(turn, response)
        return response

    def stream(self, message: Message | None = None) -> AsyncStream:
        """See `Conversation.stream`. Not a coroutine: use `async with` or `async for`."""
        turn = self._next_turn(message)
        provider = self._ai.provider(self._provider)
        stream = provider.send_streaming_messages(turn.messages, **self._call_options())
        stream.then(partial(self._done, turn))
        for listener in self._listeners.get("chunk", ()):
            stream.on_chunk(listener)
        return stream

    async def run_tools(
        self,
        message: Message | None = None,
        *,
        max_rounds: int = 10,
        approve: Callable[[ToolCall], bool | str | Awaitable[bool | str]] | None = None,
        tool_timeout: float | None = None,
    ) -> AIResponse:
        """See `Conversation.run_tools`; calls run in tasks, plain functions in threads."""
        import asyncio

        from ..tools import run_calls

        tools = self._tools_to_run(max_rounds, tool_timeout)
        told: list[asyncio.Task[None]] = []

        def on_tool(kind: str, call: ToolCall, outcome: ToolResult | BaseException | None, seconds: float) -> None:
            told.append(asyncio.ensure_future(self._on_tool(kind, call, outcome, seconds)))

        for _ in range(max_rounds):
            response = await self._answer(message)
            message = None
            if not response.tool_calls or self._left_to_caller(response, tools):
                return response
            results = await run_calls(
                response.tool_calls, tools, approve=approve, timeout=tool_timeout, on_event=on_tool
            )
            await asyncio.gather(*told)
            told.clear()
            await self._emit(self._record_results(results))
            await self._tell("tool_result", *results)
        raise self._too_many_rounds(max_rounds, response)

    async def _answer(self, message: Message | None) -> AIResponse:
        if "chunk" in self._listeners:
            async with self.stream(message) as stream:
                return await stream.until_done()
        return await self.send(message)

    async def _done(self, turn: Turn, response: AIResponse) -> None:
        await self._emit(self._record(turn, response))
        await self._tell("response", response)

    async def _on_tool(
        self, kind: str, call: ToolCall, outcome: ToolResult | BaseException | None, seconds: float
    ) -> None:
        await self._emit(self._tool_event(kind, call, outcome, seconds))
        if kind == "called":
            await self._tell("tool_call", call)

    async def _emit(self, event: Event) -> None:
        bus = self._ai.connections.bus
        if bus.wants(type(event)):
            await bus.emit(event)

    async def _tell(self, name: str, *values: Any) -> None:
        for listener in self._listeners.get(name, ()):
            for value in values:
                result = listener(value)
                if isinstance(result, Awaitable):
                    await result
