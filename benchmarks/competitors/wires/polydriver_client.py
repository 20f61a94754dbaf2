"""polydriver with a listener on every wire, through its manager, in both colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polydriver import AI, AsyncAI, ResponseGenerated

from .. import API_KEY, PROMPT, Answer
from .requests import MODELS

__all__ = ["DRIVERS", "AsyncPolydriver", "Polydriver"]

DRIVERS: dict[str, dict[str, str]] = {
    "chat_completions": {"driver": "openai", "api": "chat"},
    "responses": {"driver": "openai", "api": "responses"},
    "messages": {"driver": "anthropic"},
    "generate_content": {"driver": "gemini"},
    "converse": {"driver": "bedrock"},
    "cohere": {"driver": "cohere"},
    "ollama": {"driver": "ollama"},
}


def _config(base_url: str, wire: str) -> dict[str, Any]:
    return {"default": wire, "providers": {wire: {**DRIVERS[wire], "api_key": API_KEY, "base_url": base_url}}}


class _Client:
    def __init__(self, wire: str) -> None:
        self._model = MODELS[wire]
        self._priced = wire != "ollama"  # what runs on one's own machine has no price

    def _answer(self, response: Any) -> Answer:
        assert response.cost is not None or not self._priced, "no cost: the comparison would not be fair"
        return Answer(response.content, response.usage.total_tokens)

    def _listen(self, event: ResponseGenerated) -> None:
        self._event = event


class Polydriver(_Client):
    """A provider of `AI`."""

    def __init__(self, base_url: str, wire: str) -> None:
        super().__init__(wire)
        ai = AI(_config(base_url, wire))
        ai.on(ResponseGenerated, self._listen)
        self._provider = ai.provider(wire)

    def call(self) -> Answer:
        return self._answer(self._provider.send_message(PROMPT, model=self._model))

    def stream(self, on_text: Callable[[str], object]) -> int:
        with self._provider.send_streaming_message(PROMPT, model=self._model) as stream:
            for chunk in stream:
                if chunk.content:
                    on_text(chunk.content)
            return self._answer(stream.response).total_tokens


class AsyncPolydriver(_Client):
    """A provider of `AsyncAI`."""

    def __init__(self, base_url: str, wire: str) -> None:
        super().__init__(wire)
        ai = AsyncAI(_config(base_url, wire))
        ai.on(ResponseGenerated, self._listen)
        self._provider = ai.provider(wire)

    async def call(self) -> Answer:
        return self._answer(await self._provider.send_message(PROMPT, model=self._model))

    async def stream(self, on_text: Callable[[str], object]) -> int:
        async with self._provider.send_streaming_message(PROMPT, model=self._model) as stream:
            async for chunk in stream:
                if chunk.content:
                    on_text(chunk.content)
            return self._answer(stream.response).total_tokens
