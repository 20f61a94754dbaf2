"""One connection of a blocking caller: a socket that is sent on and received from by a deadline."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

from ...data.http import Timeouts
from ...errors import ProviderError
from .base import Phase, Stale, broken, closed_by_reader, is_broken, timed_out
from .http1 import ResponseReader
from .pools import Place, Pool
from .refused import body_limits
from .sockets import Look, look_at, shut_down

__all__ = ["BlockingConnection"]

_RECEIVE = 64 * 1024
_SEND = 256 * 1024
_JOIN_BELOW = 64 * 1024
_SLACK = 0.05


class BlockingConnection(Place):
    """A socket while it is in use, with its place in the pool. Dropping it closes the socket and frees the place.

    One thread at a time uses it. Another one may `interrupt` that, which wakes it, and no more: it then closes the
    socket itself. The copy that a forked child has can be dropped and nothing else.
    """

    def __init__(self, pool: Pool) -> None:
        self.reused = self._is_back = False
        self._pool = pool
        self._host = pool.origin.host
        self._link: socket.socket | None = None
        self._process = os.getpid()
        self._interrupting: list[None] = []
        self._timeout = 0.0

    @property
    def foreign(self) -> bool:
        """Whether the connection belongs to the process that this one was forked from."""
        return self._process != os.getpid()

    def attach(self, link: socket.socket, look: Look | None = None) -> None:
        """Use `link` from now on; one that was kept comes with its `look` (see `look_at`)."""
        self.reused = look is not None
        self._look = look or look_at(link)
        self._timeout = link.gettimeout() or 0.0
        self._link = link
        if self.stopped:
            raise closed_by_reader(self._host)

    def detach(self) -> None:
        """Close the socket and keep the place."""
        link = self._take()
        if link is not None:
            with suppress(OSError):
                link.close()

    def interrupt(self) -> None:
        """Have the thread that waits for this connection stop at once; from any thread."""
        self.stopped = True
        if self.foreign:
            return
        if self.bell is not None:
            self.bell.put(None)
        self._interrupting.append(None)
        try:
            if self._link is not None:
                shut_down(self._link)
        finally:
            self._interrupting.clear()

    def exchange(self, head: bytes, body: bytes, reader: ResponseReader, timeouts: Timeouts) -> bytes:
        """Send a request, and read until the head of its reply is in; returns the start of the body.

        Raises `Stale` for a closed connection that was kept.
        """
        heard, first = False, b""
        try:
            self.transmit(head, body, timeouts)
            while not reader.status:
                data = self.receive_within(timeouts, "headers")
                heard = heard or bool(data)
                first = reader.take(data)
        except ProviderError as error:
            if self.reused and not heard and is_broken(error) and not self.stopped:
                raise Stale(error) from None
            raise
        return first

    def transmit(self, head: bytes, body: bytes, timeouts: Timeouts) -> None:
        """Send a request. A server that answers and closes before it has read everything is not a failure yet."""
        link = self._live()
        try:
            # `sendall` takes the socket's timeout as the limit of the whole call, not of each step.
            self._allow(link, self._until(timeouts), "send", 1.0)
            if len(body) < _JOIN_BELOW:
                link.sendall(head + body)
            else:
                link.sendall(head)
                view = memoryview(body)
                for start in range(0, len(body), _SEND):
                    self._allow(link, self._until(timeouts), "send", 1.0)
                    link.sendall(view[start : start + _SEND])
        except TimeoutError:
            raise timed_out("send", self._host) from None
        except ConnectionError:
            return
        except OSError as error:
            raise broken("send", self._host, error.strerror or type(error).__name__) from error

    def read_rest(self, reader: ResponseReader, first: bytes, timeouts: Timeouts) -> None:
        """Have the reader keep the whole content of a reply, of which `first` came with the headers."""
        limits = body_limits(reader.status, timeouts, time.monotonic()) if reader.is_refused else timeouts
        if first or reader.is_encoded:
            reader.keep(first, limits.max_bytes)
        while not reader.finished:
            reader.keep(reader.take(self.receive_within(limits, "read")), limits.max_bytes)

    def receive_within(self, timeouts: Timeouts, phase: Phase) -> bytes:
        """The next bytes, as `receive` gives them; what happened until now was a sign of life."""
        return self.receive(self._until(timeouts), phase)

    def receive(self, expires: float, phase: Phase) -> bytes:
        """The next bytes, `b""` when the server has closed. Ends by `expires`, whatever the socket's timeout is."""
        link = self._live()
        while True:
            self._allow(link, expires, phase)
            try:
                data = link.recv(_RECEIVE)
            except TimeoutError:
                if self.stopped:
                    raise closed_by_reader(self._host) from None
                continue
            except OSError as error:
                if self.stopped:
                    raise closed_by_reader(self._host) from None
                raise broken(phase, self._host, error.strerror or type(error).__name__) from error
            if not data and self.stopped:
                raise closed_by_reader(self._host)
            return data

    def receive_now(self) -> bytes:
        """What has arrived already, without waiting; `b""` when that is nothing."""
        link = self._live()
        if not self._look(0):
            return b""
        self._timeout = 0.0
        try:
            link.settimeout(0.0)
            return link.recv(_RECEIVE)
        except OSError:  # in a circle of garbage the socket may be closed already
            return b""

    def finish(self, reader: ResponseReader) -> None:
        """Give the connection back after a whole reply: to be used again if it can be."""
        if not reader.reusable or self.stopped or self.foreign:
            self.discard()
            return
        link = self._take()
        if link is None:
            return
        if self.stopped:  # in this very moment
            link.close()
            link = None
        self._pool.leave(self, link, self._look)
        self._is_back = True

    def discard(self) -> None:
        """Close the socket and free the place."""
        try:
            self.detach()
        finally:
            if not self.foreign:
                self._pool.leave(self)

    def _take(self) -> socket.socket | None:
        link, self._link = self._link, None
        if (
            self.stopped and not self.foreign
        ):  # the number of a closed socket must not be another's when it is shut down
            for _ in range(1000):
                if not self._interrupting:
                    break
                time.sleep(0.0001)
        return link

    def _until(self, timeouts: Timeouts) -> float:
        """When a wait that begins now is over; no more is worked out where the socket's timeout is right already."""
        now = time.monotonic()
        if timeouts.silence - _SLACK <= self._timeout <= timeouts.expires - now + _SLACK:
            return timeouts.expires
        return timeouts.after(now)

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
        if self.foreign:
            raise broken("read", self._host, "it belongs to the process that opened it, not to its forked child")
        if self._link is None or self.stopped:
            raise closed_by_reader(self._host)
        return self._link

    def __del__(self) -> None:
        with suppress(AttributeError):  # its making was interrupted
            if not self._is_back:
                self.discard()
