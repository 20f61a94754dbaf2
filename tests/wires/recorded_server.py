"""A loopback HTTP server that answers with recorded replies: a request's path begins with the number of a record."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .replay import Record, body_bytes

__all__ = ["serve_records"]

_OF_THE_CONNECTION = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"})
_PIECE = 1000


@contextmanager
def serve_records(found: Sequence[Record]) -> Iterator[str]:
    """Serve these records while the block runs, and give the address: record 7 is below `ADDRESS/7`.

    A reply to a stream is sent in chunks of a thousand bytes, any other in one piece with its length.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            record = found[int(self.path.split("/")[1])]
            body = body_bytes(record)
            self.send_response(record["response"]["status"])
            for name, value in (record["response"].get("headers") or {}).items():
                if name.lower() not in _OF_THE_CONNECTION:
                    self.send_header(name, str(value))
            if "stream" in record["kind"]:
                self.send_header("transfer-encoding", "chunked")
                pieces = [body[start : start + _PIECE] for start in range(0, len(body), _PIECE)]
                body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
            else:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
