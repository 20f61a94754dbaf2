"""A server on loopback that replies by a script, over real HTTP.

Unlike `polydriver.testing.MockServer`, which answers as the mock driver does, it keeps the requests as they came, can
hold replies back until several requests are there, and sends payloads that are OpenAI's to the last field.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import msgspec

__all__ = ["Received", "ScriptedReply", "ScriptedServer"]

_GATE_SECONDS = 5.0


class ScriptedReply(msgspec.Struct, frozen=True, kw_only=True):
    """One reply: a whole JSON `body`, or `events` of a stream that come `pause` seconds apart.

    `cut` breaks the connection in the middle of the stream. A `gate` holds the reply back until as many requests have
    come as it has parties, which proves that they were made side by side.
    """

    status: int = 200
    headers: dict[str, str] = {}
    body: Any = None
    events: list[Any] = []
    pause: float = 0.0
    cut: bool = False
    gate: threading.Barrier | None = None


class Received(msgspec.Struct, frozen=True):
    """A request as it came: when (monotonic seconds), headers by lower-case names, and the decoded body."""

    at: float
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ScriptedServer:
    """The server: a context manager. `url` is the base URL for a client, `requests` what came since `script`."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self._replies: deque[ScriptedReply] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def script(self, *replies: ScriptedReply) -> None:
        """Give these replies, in this order, and forget what came before."""
        self._replies = deque(replies)
        self.requests.clear()

    def take(self, received: Received) -> ScriptedReply | None:
        """Note a request; the reply to it, `None` when the script is at its end."""
        self.requests.append(received)
        try:
            return self._replies.popleft()
        except IndexError:
            return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_of(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = server.take(Received(time.monotonic(), self.path, headers, body))
            if reply is None:
                reply = ScriptedReply(status=500, body={"error": {"message": "the script is at its end"}})
            if reply.gate is not None:
                reply.gate.wait(_GATE_SECONDS)
            if reply.events:
                self._stream(reply)
            else:
                self._whole(reply)

        def _whole(self, reply: ScriptedReply) -> None:
            data = json.dumps(reply.body).encode()
            self._head(reply, "application/json", ("content-length", str(len(data))))
            self.wfile.write(data)

        def _stream(self, reply: ScriptedReply) -> None:
            self._head(reply, "text/event-stream; charset=utf-8", ("transfer-encoding", "chunked"))
            for event in reply.events:
                data = b"data: " + (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                time.sleep(reply.pause)
            if reply.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def _head(self, reply: ScriptedReply, content_type: str, framing: tuple[str, str]) -> None:
            self.send_response(reply.status)
            for name, value in ({"content-type": content_type, **reply.headers} | dict([framing])).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent: the demonstration tells what happens."""

    return Handler
