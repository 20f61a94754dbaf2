"""The clients that are measured side by side, each behind the same two small interfaces.

`BLOCKING` and `ASYNC` name the class of each competitor, in the order of the tables. A class is made with the
base URL and offers `call()` and `stream(on_text)`; see `BlockingClient` and `AsyncClient`. A module is
imported in the worker process of its competitor only, so that no client pays for another one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

__all__ = [
    "API_KEY",
    "ASYNC",
    "BARE_ASYNC",
    "BARE_BLOCKING",
    "BLOCKING",
    "LISTENER",
    "MODEL",
    "OPENAI",
    "POLYDRIVER",
    "PROMPT",
    "Answer",
    "AsyncClient",
    "BlockingClient",
    "load",
]

API_KEY = "sk-test-0123456789abcdefghijklmnopqrstuvwxyz"
MODEL = "gpt-4o-mini"
PROMPT = "Hi"

BARE_BLOCKING = "urllib3 + msgspec"
BARE_ASYNC = "aiohttp + msgspec"
OPENAI = "openai SDK"
POLYDRIVER = "polydriver"
LISTENER = "polydriver, with a listener"

BLOCKING = {
    "raw socket + msgspec": "raw:RawSocket",
    BARE_BLOCKING: "urllib3_bare:Urllib3",
    "httpx2 + msgspec": "httpx2_bare:Httpx2",
    OPENAI: "openai_sdk:OpenAISDK",
    "LiteLLM": "litellm_sdk:LiteLLM",
    POLYDRIVER: "polydriver_client:Polydriver",
    LISTENER: "polydriver_client:PolydriverWithListener",
}
ASYNC = {
    "raw asyncio + msgspec": "raw:RawAsyncio",
    BARE_ASYNC: "aiohttp_bare:Aiohttp",
    "httpx2 + msgspec": "httpx2_bare:AsyncHttpx2",
    OPENAI: "openai_sdk:AsyncOpenAISDK",
    "LiteLLM": "litellm_sdk:AsyncLiteLLM",
    POLYDRIVER: "polydriver_client:AsyncPolydriver",
    LISTENER: "polydriver_client:AsyncPolydriverWithListener",
}


class Answer(NamedTuple):
    """What every competitor must have read from a reply: the text and the total of tokens."""

    text: str
    total_tokens: int


class BlockingClient(Protocol):
    """A blocking competitor; one client serves all calls, over kept-alive connections."""

    def __init__(self, base_url: str) -> None: ...

    def call(self) -> Answer:
        """Asks once and reads the whole answer."""

    def stream(self, on_text: Callable[[str], object]) -> int:
        """Streams one answer, hands its pieces of text to `on_text`, returns the total of tokens."""


class AsyncClient(Protocol):
    """An async competitor, made inside the running loop.

    One that works on after its calls may have a method `finish` that waits for that; it is called before time is taken.
    """

    def __init__(self, base_url: str) -> None: ...

    async def call(self) -> Answer:
        """Asks once and reads the whole answer."""

    async def stream(self, on_text: Callable[[str], object]) -> int:
        """Streams one answer, hands its pieces of text to `on_text`, returns the total of tokens."""


def load(target: str) -> Any:
    """Imports `module:Class` of this package; raises ImportError when the competitor is not installed.

    `module:Class@wire` is for a class that speaks several wires: it is made with the base URL and the wire's name.
    """
    target, _, wire = target.partition("@")
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return partial(found, wire=wire) if wire else found
