"""`Conversation` and `AsyncConversation`: sending, streaming and running tools over a kept history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from ..colours import drive, finish_async, finish_blocking
from ..data.messages import ToolCall
from ..data.responses import AIResponse, ParsedT
from ..engine.streams import AsyncStream, Stream
from ..events import Event
from ..provider import Message
from ..tools import run_calls, run_calls_sync
from .builder import Turn
from .loop import ToolLoop
from .managers import AsyncManager, BlockingManager

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from ..provider.options import ResponseFormat
    from ..storage import Storage
    from ..storage.writer import Work

    FormT = TypeVar("FormT", default=Any)

__all__ = ["AsyncConversation", "Conversation"]


class Conversation(ToolLoop[ParsedT]):
    """A conversation for blocking callers.

    ::

        chat = ai.conversation().provider("openai").model("gpt-4o-mini").system("Be brief.")
        print(chat.message("What is a monad?").send().content)
        print(chat.message("And a comonad?").send().content)  # knows what was said
    """

    _ai: BlockingManager

    def response_format(self, target: ResponseFormat[FormT]) -> Conversation[FormT]:
        """The wanted form of the answers: a class, another type, or a JSON schema; their value is `response.parsed`."""
        return cast("Conversation[FormT]", self.options(response_format=target))

    def send(self, message: Message | None = None) -> AIResponse[ParsedT]:
        """Send what is pending and `message`, with the whole history, and wait for the answer.

        On failure all stays as it was: what was pending still is, and `message` was never said.
        """
        return drive(self._send(message))

    def stream(self, message: Message | None = None) -> Stream[ParsedT]:
        """Send what is pending and `message`; the answer comes in chunks.

        Both are part of the history once it has ended; a stream that breaks or is left early leaves nothing.
        """
        turn = self._next_turn(message)
        provider = self._ai.provider(self._provider)
        stream = provider.send_streaming_messages(turn.messages, **self._call_options())
        stream.then(lambda response: drive(self._done(turn, response)))
        return self._stream_of(turn, stream)

    def regenerate(self) -> AIResponse[ParsedT]:
        """Have the last answer made again, on a branch beside the one that is there."""
        self._ask_again()
        return self.send()

    def run_tools(
        self,
        message: Message | None = None,
        *,
        max_rounds: int = 10,
        approve: Callable[[ToolCall], bool | str] | None = None,
        tool_timeout: float | None = None,
    ) -> AIResponse[ParsedT]:
        """Send, run the tools that the model calls, send their results, and so on until it answers without calls.

        Calls of one turn run side by side in threads; each failure is that call's result. `approve` is asked before
        each call (`False` or a reason declines it), `tool_timeout` is in seconds. A call of a tool without a function
        is handed back. Raises `ToolExecutionError` after `max_rounds` rounds.
        """
        return drive(self._run_tools(message, max_rounds, approve, tool_timeout))

    async def _deliver(self, turn: Turn) -> AIResponse[ParsedT]:
        provider = self._ai.provider(self._provider)
        return provider.send_messages(turn.messages, **self._call_options())

    async def _deliver_in_chunks(self, message: Message | None) -> AIResponse[ParsedT]:
        with self.stream(message) as stream:
            return stream.until_done()

    async def _run_calls(self, calls: list[ToolCall], tools: Any, **options: Any) -> Any:
        return run_calls_sync(calls, tools, **options)

    async def _emit(self, event: Event) -> None:
        bus = self._ai.bus
        if bus.wants(type(event)):
            bus.emit_blocking(event)

    async def _finish(self, result: Any) -> Any:
        return await finish_blocking(result)

    def _run_here(self, work: Any) -> object:
        return drive(work)

    async def _wait_for(self, storage: Storage, work: Work[Any]) -> Any:
        return storage.writer.do_blocking(work, storage.config.patience)


class AsyncConversation(ToolLoop[ParsedT]):
    """A conversation for async callers; its listeners may be coroutine functions."""

    _ai: AsyncManager

    def response_format(self, target: ResponseFormat[FormT]) -> AsyncConversation[FormT]:
        """The wanted form of the answers: a class, another type, or a JSON schema; their value is `response.parsed`."""
        return cast("AsyncConversation[FormT]", self.options(response_format=target))

    async def send(self, message: Message | None = None) -> AIResponse[ParsedT]:
        """See `Conversation.send`."""
        return await self._send(message)

    def stream(self, message: Message | None = None) -> AsyncStream[ParsedT]:
        """See `Conversation.stream`. Not a coroutine: use `async with` or `async for`."""
        turn = self._next_turn(message)
        provider = self._ai.provider(self._provider)
        stream = provider.send_streaming_messages(turn.messages, **self._call_options())
        stream.then(lambda response: self._done(turn, response))
        return self._stream_of(turn, stream)

    async def regenerate(self) -> AIResponse[ParsedT]:
        """See `Conversation.regenerate`."""
        self._ask_again()
        return await self.send()

    async def run_tools(
        self,
        message: Message | None = None,
        *,
        max_rounds: int = 10,
        approve: Callable[[ToolCall], bool | str | Awaitable[bool | str]] | None = None,
        tool_timeout: float | None = None,
    ) -> AIResponse[ParsedT]:
        """See `Conversation.run_tools`; calls run in tasks, plain functions in threads."""
        return await self._run_tools(message, max_rounds, approve, tool_timeout)

    async def _deliver(self, turn: Turn) -> AIResponse[ParsedT]:
        provider = self._ai.provider(self._provider)
        return await provider.send_messages(turn.messages, **self._call_options())

    async def _deliver_in_chunks(self, message: Message | None) -> AIResponse[ParsedT]:
        async with self.stream(message) as stream:
            return await stream.until_done()

    async def _run_calls(self, calls: list[ToolCall], tools: Any, **options: Any) -> Any:
        return await run_calls(calls, tools, **options)

    async def _emit(self, event: Event) -> None:
        bus = self._ai.bus
        if bus.wants(type(event)):
            await bus.emit(event)

    async def _finish(self, result: Any) -> Any:
        return await finish_async(result)

    def _run_here(self, work: Any) -> object:
        return work

    async def _wait_for(self, storage: Storage, work: Work[Any]) -> Any:
        return await storage.writer.do_async(work, storage.config.patience)
