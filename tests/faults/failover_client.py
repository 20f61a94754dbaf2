"""polydriver as a client of the failover cases, blocking or async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from polydriver import AI, AIError, AIMessage, AIResponse

from .failover import KEY, PATIENCE, Target, Told

__all__ = ["AsyncPolydriver", "Polydriver"]

_LIMITS = {
    "retry_attempts": 2,
    "retry_delay": 0.01,
    "timeout": 2 * PATIENCE,
    "idle_timeout": PATIENCE,
    "first_content_timeout": PATIENCE,
}


class Polydriver:
    """A connection for each target; the first one has the others as fallbacks."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._ai = AI({"providers": {target.name: _settings(target) for target in targets}})
        self._provider = self._ai.provider("first")
        self._others = [target.name for target in targets[1:]]

    def ask(self, *, stream: bool, prefill: str | None = None) -> Told:
        """See `Client.ask`."""
        messages = _messages(prefill)
        try:
            if not stream:
                return _told(self._provider.send_messages(messages, fallback=self._others))
            with self._provider.send_streaming_messages(messages, fallback=self._others) as chunks:
                return _told(chunks.until_done())
        except AIError as error:
            return _failed(error)

    def close(self) -> None:
        """See `Client.close`."""
        self._ai.close()


class AsyncPolydriver(Polydriver):
    """The same for async callers, all in one loop in a thread of its own."""

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__(targets)
        self._asynchronous = self._provider.asynchronous()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def ask(self, *, stream: bool, prefill: str | None = None) -> Told:
        """See `Client.ask`."""
        return asyncio.run_coroutine_threadsafe(self._ask(stream, prefill), self._loop).result()

    async def _ask(self, stream: bool, prefill: str | None) -> Told:
        messages = _messages(prefill)
        try:
            if not stream:
                return _told(await self._asynchronous.send_messages(messages, fallback=self._others))
            async with self._asynchronous.send_streaming_messages(messages, fallback=self._others) as chunks:
                return _told(await chunks.until_done())
        except AIError as error:
            return _failed(error)

    def close(self) -> None:
        """See `Client.close`."""
        asyncio.run_coroutine_threadsafe(self._asynchronous.aclose(), self._loop).result()
        super().close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _settings(target: Target) -> dict[str, Any]:
    settings = {"driver": target.service, "api_key": KEY, "base_url": f"{target.url}/v1", **_LIMITS}
    return settings | {"default_model": target.model} | ({"api": "chat"} if target.service == "openai" else {})


def _messages(prefill: str | None) -> list[AIMessage]:
    asked = [AIMessage.user("Count to six.")]
    return asked if prefill is None else [*asked, AIMessage.assistant(prefill)]


def _told(response: AIResponse) -> Told:
    attempts = [(attempt.provider, attempt.error) for attempt in response.attempts]
    used = sum(attempt.usage.total_tokens or 0 for attempt in response.attempts if attempt.usage is not None)
    return Told(response.content, None, response.finish_reason == "stop", attempts, used)


def _failed(error: AIError) -> Told:
    partial = getattr(error, "partial", None)
    attempts = [(attempt.provider, attempt.error) for attempt in error.attempts]
    return Told("" if partial is None else partial.content, type(error).__name__, False, attempts)
