"""The key that all attempts of one request share, where the provider takes one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.engine.transports.test_redial import answer, streamed
from tests.faults.server import CLOSE, READ, Received, Server, reply

from polydriver import ConfigurationError, OpenAIDriver, openai_compatible
from polydriver.driver import Driver
from polydriver.drivers.anthropic import AnthropicDriver

KEY = {"api_key": "sk-0123456789abcdef", "retry_delay": 0.0}
NAME = "idempotency-key"


def ask(driver: Driver, colour: str, stream: bool) -> None:
    options: Any = {"model": "m", "api": "chat"} if isinstance(driver, OpenAIDriver) else {"model": "m"}

    async def ask_async() -> None:
        async with driver.asynchronous() as provider:
            if stream:
                async with provider.send_streaming_message("Hi", **options) as chunks:
                    _ = [chunk async for chunk in chunks]
            else:
                await provider.send_message("Hi", **options)

    if colour == "async":
        asyncio.run(ask_async())
    elif stream:
        with driver.send_streaming_message("Hi", **options) as chunks:
            list(chunks)
    else:
        driver.send_message("Hi", **options)


def served(make: Any, colour: str, stream: bool, calls: int = 1) -> list[Received]:
    """The requests of calls whose first attempt fails."""
    good = reply(streamed(), headers={"content-type": "text/event-stream"}) if stream else reply(answer())
    with Server(*[[READ, reply(b"{}", status=503), CLOSE], [READ, good, CLOSE]] * calls) as server:
        driver = make(server.url)
        for _ in range(calls):
            ask(driver, colour, stream)
        driver.close()
        return list(server.requests)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_all_attempts_of_a_call_have_one_key_and_each_call_its_own(colour: str, stream: bool) -> None:
    requests = served(lambda url: OpenAIDriver(KEY, base_url=f"{url}/v1"), colour, stream, calls=2)
    keys = [request.headers[NAME] for request in requests]
    assert len(keys) == 4
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_only_where_the_provider_takes_one() -> None:
    assert AnthropicDriver.idempotency_header is None
    compatible = openai_compatible("here", base_url="http://127.0.0.1:9/v1")
    plain = served(lambda url: compatible(KEY, base_url=f"{url}/v1"), "blocking", False)
    assert not any(NAME in request.headers for request in plain)
    named = {**KEY, "idempotency_header": "X-Once"}
    asked = served(lambda url: compatible(named, base_url=f"{url}/v1"), "blocking", False)
    assert asked[0].headers["x-once"] == asked[1].headers["x-once"] != ""


def test_a_name_that_no_header_can_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="idempotency_header"):
        OpenAIDriver(KEY, idempotency_header="no header: this")
