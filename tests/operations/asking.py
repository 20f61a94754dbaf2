"""Calling an operation of a provider on loopback, from blocking and from async code."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

from tests.faults.server import READ, Received, Script, Server, reply

from polydriver.driver import Driver
from polydriver.drivers.openai import OpenAIDriver

__all__ = ["Colour", "ask", "json_reply", "one_by_one", "openai", "sent_json"]

Colour = Literal["blocking", "async"]


def openai(server: Server, **settings: Any) -> OpenAIDriver:
    """Return the driver of OpenAI, talking to the server."""
    return OpenAIDriver(
        {"api_key": "sk-test-0123456789abcdef", "base_url": f"{server.url}/v1", "retry_delay": 0.001, **settings}
    )


def ask(colour: Colour, driver: Driver, method: str, *arguments: Any, **options: Any) -> Any:
    """Call a method of the provider in one of the two colours, and close its connections."""
    if colour == "blocking":
        try:
            return getattr(driver, method)(*arguments, **options)
        finally:
            driver.close()

    async def call() -> Any:
        provider = driver.asynchronous()
        try:
            return await getattr(provider, method)(*arguments, **options)
        finally:
            await provider.aclose()

    return asyncio.run(call())


def json_reply(value: Any, status: int = 200, **headers: str) -> bytes:
    """Return a reply with a JSON body."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return reply(json.dumps(value).encode(), status, {"content-type": "application/json", **named})


def one_by_one(*replies: bytes) -> list[Script]:
    """Return scripts that give these replies in order, each on a connection of its own."""
    return [[READ, answer.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)] for answer in replies]


def sent_json(received: Received) -> Any:
    """Return the JSON that the server got."""
    return json.loads(received.body)
