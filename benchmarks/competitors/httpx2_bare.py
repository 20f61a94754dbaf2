"""httpx2 and msgspec, in both colours."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from . import Answer
from .wire import HEADERS, TextReader, encode_request, read_answer

__all__ = ["AsyncHttpx2", "Httpx2"]

_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=None)


class Httpx2:
    """A blocking client without connection limits."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/chat/completions"
        self._client = httpx2.Client(limits=_LIMITS, timeout=60)

    def call(self) -> Answer:
        return read_answer(self._client.post(self._url, content=encode_request(), headers=HEADERS).content)

    def stream(self, on_text: Callable[[str], object]) -> int:
        reader = TextReader(on_text)
        with self._client.stream("POST", self._url, content=encode_request(stream=True), headers=HEADERS) as reply:
            for data in reply.iter_bytes():
                reader.feed(data)
        return reader.total_tokens


class AsyncHttpx2:
    """An async client without connection limits."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/chat/completions"
        self._client = httpx2.AsyncClient(limits=_LIMITS, timeout=60)

    async def call(self) -> Answer:
        return read_answer((await self._client.post(self._url, content=encode_request(), headers=HEADERS)).content)

    async def stream(self, on_text: Callable[[str], object]) -> int:
        reader = TextReader(on_text)
        async with self._client.stream(
            "POST", self._url, content=encode_request(stream=True), headers=HEADERS
        ) as reply:
            async for data in reply.aiter_bytes():
                reader.feed(data)
        return reader.total_tokens
