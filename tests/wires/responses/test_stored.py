"""Answers that run in the background: asked for by id, and stopped."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.faults.server import AGAIN, READ, Server, reply

from polydriver import OpenAIDriver, UnsupportedFeatureError, openai_compatible

KEY = "sk-test-1234567890abcdef"
QUEUED = {"id": "resp_1", "object": "response", "status": "queued", "model": "o3", "output": []}
DONE = {
    **QUEUED,
    "status": "completed",
    "output": [{"type": "message", "id": "m", "content": [{"type": "output_text", "text": "Done."}]}],
    "usage": {"input_tokens": 1000, "output_tokens": 2000, "total_tokens": 3000},
}


def test_an_answer_in_the_background_is_fetched_when_it_is_done() -> None:
    with Server([READ, reply(json.dumps(QUEUED).encode()), READ, reply(json.dumps(DONE).encode())]) as server:
        openai = OpenAIDriver({"api_key": KEY, "base_url": f"{server.url}/v1"})
        first = openai.send_message("Think long.", model="o3", background=True)
        assert first.id == "resp_1"
        assert first.finish_reason is None
        answer = openai.get_response("resp_1")
        openai.close()
        assert json.loads(server.requests[0].body)["background"] is True
        assert (server.requests[1].method, server.requests[1].target) == ("GET", "/v1/responses/resp_1")
    assert (answer.content, answer.finish_reason, answer.provider) == ("Done.", "stop", "openai")
    assert answer.cost is not None
    assert answer.cost.total > 0


def test_it_can_be_stopped_and_fetched_by_async_callers() -> None:
    async def run(url: str) -> None:
        provider = OpenAIDriver({"api_key": KEY, "base_url": f"{url}/v1"}).asynchronous()
        assert (await provider.cancel_response("resp_1")).id == "resp_1"
        assert (await provider.get_response("resp_1")).id == "resp_1"
        await provider.aclose()

    with Server([READ, reply(json.dumps({**QUEUED, "status": "cancelled"}).encode()), AGAIN]) as server:
        asyncio.run(run(server.url))
        assert (server.requests[0].method, server.requests[0].target) == ("POST", "/v1/responses/resp_1/cancel")


def test_a_service_without_the_api_says_so() -> None:
    with pytest.raises(UnsupportedFeatureError):
        openai_compatible("acme", "http://localhost:1/v1")({"api_key": "k-123"}).get_response("resp_1")
