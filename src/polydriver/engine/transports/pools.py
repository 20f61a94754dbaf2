"""The connections to one host that blocking callers share."""

from __future__ import annotations

import itertools
import queue
import socket
import time
import weakref
from collections import deque
from contextlib import suppress

from ...data.http import TransportConfig
from .address import Origin, Proxy
from .base import closed_by_reader, remaining, timed_out
from .sockets import Look

__all__ = ["Place", "Pool"]

_LOOK_AGAIN = 0.5


class Place:
    """A turn in the line before a pool, and then a place in it: until it leaves, or is no more."""

    number = 0
    admitted = False
    stopped = False
    bell: queue.SimpleQueue[None] | None = None


class Pool:
    """At most `max_connections` connections to one origin; who comes first is served first.

    The connection used last is taken first. All places stand in one line, in the order in which they came, and the
    first of them are in. A place stands there as long as it lives, so that one which Ctrl-C or the garbage collector
    took from its holder, at whatever moment, is free again. There is no lock that could be left held: each step on the
    line is a single step of the interpreter.
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
        self._idle: deque[tuple[socket.socket, Look, float]] = deque()
        self._numbers = itertools.count(1)
        self._line: dict[int, weakref.ref[Place]] = {}

    def enter(self, place: Place, expires: float) -> None:
        """Take a place, or wait for one.

        Raises `APITimeoutError` (phase "pool") when none becomes free by `expires`.
        """
        number = place.number = next(self._numbers)
        place.bell = None
        self._line[number] = weakref.ref(place)
        if len(self._line) > self._size and not self._is_in(number):
            self._wait(place, number, expires)
        place.admitted = True

    def leave(self, place: Place, link: socket.socket | None = None, look: Look | None = None) -> None:
        """Give a place back, with the connection if it can be used again. Waits for nothing."""
        if link is not None and look is not None:
            self._idle.append((link, look, time.monotonic()))
            if self._closed:  # looked at afterwards: another thread may close the pool at any moment
                self.close()
        if self._line.pop(place.number, None) is None:
            return
        if len(self._line) >= self._size:
            self._ring()
        self._drop_old()

    def take_idle(self) -> tuple[socket.socket, Look] | None:
        """A connection that was kept, and that the server has not closed as far as is known."""
        try:
            while self._idle:
                link, look, since = self._idle.pop()
                if time.monotonic() - since <= self._keepalive and not look(0):
                    return link, look
                link.close()
        except IndexError:  # another thread was faster
            pass
        return None

    def close(self) -> None:
        """Close the idle connections, and from now on all that come back."""
        self._closed = True
        while self._idle:
            try:
                link, _, _ = self._idle.pop()
            except IndexError:
                return
            link.close()

    def _wait(self, place: Place, number: int, expires: float) -> None:
        bell = place.bell = queue.SimpleQueue()
        try:
            while not self._is_in(number):
                if place.stopped:
                    raise closed_by_reader(self.origin.host)
                left = remaining(expires)
                if not left:
                    raise timed_out("pool", self.origin.host)
                with suppress(queue.Empty):
                    bell.get(timeout=min(left, _LOOK_AGAIN))
        except BaseException:
            self.leave(place)
            raise

    def _is_in(self, number: int) -> bool:
        """Whether so few stand before this one that it has a place."""
        numbers = list(self._line)
        position = numbers.index(number)
        if position < self._size:
            return True
        if position > self._size:
            return False  # who is next looks who is no more
        gone = [other for other in numbers[:position] if self._is_gone(other)]
        for other in gone:
            self._line.pop(other, None)
        return bool(gone)

    def _is_gone(self, number: int) -> bool:
        turn = self._line.get(number)
        return turn is not None and turn() is None

    def _ring(self) -> None:
        """Have those look who are in and do not know it yet. One that is missed looks by itself, a bit later."""
        for number in reversed(list(self._line)[: self._size]):
            turn = self._line.get(number)
            place = turn() if turn is not None else None
            if place is None:
                continue
            if place.admitted:
                return
            if place.bell is not None:
                place.bell.put(None)

    def _drop_old(self) -> None:
        oldest = time.monotonic() - self._keepalive
        try:
            while self._idle and self._idle[0][2] < oldest:
                self._idle.popleft()[0].close()
        except IndexError:
            pass

    def __del__(self) -> None:
        self.close()
