"""Batches: what they take, and that each failure keeps its place."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from tests.faults.server import HANG, READ, Server, reply

from polydriver import (
    AI,
    AIResponse,
    AsyncAI,
    ConfigurationError,
    DeadlineExceededError,
    InvalidCredentialsError,
    OpenAIDriver,
)
from polydriver.events import AttemptFinished, MessageSent, RequestFailed


@pytest.mark.parametrize("messages", ["abc", b"abc", None, 5, {"role": "user", "content": "Hi"}])
def test_one_text_is_no_batch(messages: Any) -> None:
    with pytest.raises(ConfigurationError, match="takes an iterable of messages"):
        AI.fake().provider().send_batch(messages, model="m")
    with pytest.raises(ConfigurationError, match="takes an iterable of messages"):
        asyncio.run(AsyncAI.fake().provider().send_batch(messages, model="m"))


@pytest.mark.parametrize("limit", [0, -1, "2", True, 1.5, None])
def test_the_limit_is_a_count(limit: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_concurrency must be a whole number"):
        AI.fake().provider().send_batch(["a"], max_concurrency=limit, model="m")


def test_each_failure_keeps_its_place() -> None:
    prompts: Any = ["a", None, "b"]
    first, second, third = AI.fake().provider().send_batch(prompts, return_exceptions=True, model="m")
    assert isinstance(first, AIResponse)
    assert first.content == "a"
    assert isinstance(second, ConfigurationError)
    assert isinstance(third, AIResponse)
    assert third.content == "b"


def answer(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return reply(
        json.dumps({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    )


def driver_for(server: Server, **settings: Any) -> OpenAIDriver:
    key = "sk-0123456789abcdef"
    return OpenAIDriver({"api_key": key}, base_url=f"{server.url}/v1", options={"api": "chat"}, **settings)


@pytest.mark.parametrize("status", ["401 No", "503 Busy"])
def test_the_first_error_ends_a_blocking_batch_at_once(status: str) -> None:
    """Four calls would wait for an answer, or for their next attempt, for minutes; they are stopped and end."""
    failing = f"HTTP/1.1 {status}\r\nretry-after: 25\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
    refused = b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"
    hanging = [READ, HANG] if status == "401 No" else [READ, failing]
    with Server(hanging, hanging, hanging, hanging, [READ, 0.3, refused, HANG]) as server:
        driver = driver_for(server)
        with driver.bus.capture() as events:
            with pytest.raises(InvalidCredentialsError):
                driver.send_batch(["a", "b", "c", "d", "e", "never sent"], max_concurrency=5)
            counts = [sum(isinstance(event, kind) for event in events) for kind in (MessageSent, RequestFailed)]
        assert counts == [5, 5]
        assert sum(isinstance(event, AttemptFinished) for event in events) == 5
        assert len(server.requests) == 5
        driver.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("polydriver-batch")]


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="no signal can be sent to itself here")
def test_an_interrupt_ends_a_blocking_batch_at_once() -> None:
    code = """
import sys
from polydriver import OpenAIDriver
driver = OpenAIDriver({"api_key": "sk-0123456789abcdef"}, base_url=sys.argv[1] + "/v1", options={"api": "chat"})
ended = []
driver.on("*", lambda event: ended.append(event.name))
try:
    driver.send_batch(["a", "b", "c"])
except KeyboardInterrupt:
    assert ended.count("RequestFailed") == ended.count("AttemptFinished") == 3, ended
    print("interrupted")
"""
    with Server([READ, HANG]) as server:
        command = [sys.executable, "-c", code, server.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            came = server.wait_requests(3)
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=60)
        assert came, errors
    assert (output, process.returncode) == ("interrupted\n", 0), errors


def test_a_blocking_batch_sees_the_context_of_its_caller() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")
    who.set("me")
    ai = AI.fake()
    seen: list[str] = []
    ai.on("*", lambda event: seen.append(who.get("nobody")))
    ai.provider().send_batch(["a", "b", "c"], model="m")
    assert set(seen) == {"me"}


def test_one_deadline_holds_over_all_pages_of_a_list() -> None:
    """Each page comes in time, and the list never ends."""
    pages = [json.dumps({"data": [{"id": f"m{n}"}], "has_more": True, "last_id": f"m{n}"}) for n in range(50)]
    with Server([step for page in pages for step in (READ, 0.1, reply(page.encode()))]) as server:
        settings = {"api_key": "sk-ant-0123456789abcdef", "base_url": server.url, "deadline": 0.55, "timeout": 0.4}
        with pytest.raises(DeadlineExceededError):
            AI({"providers": {"anthropic": settings}}).provider("anthropic").get_available_models()
        assert 2 <= len(server.requests) <= 6
