"""One connection of a blocking caller: a socket that is sent on and received from by a deadline."""

from __future__ import annotations

import socket
import time

from ...data.http import Timeouts
from .base import Phase, broken, timed_out
from .http1 import ResponseReader
from .pools import Pool
from .sockets import is_readable

__all__ = ["BlockingConnection"]

_RECEIVE = 64 * 1024
_SEND = 256 * 1024
_JOIN_BELOW = 64 * 1024
_SLACK = 0.05


class BlockingConnection:
    """A socket while it is in use, with its place in the pool."""

    __slots__ = ("_host", "_link", "_pool", "_timeout", "reused")

    def __init__(self, pool: Pool, link: socket.socket, *, reused: bool) -> None:
        self.reused = reused
        self._pool = pool
        self._link: socket.socket | None = link
        self._host = pool.origin.host
        self._timeout = link.gettimeout() or 0.0

    def transmit(self, head: bytes, body: bytes, timeouts: Timeouts) -> None:
        """Send a request. A server that answers and closes before it has read everything is not a failure yet."""
        link = self._live()
        try:
            # `sendall` takes the socket's timeout as the limit of the whole call, not of each step.
            self._allow(link, timeouts.after(time.monotonic()), "send", 1.0)
            if len(body) < _JOIN_BELOW:
                link.sendall(head + body)
            else:
                link.sendall(head)
                view = memoryview(body)
                for start in range(0, len(body), _SEND):
                    self._allow(link, timeouts.after(time.monotonic()), "send", 1.0)
                    link.sendall(view[start : start + _SEND])
        except TimeoutError:
            raise timed_out("send", self._host) from None
        except ConnectionError:
            return
        except OSError as error:
            raise broken("send", self._host, error.strerror or type(error).__name__) from error

    def receive(self, expires: float, phase: Phase) -> bytes:
        """The next bytes, `b""` when the server has closed. Ends by `expires`, whatever the socket's timeout is."""
        link = self._live()
        while True:
            self._allow(link, expires, phase)
            try:
                return link.recv(_RECEIVE)
            except TimeoutError:
                continue
            except OSError as error:
                raise broken(phase, self._host, error.strerror or type(error).__name__) from error

    def receive_now(self) -> bytes:
        """What has arrived already, without waiting; `b""` when that is nothing."""
        link = self._live()
        if not is_readable(link):
            return b""
        self._timeout = 0.0
        link.settimeout(0.0)
        try:
            return link.recv(_RECEIVE)
        except OSError:
            return b""

    def finish(self, reader: ResponseReader) -> None:
        """Give the connection back after a whole reply: to be used again if it can be."""
        if reader.reusable:
            link, self._link = self._link, None
            if link is not None:
                self._pool.release(link)
        else:
            self.discard()

    def discard(self) -> None:
        """Close the connection and free its place."""
        link, self._link = self._link, None
        if link is not None:
            try:
                link.close()
            except OSError:
                pass
            finally:
                self._pool.release(None)

    def _allow(self, link: socket.socket, expires: float, phase: Phase, least: float = 0.5) -> None:
        """Set the socket's timeout when it is longer than the time left, or shorter than the part `least` of it.

        Each setting is a system call, and a receive that ends too early is simply done again.
        """
        left = expires - time.monotonic()
        if left <= 0.0:
            raise timed_out(phase, self._host)
        if not left * least <= self._timeout <= left + _SLACK:
            self._timeout = left
            link.settimeout(left)

    def _live(self) -> socket.socket:
        if self._link is None:
            raise broken("read", self._host, "closed by the reader")
        return self._link
