"""The bare blocking client: urllib3 and msgspec, nothing around them."""

from __future__ import annotations

from collections.abc import Callable

import urllib3

from . import Answer
from .wire import HEADERS, TextReader, encode_request, read_answer

__all__ = ["Urllib3"]


class Urllib3:
    """A pool manager without redirects or retries; streams are read as they come."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/chat/completions"
        self._pool = urllib3.PoolManager()

    def call(self) -> Answer:
        reply = self._pool.request(
            "POST", self._url, body=encode_request(), headers=HEADERS, redirect=False, retries=False
        )
        return read_answer(reply.data)

    def stream(self, on_text: Callable[[str], object]) -> int:
        reply = self._pool.request(
            "POST",
            self._url,
            body=encode_request(stream=True),
            headers=HEADERS,
            redirect=False,
            retries=False,
            preload_content=False,
        )
        reader = TextReader(on_text)
        for data in reply.stream(1 << 16):
            reader.feed(data)
        reply.release_conn()
        return reader.total_tokens
