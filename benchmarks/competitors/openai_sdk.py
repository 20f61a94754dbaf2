"""The `openai` SDK with its default settings, in both colours."""

from __future__ import annotations

from collections.abc import Callable

import openai

from . import API_KEY, MODEL, PROMPT, Answer

__all__ = ["AsyncOpenAISDK", "OpenAISDK"]


class OpenAISDK:
    """`openai.OpenAI`."""

    def __init__(self, base_url: str) -> None:
        self._client = openai.OpenAI(api_key=API_KEY, base_url=base_url)

    def call(self) -> Answer:
        reply = self._client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": PROMPT}])
        assert reply.usage is not None
        return Answer(reply.choices[0].message.content or "", reply.usage.total_tokens)

    def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        with self._client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": PROMPT}],
            stream=True,
            stream_options={"include_usage": True},
        ) as chunks:
            for chunk in chunks:
                if chunk.usage is not None:
                    total = chunk.usage.total_tokens
                if chunk.choices and (text := chunk.choices[0].delta.content):
                    on_text(text)
        return total


class AsyncOpenAISDK:
    """`openai.AsyncOpenAI`."""

    def __init__(self, base_url: str) -> None:
        self._client = openai.AsyncOpenAI(api_key=API_KEY, base_url=base_url)

    async def call(self) -> Answer:
        reply = await self._client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": PROMPT}])
        assert reply.usage is not None
        return Answer(reply.choices[0].message.content or "", reply.usage.total_tokens)

    async def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        async with await self._client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": PROMPT}],
            stream=True,
            stream_options={"include_usage": True},
        ) as chunks:
            async for chunk in chunks:
                if chunk.usage is not None:
                    total = chunk.usage.total_tokens
                if chunk.choices and (text := chunk.choices[0].delta.content):
                    on_text(text)
        return total
