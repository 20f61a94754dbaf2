"""An outage of a real server: few requests while it lasts, in every colour and mode."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.engine.transports.test_redial import answer, streamed
from tests.faults.server import CLOSE, READ, Server, reply

from polydriver import AIError, CircuitOpenError, OpenAIDriver

DOWN = [READ, reply(b"{}", status=503), CLOSE]
CUT = [READ, reply(streamed()[:60], headers={"content-type": "text/event-stream"}, length=False), CLOSE]
SETTINGS = {"api_key": "sk-0123456789abcdef", "retry_delay": 0.001, "retry_attempts": 3}
WAYS = [("blocking", False), ("blocking", True), ("async", False), ("async", True)]


async def ask(driver: OpenAIDriver, colour: str, stream: bool, calls: int) -> list[Any]:
    """The endings of calls that are made at the same time."""
    provider = driver.asynchronous()

    def blocking() -> object:
        if not stream:
            return driver.send_message("Hi", api="chat", model="m")
        with driver.send_streaming_message("Hi", api="chat", model="m") as chunks:
            return chunks.until_done()

    async def asynchronous() -> object:
        if not stream:
            return await provider.send_message("Hi", api="chat", model="m")
        async with provider.send_streaming_message("Hi", api="chat", model="m") as chunks:
            return await chunks.until_done()

    made = [asyncio.to_thread(blocking) if colour == "blocking" else asynchronous() for _ in range(calls)]
    try:
        return await asyncio.gather(*made, return_exceptions=True)
    finally:
        await provider.aclose()
        driver.close()


@pytest.mark.parametrize(("colour", "stream"), WAYS)
@pytest.mark.parametrize("circuit", [True, False])
def test_fifty_calls_on_a_dead_provider_send_at_most_a_hundred_requests(
    colour: str, stream: bool, circuit: bool
) -> None:
    with Server(DOWN) as server:
        driver = OpenAIDriver({**SETTINGS, "circuit": {"enabled": circuit}}, base_url=f"{server.url}/v1")
        ended = asyncio.run(ask(driver, colour, stream, 50))
        assert all(isinstance(error, AIError) for error in ended)
        assert len(server.requests) <= 50 + 500 // 14


@pytest.mark.parametrize(("colour", "stream"), WAYS)
def test_an_open_circuit_sends_nothing_and_lets_calls_in_step_by_step(colour: str, stream: bool) -> None:
    good = reply(streamed(), headers={"content-type": "text/event-stream"}) if stream else reply(answer())
    with Server(*[DOWN] * 10, [READ, good, CLOSE]) as server:
        circuit = {"open_time": 0.001, "recovery": 2}
        driver = OpenAIDriver({**SETTINGS, "retry_attempts": 1, "circuit": circuit}, base_url=f"{server.url}/v1")
        for _ in range(10):
            asyncio.run(ask(driver, colour, stream, 1))
        for _ in range(100):
            asyncio.run(ask(driver, colour, stream, 1))
            if driver.circuits()[0].state == "closed":
                break
        assert driver.circuits()[0].state == "closed"
        assert len(server.requests) == 12


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_streams_that_always_break_open_it(colour: str) -> None:
    with Server(CUT) as server:
        settings = {**SETTINGS, "retry_attempts": 1, "circuit": {"open_time": 1000.0, "max_open_time": 1000.0}}
        driver = OpenAIDriver(settings, base_url=f"{server.url}/v1")
        for _ in range(10):
            asyncio.run(ask(driver, colour, True, 1))
        (refused,) = asyncio.run(ask(driver, colour, True, 1))
        assert isinstance(refused, CircuitOpenError)
        assert refused.retry_after is not None
        assert len(server.requests) == 10
