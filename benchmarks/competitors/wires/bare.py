"""The bare clients for every wire: urllib3 or aiohttp, the wire's framing, and msgspec."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .. import Answer
from .readers import READERS
from .requests import REQUESTS

__all__ = ["Aiohttp", "Urllib3"]


class _Bare:
    def __init__(self, base_url: str, wire: str) -> None:
        self._reader = READERS[wire]
        self._read_whole = msgspec.json.Decoder(self._reader.whole).decode
        self._request = REQUESTS[wire]
        self._headers = self._request.headers()
        self._call_url = base_url + self._request.call_path
        self._stream_url = base_url + self._request.stream_path


class Urllib3(_Bare):
    """A pool manager without redirects or retries; streams are read as they come."""

    def __init__(self, base_url: str, wire: str) -> None:
        import urllib3

        super().__init__(base_url, wire)
        self._pool = urllib3.PoolManager()

    def call(self) -> Answer:
        reply = self._pool.request(
            "POST",
            self._call_url,
            body=self._request.encode(stream=False),
            headers=self._headers,
            redirect=False,
            retries=False,
        )
        return self._read_whole(reply.data).answer()

    def stream(self, on_text: Callable[[str], object]) -> int:
        reply = self._pool.request(
            "POST",
            self._stream_url,
            body=self._request.encode(stream=True),
            headers=self._headers,
            redirect=False,
            retries=False,
            preload_content=False,
        )
        reader = self._reader(on_text)
        for data in reply.stream(1 << 16):
            reader.feed(data)
        reply.release_conn()
        return reader.total_tokens


class Aiohttp(_Bare):
    """One session without a connection limit, cookies or redirects."""

    def __init__(self, base_url: str, wire: str) -> None:
        import aiohttp
        from yarl import URL

        super().__init__(base_url, wire)
        self._urls = URL(self._call_url, encoded=True), URL(self._stream_url, encoded=True)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def call(self) -> Answer:
        body = self._request.encode(stream=False)
        async with self._session.post(self._urls[0], data=body, headers=self._headers, allow_redirects=False) as reply:
            return self._read_whole(await reply.read()).answer()

    async def stream(self, on_text: Callable[[str], object]) -> int:
        reader = self._reader(on_text)
        body = self._request.encode(stream=True)
        async with self._session.post(self._urls[1], data=body, headers=self._headers, allow_redirects=False) as reply:
            async for data in reply.content.iter_any():
                reader.feed(data)
        return reader.total_tokens
