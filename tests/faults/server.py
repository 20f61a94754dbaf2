"""A hostile server on loopback: every connection follows a script of bytes, waits and closes, over raw sockets.

::

    with Server([READ, reply(b"hello"), CLOSE]) as server:
        ...  # send requests to server.url
    assert server.requests[0].target == "/"

A script is a list of steps, worked off in order: `READ` reads one whole request and records it, bytes are sent
as they are, a number waits that many seconds, a function is called with the server, `HANG` waits until the
client hangs up, `RESET` breaks the connection, `CLOSE` ends it in good order (so does the end of the script),
`AGAIN` starts the script over on the same connection. The n-th connection follows the n-th script; those beyond
the last script follow the last.
"""

from __future__ import annotations

import contextlib
import enum
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

__all__ = ["AGAIN", "CLOSE", "HANG", "READ", "RESET", "Received", "Script", "Server", "chunked", "drip", "reply"]


class Act(enum.Enum):
    """The steps of a script that are not bytes or waits."""

    READ = "read one request"
    HANG = "wait until the client hangs up"
    CLOSE = "close in good order"
    RESET = "break the connection"
    AGAIN = "start the script over"


READ: Final = Act.READ
HANG: Final = Act.HANG
CLOSE: Final = Act.CLOSE
RESET: Final = Act.RESET
AGAIN: Final = Act.AGAIN

Step = Act | bytes | float | Callable[["Server"], object]
Script = Sequence[Step]


@dataclass(frozen=True)
class Received:
    """A request as the server got it, and when, in monotonic seconds.

    `connection` counts from 0; header names are lower-case.
    """

    connection: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    raw: bytes = field(repr=False)
    at: float = field(default_factory=time.monotonic)


class Server:
    """The server: a context manager. `requests` holds what it got; `url` has no slash at its end."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._change = threading.Condition()
        self._stopping = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[Received] = []
        self.connections = 0
        self.hung_up = 0

    @property
    def url(self) -> str:
        """Where the server is."""
        host = "127.0.0.1" if self._tls is None else "localhost"
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    def change(self, *scripts: Script) -> None:
        """Have new connections follow other scripts."""
        self._scripts = scripts

    def wait_hung_up(self, count: int = 1, timeout: float = 30.0) -> bool:
        """Wait until clients have closed `count` connections on their own; False when they don't."""
        with self._change:
            return self._change.wait_for(lambda: self.hung_up >= count, timeout)

    def wait_requests(self, count: int, timeout: float = 30.0) -> bool:
        """Wait until `count` requests have come; False when they don't."""
        with self._change:
            return self._change.wait_for(lambda: len(self.requests) >= count, timeout)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()  # wakes `accept`
        self._threads[0].join(5)
        self._listener.close()
        with self._change:
            still_open = list(self._open)
        for link in still_open:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(5)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            link, _ = self._listener.accept()
            if self._stopping.is_set():
                link.close()
                return
            with self._change:
                number = self.connections
                self.connections += 1
                self._open.append(link)
                self._change.notify_all()
            self._start(self._serve, link, number)

    def _serve(self, link: socket.socket, number: int) -> None:
        try:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                plain, link = link, self._tls.wrap_socket(link, server_side=True, do_handshake_on_connect=False)
                with self._change:
                    self._open[self._open.index(plain)] = link
                link.do_handshake()
            self._follow(_Connection(link, number), self._scripts[min(number, len(self._scripts) - 1)])
        except OSError:
            self._note_hung_up()
        finally:
            link.close()
            with self._change:
                self._open.remove(link)

    def _follow(self, connection: _Connection, script: Script) -> None:
        again = True
        while again:
            again = False
            for step in script:
                if step is READ:
                    received = connection.read_request()
                    if received is None:
                        self._note_hung_up()
                        return
                    with self._change:
                        self.requests.append(received)
                        self._change.notify_all()
                elif step is HANG:
                    connection.wait_hang_up()
                    self._note_hung_up()
                    return
                elif step is CLOSE:
                    return
                elif step is RESET:
                    connection.reset()
                    return
                elif step is AGAIN:
                    again = True
                elif isinstance(step, bytes):
                    connection.send(step)
                elif callable(step):
                    step(self)
                else:
                    assert isinstance(step, float | int)
                    if connection.hangs_up_within(step) or self._stopping.is_set():
                        self._note_hung_up()
                        return

    def _note_hung_up(self) -> None:
        if not self._stopping.is_set():
            with self._change:
                self.hung_up += 1
                self._change.notify_all()


class _Connection:
    def __init__(self, link: socket.socket, number: int) -> None:
        self._link = link
        self._number = number
        self._buffer = b""

    def send(self, data: bytes) -> None:
        self._link.sendall(data)

    def read_request(self) -> Received | None:
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            data = self._more()
            if not data:
                return None
            rest += data
        self._buffer = rest[length:]
        method, target, _ = first.split(" ", 2)
        raw = head + b"\r\n\r\n" + rest[:length]
        return Received(self._number, method, target, headers, rest[:length], raw)

    def wait_hang_up(self) -> None:
        while self._more():
            pass

    def hangs_up_within(self, seconds: float) -> bool:
        """Wait for so long, or until the client has closed the connection."""
        end = time.monotonic() + seconds
        if not select.select([self._link], [], [], seconds)[0]:
            return False
        if not isinstance(self._link, ssl.SSLSocket) and not self._link.recv(1, socket.MSG_PEEK):
            return True
        time.sleep(max(0.0, end - time.monotonic()))
        return False

    def reset(self) -> None:
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _more(self) -> bytes:
        data = self._link.recv(65536)
        self._buffer += data
        return data


def reply(
    body: bytes = b"", status: int | str = 200, headers: dict[str, str] | None = None, *, length: bool = True
) -> bytes:
    """A reply as bytes; with `length`, its content-length is right."""
    lines = [f"HTTP/1.1 {status} OK" if isinstance(status, int) else f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if length:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    """The chunks in chunked encoding; with `end`, the last chunk too."""
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return b"".join(parts) + (b"0\r\n\r\n" if end else b"")


def drip(data: bytes, gap: float = 0.02) -> Iterator[Step]:
    """Steps that send `data` byte by byte, with `gap` seconds between."""
    for position in range(len(data)):
        yield data[position : position + 1]
        yield gap
