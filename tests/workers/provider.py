"""A provider for workers in other processes: it counts what it is asked, and holds answers back when told to."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

__all__ = ["SECONDS", "CountingProvider", "wait_until"]

SECONDS = 120.0


class CountingProvider:
    """A context manager. What a prompt begins with decides what becomes of it.

    "hold" waits until `release` is set, "busy" is refused with a 429 the first time, "bad" always with a 400.
    """

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.running = 0
        self.release = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def base_url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(SECONDS)

    def answer(self, prompt: str) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer to a prompt."""
        with self._lock:
            self.seen[prompt] += 1
            self.running += 1
        try:
            if prompt.startswith("hold"):
                self.release.wait()
            if prompt.startswith("busy") and self.seen[prompt] == 1:
                return 429, {"error": {"message": "too many requests", "code": "rate_limit_exceeded"}}
            if prompt.startswith("bad"):
                return 400, {"error": {"message": "not like this", "code": "invalid_value"}}
        finally:
            with self._lock:
                self.running -= 1
        choice = {"index": 0, "message": {"role": "assistant", "content": f"Re: {prompt}"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini"}
        return 200, {**head, "choices": [choice], "usage": usage}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, provider: CountingProvider) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.provider = provider


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status, body = self.server.provider.answer(asked["messages"][-1]["content"])
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if status == 429:
            self.send_header("retry-after", "1")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the worker was killed
            self.close_connection = True


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends, f"it never came to this: {what}"
        threading.Event().wait(0.02)
