"""Blocking streams that are closed while another thread reads them, or in a forked child."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.faults.server import AGAIN, HANG, READ, Server, chunked, reply

from polydriver import AIError, OpenAIDriver, StreamInterruptedError
from polydriver.engine.streams import Stream
from polydriver.events import AttemptFinished, CostCalculated, Event, MessageSent, StreamAbandoned

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CLIENTS = ("urllib3", "httpx2")


def event(text: str) -> bytes:
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]}
    return chunked(f"data: {json.dumps(chunk)}\n\n".encode(), end=False)


def make_driver(server: Server, client: str, **settings: Any) -> OpenAIDriver:
    http = {"http_client": "httpx2" if client == "httpx2" else None, **settings.pop("http", {})}
    return OpenAIDriver(
        {"api_key": "sk-0123456789abcdef", "http": {name: value for name, value in http.items() if value is not None}},
        base_url=f"{server.url}/v1",
        retry_attempts=3,
        **settings,
    )


class Reader(threading.Thread):
    """Reads a stream to its end; `error` is what that raised."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.texts: list[str] = []
        self.first = threading.Event()
        self.error: BaseException | None = None
        self.clean = False

    def run(self) -> None:
        try:
            for chunk in self.stream:
                self.texts.append(chunk.content)
                self.first.set()
            self.clean = True
        except BaseException as error:
            self.error = error


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_the_reader_of_a_stream_that_another_thread_closes_ends_at_once(
    client: str, secure: bool, server_tls: ssl.SSLContext, certificate: Path
) -> None:
    with Server([READ, HEAD + event("Hel") + event("lo"), HANG], tls=server_tls if secure else None) as server:
        driver = make_driver(server, client, http={"ca_file": str(certificate)} if secure else {})
        with driver.bus.capture() as events:
            stream = driver.send_streaming_message("Hi", api="chat")
            reader = Reader(stream)
            reader.start()
            assert reader.first.wait(30)
            time.sleep(0.05)
            stream.close()
            reader.join(30)
        assert not reader.is_alive()
        assert isinstance(reader.error, StreamInterruptedError)
        assert not reader.error.retryable
        assert reader.error.partial is not None
        assert reader.error.partial.content == "Hello"
        assert server.wait_hung_up()
        assert len(server.requests) == 1
    assert kinds(events) == [MessageSent, AttemptFinished, CostCalculated, StreamAbandoned]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("script", [[READ, HANG], [READ, HEAD, HANG]], ids=["no headers", "no content"])
def test_a_stream_can_be_closed_before_it_has_begun(client: str, script: list[Any]) -> None:
    with Server(script) as server:
        driver = make_driver(server, client)
        with driver.bus.capture() as events:
            stream = driver.send_streaming_message("Hi", api="chat")
            reader = Reader(stream)
            reader.start()
            assert server.wait_requests(1)
            time.sleep(0.1)
            stream.close()
            reader.join(30)
        assert not reader.is_alive()
        assert isinstance(reader.error, StreamInterruptedError)
        assert server.wait_hung_up()
        assert len(server.requests) == 1, "a closed stream is not asked for again"
    assert kinds(events)[-1] is StreamAbandoned


@pytest.mark.parametrize("client", CLIENTS)
def test_a_stream_can_be_closed_while_it_waits_for_its_next_attempt(client: str) -> None:
    with Server([READ, b"HTTP/1.1 503 Busy\r\nretry-after: 20\r\ncontent-length: 0\r\n\r\n", HANG]) as server:
        driver = make_driver(server, client)
        retried = threading.Event()
        driver.on("*", lambda event: retried.set() if event.name == "RequestRetried" else None)
        stream = driver.send_streaming_message("Hi", api="chat")
        reader = Reader(stream)
        reader.start()
        assert retried.wait(30)
        time.sleep(0.05)
        stream.close()
        reader.join(30)
        assert isinstance(reader.error, StreamInterruptedError)


