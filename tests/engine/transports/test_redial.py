"""A kept connection that the server had closed."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from tests.faults.server import CLOSE, READ, Server, reply

from polydriver import AIResponse, OpenAIDriver


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize("client", [{}, {"http_client": "httpx2"}], ids=["default", "httpx2"])
def test_a_kept_connection_that_was_closed_costs_no_attempt(
    colour: str, client: dict[str, str], stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The request goes out again on a new connection, within the attempt, whose report and the log tell of it."""
    caplog.set_level("INFO", "polydriver")
    whole, events = reply(answer()), reply(streamed(), headers={"content-type": "text/event-stream"})
    with Server([READ, whole, READ, CLOSE], [READ, events if stream else whole, CLOSE]) as server:
        settings = {"api_key": "sk-0123456789abcdef", "http": client}
        driver = OpenAIDriver(settings, base_url=f"{server.url}/v1", retry_attempts=1)
        if colour == "blocking":
            driver.send_message("Hi", api="chat")
            response = take(driver, stream)
            driver.close()
        else:
            response = asyncio.run(take_async(driver, stream))
    assert response.content == "Hi"
    assert [report.redialed for report in response.attempts] == [True]
    assert len(server.requests) == 3
    assert "openai had closed the connection; the request went out again on a new one" in caplog.messages


def answer() -> bytes:
    message = {"role": "assistant", "content": "Hi"}
    return json.dumps({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


def streamed() -> bytes:
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    return f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()


def take(driver: OpenAIDriver, stream: bool) -> AIResponse:
    if not stream:
        return driver.send_message("Hi", api="chat")
    with driver.send_streaming_message("Hi", api="chat") as chunks:
        list(chunks)
        return chunks.response


async def take_async(driver: OpenAIDriver, stream: bool) -> AIResponse:
    async with driver.asynchronous() as provider:
        await provider.send_message("Hi", api="chat")
        if not stream:
            return await provider.send_message("Hi", api="chat")
        async with provider.send_streaming_message("Hi", api="chat") as chunks:
            async for _ in chunks:
                pass
            return chunks.response


@pytest.mark.parametrize("client", [{}, {"http_client": "httpx2"}], ids=["default", "httpx2"])
@pytest.mark.parametrize("pause", [0.0, 0.03, 0.09])
def test_a_server_that_closes_soon_after_it_has_answered_costs_no_attempt(client: dict[str, str], pause: float) -> None:
    """It says keep-alive and closes a moment later, as llama.cpp does after a stream."""
    events = reply(streamed(), headers={"content-type": "text/event-stream", "connection": "keep-alive"})
    with Server([READ, events, 0.03, CLOSE]) as server:
        settings = {"api_key": "sk-0123456789abcdef", "http": client}
        driver = OpenAIDriver(settings, base_url=f"{server.url}/v1", retry_attempts=1)
        for _ in range(10):
            assert take(driver, stream=True).content == "Hi"
            time.sleep(pause)
        driver.close()
