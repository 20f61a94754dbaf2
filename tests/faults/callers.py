"""One way to make a call for each colour and mode, so that every fault is tried on all four."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from polydriver import AIError, AIResponse, OpenAIDriver

__all__ = ["CALLERS", "KEY", "STREAMERS", "Outcome", "call"]

KEY = "sk-verysecret-0123456789abcdef"
CALLERS = ("blocking", "async")
STREAMERS = ("blocking stream", "async stream")


@dataclass
class Outcome:
    """What came of a call: the response or the error, and the text of the chunks."""

    response: AIResponse | None = None
    error: AIError | None = None
    chunks: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of all chunks."""
        return "".join(chunk.content for chunk in self.chunks)


def call(how: str, url: str, **options: Any) -> Outcome:
    """Make one call in the way that `how` says. Only an `AIError` is caught: anything else fails the test."""
    settings = {"timeout": 0.4, "idle_timeout": 0.4, "retry_delay": 0.03, "retry_attempts": 2}
    driver_settings = {
        name: options.pop(name)
        for name in list(options)
        if name in ("deadline", "max_response_bytes", "max_event_bytes")
    }
    own = {name: options.pop(name) for name in settings if name in options}
    driver = OpenAIDriver({"api_key": KEY, "base_url": f"{url}/v1", **settings, **own, **driver_settings})
    outcome = Outcome()
    try:
        if how == "blocking":
            outcome.response = driver.send_message("Hi", model="gpt-4o-mini", **options)
        elif how == "blocking stream":
            with driver.send_streaming_message("Hi", model="gpt-4o-mini", **options) as stream:
                outcome.chunks.extend(stream)
                outcome.response = stream.response
        else:
            asyncio.run(_call_async(how, driver, outcome, options))
    except AIError as error:
        outcome.error = error
    finally:
        driver.close()
    return outcome


async def _call_async(how: str, driver: OpenAIDriver, outcome: Outcome, options: dict[str, Any]) -> None:
    provider = driver.asynchronous()
    try:
        if how == "async":
            outcome.response = await provider.send_message("Hi", model="gpt-4o-mini", **options)
            return
        async with provider.send_streaming_message("Hi", model="gpt-4o-mini", **options) as stream:
            async for chunk in stream:
                outcome.chunks.append(chunk)
            outcome.response = stream.response
    finally:
        await provider.aclose()