@pytest.mark.parametrize("client", CLIENTS)
def test_closing_at_any_moment_is_never_a_clean_end(client: str) -> None:
    """The stream never ends by itself, so that a reader without an error would have lost the rest."""
    texts = [step for _ in range(400) for step in (event("x") * 3, 0.001)]
    with Server([READ, HEAD, *texts, HANG]) as server:
        driver = make_driver(server, client)
        for turn in range(40):
            stream = driver.send_streaming_message("Hi", api="chat")
            reader = Reader(stream)
            reader.start()
            time.sleep(turn * 0.0007)
            stream.close()
            reader.join(30)
            assert not reader.is_alive()
            assert not reader.clean
            assert isinstance(reader.error, AIError | RuntimeError), repr(reader.error)
            if isinstance(reader.error, RuntimeError):
                assert "closed before it was read" in str(reader.error)


def test_who_closes_its_own_stream_is_not_told_of_an_error() -> None:
    with Server([READ, HEAD + event("a") + event("b"), HANG]) as server:
        stream = make_driver(server, "urllib3").send_streaming_message("Hi", api="chat")
        texts = []
        for chunk in stream:
            texts.append(chunk.content)
            stream.close()
        assert texts == ["a"]


FORKED = """
import os, sys, threading
from polydriver import OpenAIDriver
driver = OpenAIDriver({"api_key": "sk-0123456789abcdef", "http": {"http_client": sys.argv[2]} if sys.argv[2] else {}},
                      base_url=sys.argv[1] + "/v1")
stream = driver.send_streaming_message("Hi", api="chat")
texts = [next(stream).content]
child = os.fork()
if child == 0:
    what = sys.argv[3]
    if what == "close":
        stream.close()
    elif what == "drop":
        del stream
    elif what == "read":
        try:
            list(stream)
        except Exception as error:
            assert "forked child" in str(error), error
        else:
            os._exit(3)
    else:
        driver.close()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
os.write(1, b"go\\n")
texts += [chunk.content for chunk in stream]
assert "".join(texts) == "abcd", texts
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("client", ["", "httpx2"], ids=["urllib3", "httpx2"])
@pytest.mark.parametrize("what", ["close", "drop", "read", "close the driver"])
def test_a_forked_child_leaves_the_stream_of_its_parent_alone(client: str, what: str) -> None:
    """What the child does to its copy takes no byte from the parent, which reads all of it."""
    rest = [event("b"), 0.3, event("c"), event("d") + chunked(b"data: [DONE]\n\n")]
    with Server([READ, HEAD + event("a"), *rest, HANG]) as server:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, server.url, client, what]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


BUSY = """
import asyncio, os, sys, threading, time
from polydriver import AI, AsyncAI
connection = {"api_key": "sk-0123456789abcdef", "base_url": sys.argv[1] + "/v1"}
settings = {"default": "openai", "providers": {"openai": connection}}
ai, other = AI(settings), AsyncAI(settings)
ai.provider("openai").send_message("Hi", api="chat", model="m")
ours = [found for found in __import__("gc").get_objects() if type(found).__module__.startswith("polydriver")]
held = [found for found in ours if "_lock" in getattr(found, "__dict__", {})]
assert len(held) >= 4, held
ready = threading.Event()
def hold():
    for owner in held:
        owner._lock.acquire()
    ready.set()
    time.sleep(60)
threading.Thread(target=hold, daemon=True).start()
ready.wait()
child = os.fork()
if child == 0:
    def late(*_):
        os._exit(9)
    __import__("signal").signal(14, late)
    __import__("signal").alarm(20)
    ai.on("*", lambda event: None)
    ai.extend("mine", lambda *_: None)
    assert ai.provider("openai").send_message("Hi", api="chat", model="m").content == "Hi"
    async def again():
        async with other:
            await other.provider("openai").send_message("Hi", api="chat", model="m")
    asyncio.run(again())
    ai.close()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_no_lock_is_inherited_held() -> None:
    message = {"role": "assistant", "content": "Hi"}
    answer = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    with Server([READ, reply(json.dumps(answer).encode()), AGAIN]) as server:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", BUSY, server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
