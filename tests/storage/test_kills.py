"""Processes that are killed at any moment: the ledger has a row for every request that the provider saw."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import text

from polydriver.storage import Database
from polydriver.storage.sweeping import sweep
from polydriver.storage.upgrading import upgrade

_CALLER = """
import asyncio, sys
from polydriver import AI
url, base = sys.argv[1:]

async def call(provider, number):
    metadata = {"key": str(number)}
    async with provider.send_streaming_message(f"Hi {number}", model="m", metadata=metadata) as stream:
        async for _ in stream:
            pass

async def main():
    ai = AI({"providers": {"local": {"driver": "openai", "base_url": base, "api_key": "x"}}, "storage": {"url": url}},
            env={}).asynchronous()
    provider = ai.provider("local")
    print("ready", flush=True)
    number = 0
    while True:
        await asyncio.gather(*(call(provider, number + turn) for turn in range(10)))
        number += 10

asyncio.run(main())
"""
_CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
)
_END = (
    b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n'
)


class _Provider(ThreadingHTTPServer):
    """A provider that streams a few words and counts the requests that it saw."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen = 0
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Provider

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        with self.server.lock:
            self.server.seen += 1
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for word in (b"One", b" two", b" three"):
            self.wfile.write(_CHUNK % word)
            self.wfile.flush()
        self.wfile.write(_END)

    def log_message(self, *args: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True


@pytest.fixture
def provider() -> Iterator[_Provider]:
    with _Provider() as server:
        server.handle_error = lambda *args: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_killed_under_load(shared_url: str, provider: _Provider, open_database: Callable[[str], Database]) -> None:
    database = open_database(shared_url)
    upgrade(database)
    chance = random.Random(4)
    for _ in range(3):
        before = provider.seen
        process = _start(shared_url, provider)
        wanted = before + chance.randrange(1, 60)
        while provider.seen < wanted:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        _end(process)
    sweep(database, now=4e9)
    with database.read() as connection:
        sent = connection.execute(text("SELECT count(*) FROM ai_attempts WHERE outcome <> 'refused'")).scalar_one()
        ended = connection.execute(text("SELECT count(*) FROM ai_attempts WHERE outcome IS NULL")).scalar_one()
        doubled = connection.execute(
            text("SELECT count(*) FROM (SELECT id FROM ai_attempts GROUP BY id HAVING count(*) > 1) AS twice")
        ).scalar_one()
    assert ended == doubled == 0
    assert provider.seen <= sent <= provider.seen + 3 * 10  # the intent of a request that was not sent yet stays


def test_terminated_or_ended_nothing_is_lost(
    shared_url: str, provider: _Provider, open_database: Callable[[str], Database]
) -> None:
    database = open_database(shared_url)
    upgrade(database)
    process = _start(shared_url, provider, ledger="write-behind")
    while provider.seen < 40:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _end(process)
    assert process.returncode == -signal.SIGTERM
    with database.read() as connection:
        sent = connection.execute(text("SELECT count(*) FROM ai_attempts")).scalar_one()
    assert provider.seen <= sent <= provider.seen + 10


def _start(url: str, provider: _Provider, ledger: str = "durable") -> subprocess.Popen[str]:
    base = f"http://127.0.0.1:{provider.server_address[1]}/v1"
    code = _CALLER.replace('{"url": url}', f'{{"url": url, "ledger": "{ledger}", "window": 60.0}}')
    process = subprocess.Popen([sys.executable, "-c", code, url, base], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.wait(30)
    assert process.stdout is not None
    process.stdout.close()
