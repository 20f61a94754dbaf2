"""Our drivers on each wire that the mock server speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from polydriver import AIResponse, MockDriver, Provider
from polydriver.drivers import driver_class
from polydriver.testing import MockServer

__all__ = ["WIRES", "ask", "connect", "served"]

WIRES: Mapping[str, Callable[[MockServer], Provider]] = {
    "chat": lambda server: connect("openai", server.url, api="chat"),
    "responses": lambda server: connect("openai", server.url, api="responses"),
    "anthropic": lambda server: connect("anthropic", server.root),
    "gemini": lambda server: connect("gemini", server.root),
}


def connect(name: str, url: str, **settings: Any) -> Provider:
    """A driver of this name at this address."""
    config = {"api_key": f"{driver_class(name).key_prefix or ''}test-key", "base_url": url, "retry_delay": 0.0}
    return driver_class(name)({**config, **settings}, env={})


@contextmanager
def served(wire: str, driver: MockDriver, *, strict: bool = False) -> Iterator[Provider]:
    """A provider that speaks the wire, and behind it the mock server with this driver."""
    server = MockServer(driver, strict=strict)
    server.start()
    try:
        with WIRES[wire](server) as provider:
            yield provider
    finally:
        server.stop()


def ask(provider: Provider, streamed: bool, text: str, **options: Any) -> AIResponse:
    """The answer, whole or streamed."""
    options = {"model": "mock", **options}
    if not streamed:
        return provider.send_message(text, **options)
    with provider.send_streaming_message(text, **options) as stream:
        return stream.until_done()
