"""One way to make a call for each colour and mode, so that every fault is tried on all four."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from polydriver import AIChunk, AIError, AIResponse, OpenAIDriver
from polydriver.driver import Driver

__all__ = ["CALLERS", "KEY", "SILENCE", "STREAMERS", "Outcome", "call", "call_driver", "settle"]

KEY = "sk-verysecret-0123456789abcdef"
CALLERS = ("blocking", "async")
STREAMERS = ("blocking stream", "async stream")

SILENCE: dict[str, Any] = {"timeout": 0.4, "idle_timeout": 0.4}
"""Settings of calls to a server that falls silent. All others wait for longer than a busy machine stands still."""

_SETTINGS: dict[str, Any] = {"timeout": 5.0, "idle_timeout": 5.0, "retry_delay": 0.03, "retry_attempts": 2}
_OF_DRIVER = (*_SETTINGS, "deadline", "max_response_bytes", "max_event_bytes")


@dataclass
class Outcome:
    """What came of a call: the response or the error, and the chunks."""

    response: AIResponse | None = None
    error: AIError | None = None
    chunks: list[AIChunk] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of all chunks."""
        return "".join(chunk.content for chunk in self.chunks)


def call(how: str, url: str, **options: Any) -> Outcome:
    """Make one call to OpenAI in the way that `how` says."""

    def make(settings: dict[str, Any]) -> Driver:
        return OpenAIDriver({"api_key": KEY, "base_url": f"{url}/v1", **settings})

    return call_driver(how, make, "gpt-4o-mini", **options)


def call_driver(how: str, make: Callable[[dict[str, Any]], Driver], model: str, **options: Any) -> Outcome:
    """Make one call with the driver that `make` gives for the settings among `options`."""
    own = {name: options.pop(name) for name in _OF_DRIVER if name in options}
    driver = make({**_SETTINGS, **own})
    try:
        return settle(how, driver, model, **options)[0]
    finally:
        driver.close()


def settle(how: str, driver: Driver, model: str, times: int = 1, **options: Any) -> list[Outcome]:
    """Make as many calls, one after the other. Only an `AIError` is caught: anything else fails the test."""
    if how.startswith("async"):
        return asyncio.run(_settle_async(how, driver, model, times, options))
    outcomes = []
    for _ in range(times):
        outcome = Outcome()
        outcomes.append(outcome)
        try:
            if how == "blocking":
                outcome.response = driver.send_message("Hi", model=model, **options)
                continue
            with driver.send_streaming_message("Hi", model=model, **options) as stream:
                outcome.chunks.extend(stream)
                outcome.response = stream.response
        except AIError as error:
            outcome.error = error
    return outcomes


async def _settle_async(how: str, driver: Driver, model: str, times: int, options: dict[str, Any]) -> list[Outcome]:
    provider = driver.asynchronous()
    outcomes = []
    try:
        for _ in range(times):
            outcome = Outcome()
            outcomes.append(outcome)
            try:
                if how == "async":
                    outcome.response = await provider.send_message("Hi", model=model, **options)
                    continue
                async with provider.send_streaming_message("Hi", model=model, **options) as stream:
                    async for chunk in stream:
                        outcome.chunks.append(chunk)
                    outcome.response = stream.response
            except AIError as error:
                outcome.error = error
    finally:
        await provider.aclose()
    return outcomes
