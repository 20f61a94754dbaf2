"""LiteLLM's Router as a client of the failover cases: one retry, the other targets as fallbacks, also by context."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import litellm
from tests.faults.failover import KEY, PATIENCE, Target, Told

__all__ = ["AsyncLiteLLM", "LiteLLM"]


class LiteLLM:
    """`Router.completion`."""

    def __init__(self, targets: Sequence[Target]) -> None:
        others = [target.name for target in targets[1:]]
        self._router: Any = litellm.Router(
            model_list=[{"model_name": target.name, "litellm_params": _parameters(target)} for target in targets],
            fallbacks=[{"first": others}],
            context_window_fallbacks=[{"first": others}],
            num_retries=1,
            retry_after=0,
            cooldown_time=1,
        )

    def ask(self, *, stream: bool, prefill: str | None = None) -> Told:
        told = Told()
        try:
            reply = self._router.completion(model="first", messages=_messages(prefill), stream=stream)
            if not stream:
                return _whole(reply)
            finish = None
            for chunk in reply:
                finish = _take(chunk, told) or finish
        except Exception as error:  # noqa: BLE001 - all that it raises is what a caller sees
            return _failed(told, error)
        told.complete = finish == "stop"
        return told

    def close(self) -> None:
        self._router.discard()


class AsyncLiteLLM(LiteLLM):
    """`Router.acompletion`, all calls in one loop in a thread of its own."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._run(self._make, targets)

    def _run(self, work: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work(*arguments), self._loop).result()

    async def _make(self, targets: Sequence[Target]) -> None:
        super().__init__(targets)

    def ask(self, *, stream: bool, prefill: str | None = None) -> Told:
        told: Told = self._run(self._ask, stream, prefill)
        return told

    async def _ask(self, stream: bool, prefill: str | None) -> Told:
        told = Told()
        try:
            reply = await self._router.acompletion(model="first", messages=_messages(prefill), stream=stream)
            if not stream:
                return _whole(reply)
            finish = None
            async for chunk in reply:
                finish = _take(chunk, told) or finish
        except Exception as error:  # noqa: BLE001 - all that it raises is what a caller sees
            return _failed(told, error)
        told.complete = finish == "stop"
        return told

    def close(self) -> None:
        super().close()
        self._loop.call_soon_threadsafe(self._loop.stop)


def _parameters(target: Target) -> dict[str, Any]:
    base = target.url if target.service == "anthropic" else f"{target.url}/v1"
    limits = {"timeout": 2 * PATIENCE, "stream_timeout": PATIENCE, "max_retries": 0}
    return {"model": f"{target.service}/{target.model}", "api_base": base, "api_key": KEY, **limits}


def _messages(prefill: str | None) -> list[dict[str, str]]:
    asked = [{"role": "user", "content": "Count to six."}]
    return asked if prefill is None else [*asked, {"role": "assistant", "content": prefill}]


def _whole(reply: Any) -> Told:
    choice = reply.choices[0]
    return Told(choice.message.content or "", complete=choice.finish_reason == "stop", used=reply.usage.total_tokens)


def _take(chunk: Any, told: Told) -> str | None:
    """Adds the text of a chunk; returns its reason for ending."""
    if not chunk.choices:
        return None
    told.text += chunk.choices[0].delta.content or ""
    reason: str | None = chunk.choices[0].finish_reason
    return reason


def _failed(told: Told, error: Exception) -> Told:
    told.error, told.complete = type(error).__name__, False
    return told
