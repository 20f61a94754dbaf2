"""LiteLLM's `completion` and `acompletion` with their default settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import litellm

from . import API_KEY, MODEL, PROMPT, Answer

__all__ = ["AsyncLiteLLM", "LiteLLM"]


def _arguments(base_url: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": PROMPT}]
    return {"model": f"openai/{MODEL}", "messages": messages, "api_key": API_KEY, "api_base": base_url}


_STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


class LiteLLM:
    """`litellm.completion`."""

    def __init__(self, base_url: str) -> None:
        self._arguments = _arguments(base_url)

    def call(self) -> Answer:
        reply = litellm.completion(**self._arguments)
        return Answer(reply.choices[0].message.content, reply.usage.total_tokens)

    def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        for chunk in litellm.completion(**self._arguments, **_STREAMED):
            if usage := getattr(chunk, "usage", None):
                total = usage.total_tokens
            if chunk.choices and (text := chunk.choices[0].delta.content):
                on_text(text)
        return total


class AsyncLiteLLM:
    """`litellm.acompletion`."""

    def __init__(self, base_url: str) -> None:
        self._arguments = _arguments(base_url)

    async def call(self) -> Answer:
        reply = await litellm.acompletion(**self._arguments)
        return Answer(reply.choices[0].message.content, reply.usage.total_tokens)

    async def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        async for chunk in await litellm.acompletion(**self._arguments, **_STREAMED):
            if usage := getattr(chunk, "usage", None):
                total = usage.total_tokens
            if chunk.choices and (text := chunk.choices[0].delta.content):
                on_text(text)
        return total
