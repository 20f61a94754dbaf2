"""The vendors' SDKs with their default settings, each on its own wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import API_KEY, PROMPT, Answer
from .requests import MODELS

__all__ = ["Anthropic", "AsyncAnthropic", "AsyncOpenAIResponses", "Boto3", "OpenAIResponses"]


class OpenAIResponses:
    """`openai.OpenAI` and its Responses."""

    def __init__(self, base_url: str, wire: str) -> None:
        import openai

        self._client = openai.OpenAI(api_key=API_KEY, base_url=base_url)
        self._model = MODELS[wire]

    def call(self) -> Answer:
        reply = self._client.responses.create(model=self._model, input=PROMPT)
        assert reply.usage is not None
        return Answer(reply.output_text, reply.usage.total_tokens)

    def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        with self._client.responses.create(model=self._model, input=PROMPT, stream=True) as events:
            for event in events:
                total = _read(event, on_text) or total
        return total


class AsyncOpenAIResponses:
    """`openai.AsyncOpenAI` and its Responses."""

    def __init__(self, base_url: str, wire: str) -> None:
        import openai

        self._client = openai.AsyncOpenAI(api_key=API_KEY, base_url=base_url)
        self._model = MODELS[wire]

    async def call(self) -> Answer:
        reply = await self._client.responses.create(model=self._model, input=PROMPT)
        assert reply.usage is not None
        return Answer(reply.output_text, reply.usage.total_tokens)

    async def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        async with await self._client.responses.create(model=self._model, input=PROMPT, stream=True) as events:
            async for event in events:
                total = _read(event, on_text) or total
        return total


def _read(event: Any, on_text: Callable[[str], object]) -> int:
    if event.type == "response.output_text.delta":
        on_text(event.delta)
    elif event.type == "response.completed":
        return int(event.response.usage.total_tokens)
    return 0


class Anthropic:
    """`anthropic.Anthropic`."""

    def __init__(self, base_url: str, wire: str) -> None:
        import anthropic

        self._client = anthropic.Anthropic(api_key=API_KEY, base_url=base_url.removesuffix("/v1"))
        self._request = _message_request(wire)

    def call(self) -> Answer:
        return _message_answer(self._client.messages.create(**self._request))

    def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        with self._client.messages.create(**self._request, stream=True) as events:
            for event in events:
                total = _read_message_event(event, on_text) or total
        return total


class AsyncAnthropic:
    """`anthropic.AsyncAnthropic`."""

    def __init__(self, base_url: str, wire: str) -> None:
        import anthropic

        self._client = anthropic.AsyncAnthropic(api_key=API_KEY, base_url=base_url.removesuffix("/v1"))
        self._request = _message_request(wire)

    async def call(self) -> Answer:
        return _message_answer(await self._client.messages.create(**self._request))

    async def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        async with await self._client.messages.create(**self._request, stream=True) as events:
            async for event in events:
                total = _read_message_event(event, on_text) or total
        return total


def _message_request(wire: str) -> dict[str, Any]:
    return {"model": MODELS[wire], "max_tokens": 4096, "messages": [{"role": "user", "content": PROMPT}]}


def _message_answer(reply: Any) -> Answer:
    return Answer(reply.content[0].text, reply.usage.input_tokens + reply.usage.output_tokens)


def _read_message_event(event: Any, on_text: Callable[[str], object]) -> int:
    if event.type == "content_block_delta":
        on_text(event.delta.text)
    elif event.type == "message_delta":
        return int(event.usage.input_tokens + event.usage.output_tokens)
    return 0


class Boto3:
    """boto3's `bedrock-runtime`. It signs its requests, as it does by default, with keys given to it."""

    def __init__(self, base_url: str, wire: str) -> None:
        import boto3

        self._client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=base_url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key=API_KEY,
        )
        self._request: dict[str, Any] = {
            "modelId": MODELS[wire],
            "messages": [{"role": "user", "content": [{"text": PROMPT}]}],
        }

    def call(self) -> Answer:
        reply = self._client.converse(**self._request)
        return Answer(reply["output"]["message"]["content"][0]["text"], reply["usage"]["totalTokens"])

    def stream(self, on_text: Callable[[str], object]) -> int:
        total = 0
        for event in self._client.converse_stream(**self._request)["stream"]:
            if "contentBlockDelta" in event:
                on_text(event["contentBlockDelta"]["delta"]["text"])
            elif "metadata" in event:
                total = event["metadata"]["usage"]["totalTokens"]
        return total
