"""The connections to one host that blocking callers share."""

from __future__ import annotations

import queue
import socket
import time
from collections import deque

from ...data.http import TransportConfig
from .address import Origin, Proxy
from .base import remaining, timed_out
from .sockets import is_readable

__all__ = ["Pool"]


class Pool:
    """At most `max_connections` connections to one origin; the one used last is taken first.

    A place in use is a permit taken out of a queue. Both containers are free of Python-level locks, so that a
    body which is garbage-collected at any moment, in any thread, can give its place back.
    """

    def __init__(self, origin: Origin, proxy: Proxy | None, config: TransportConfig) -> None:
        self.origin = origin
        self.proxy = proxy
        self.forwarded = proxy is not None and origin.scheme == "http"
        authorization = proxy.authorization if proxy is not None and self.forwarded else None
        self.headers = {"proxy-authorization": authorization} if authorization else {}
        self._keepalive = config.keepalive
        self._size = config.max_connections
        self._closed = False
        self._idle: deque[tuple[socket.socket, float]] = deque()
        self._permits: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(self._size):
            self._permits.put(None)

    def acquire(self, expires: float, *, fresh: bool = False) -> socket.socket | None:
        """Take a place, and with it an idle connection, or `None` when a new one is to be made, as for `fresh`.

        Raises `APITimeoutError` (phase "pool") when no place becomes free by `expires`.
        """
        try:
            self._permits.get(timeout=remaining(expires))
        except queue.Empty:
            raise timed_out("pool", self.origin.host) from None
        try:
            while self._idle and not fresh:
                link, since = self._idle.pop()
                if time.monotonic() - since <= self._keepalive and not is_readable(link):
                    return link
                link.close()
        except IndexError:  # another thread was faster
            pass
        except BaseException:
            self.release(None)
            raise
        return None

    def release(self, link: socket.socket | None) -> None:
        """Give a place back, with the connection if it can be used again."""
        if link is not None:
            if self._closed:
                link.close()
            else:
                self._idle.append((link, time.monotonic()))
        self._permits.put(None)
        self._drop_old()

    def close(self) -> None:
        """Close the idle connections, and from now on all that come back."""
        self._closed = True
        while self._idle:
            try:
                link, _ = self._idle.pop()
            except IndexError:
                return
            link.close()

    def _drop_old(self) -> None:
        oldest = time.monotonic() - self._keepalive
        try:
            while self._idle and self._idle[0][1] < oldest:
                self._idle.popleft()[0].close()
        except IndexError:
            pass

    def __del__(self) -> None:
        self.close()
