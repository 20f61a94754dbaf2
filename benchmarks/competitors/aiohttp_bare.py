"""The bare async client: aiohttp and msgspec, nothing around them."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp

from . import Answer
from .wire import HEADERS, TextReader, encode_request, read_answer

__all__ = ["Aiohttp"]


class Aiohttp:
    """One session without a connection limit, cookies or redirects."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/chat/completions"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def call(self) -> Answer:
        async with self._session.post(
            self._url, data=encode_request(), headers=HEADERS, allow_redirects=False
        ) as reply:
            return read_answer(await reply.read())

    async def stream(self, on_text: Callable[[str], object]) -> int:
        reader = TextReader(on_text)
        async with self._session.post(
            self._url, data=encode_request(stream=True), headers=HEADERS, allow_redirects=False
        ) as reply:
            async for data in reply.content.iter_any():
                reader.feed(data)
        return reader.total_tokens
