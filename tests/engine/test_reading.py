"""How an answer is concluded: what is told of it when it does not validate, and what its last chunk says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.faults.server import AGAIN, READ, Server, reply

from polydriver import CostCalculated, InvalidResponseError, OpenAIDriver, RequestFailed, ResponseGenerated

USAGE = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
HOWS = ("blocking", "async", "blocking stream", "async stream")


def whole(message: dict[str, Any]) -> bytes:
    """A reply that ends with the plain word stop."""
    choices = [{"message": {"role": "assistant", **message}, "finish_reason": "stop"}]
    return reply(json.dumps({"id": "c", "model": "gpt-4o-mini", "choices": choices, "usage": USAGE}).encode())


def streamed(delta: dict[str, Any]) -> bytes:
    """The same as a stream."""
    chunks = [
        {"id": "c", "choices": [{"delta": delta}]},
        {"id": "c", "choices": [{"delta": {}, "finish_reason": "stop"}], "usage": USAGE},
    ]
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return reply("".join([*events, "data: [DONE]\n\n"]).encode(), headers={"content-type": "text/event-stream"})


async def _ask(driver: OpenAIDriver, how: str, options: dict[str, Any]) -> list[Any]:
    provider = driver.asynchronous()
    try:
        if how == "async":
            return [await provider.send_message("Hi", **options)]
        async with provider.send_streaming_message("Hi", **options) as stream:
            return [*[chunk async for chunk in stream], stream.response]
    finally:
        await provider.aclose()


def ask(driver: OpenAIDriver, how: str, **options: Any) -> list[Any]:
    """The chunks of a stream, and last the response."""
    if how.startswith("async"):
        return asyncio.run(_ask(driver, how, options))
    if how == "blocking":
        return [driver.send_message("Hi", **options)]
    with driver.send_streaming_message("Hi", **options) as stream:
        return [*stream, stream.response]


@pytest.mark.parametrize("how", HOWS)
def test_an_answer_that_does_not_validate_is_paid_for_and_told(how: str) -> None:
    body = streamed({"content": "no number"}) if "stream" in how else whole({"content": "no number"})
    with Server([READ, body, AGAIN]) as server:
        driver = OpenAIDriver({"api_key": "sk-test-1234567890", "base_url": f"{server.url}/v1"})
        with driver.bus.capture() as events, pytest.raises(InvalidResponseError) as caught:
            ask(driver, how, response_format=int)
        driver.close()
    assert caught.value.partial is not None
    told = [event for event in events if isinstance(event, ResponseGenerated | CostCalculated | RequestFailed)]
    assert [type(event) for event in told] == [CostCalculated, RequestFailed]
    assert isinstance(told[0], CostCalculated)
    assert told[0].cost is not None
    assert told[0].cost == caught.value.partial.cost


@pytest.mark.parametrize("how", ["blocking stream", "async stream"])
def test_the_last_chunk_says_what_the_response_says(how: str) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "look_up", "arguments": "{}"}}
    with Server([READ, streamed({"tool_calls": [call]}), AGAIN]) as server:
        driver = OpenAIDriver({"api_key": "sk-test-1234567890", "base_url": f"{server.url}/v1"})
        *_, last, response = ask(driver, how)
        driver.close()
    assert (last.finish_reason, last.raw_finish_reason) == ("tool_calls", "stop")
    assert last.finish_reason == response.finish_reason
    assert last.usage == response.usage
