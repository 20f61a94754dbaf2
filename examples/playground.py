"""Where the examples get their answers: OpenAI itself when OPENAI_API_KEY is set, else a server on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from polydriver import AI, MockDriver
from polydriver.testing import MockServer

__all__ = ["playground", "serve"]


@contextmanager
def playground(*replies: Any, providers: tuple[str, ...] = ("openai",)) -> Iterator[AI]:
    """A manager with these connections. Without a key, a server on loopback answers with `replies`, in turn."""
    if os.environ.get("OPENAI_API_KEY"):
        with AI({"default": "openai"}) as ai:
            yield ai
        return
    with MockServer(MockDriver(replies=list(replies))) as url:
        settings = {"api_key": "sk-example-key", "base_url": url, "retry_delay": 0.05, "logging": {"enabled": False}}
        connections = {name: dict(settings) for name in providers}
        with AI({"default": providers[0], "providers": connections}) as ai:
            yield ai


@contextmanager
def serve(bodies: Mapping[str, bytes]) -> Iterator[str]:
    """A server on loopback with a fixed body for the end of each path. Gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = next((body for path, body in bodies.items() if self.path.endswith(path)), b"")
            self.send_response(200 if body else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 (the base class looks for this name)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
