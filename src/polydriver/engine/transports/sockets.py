"""Name resolution and connecting for blocking callers, both ended by a deadline."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from .base import remaining

__all__ = ["Link", "Look", "dial", "look_at", "resolve", "shut_down"]

Look: TypeAlias = Callable[[int], object]
"""Waits for so many milliseconds; what it returns is true where there are bytes to read, or the socket was closed."""

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]


_LOOK_AGAIN = 0.05
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS))


def never() -> bool:
    """Nobody stops what is done."""
    return False


def resolve(host: str, port: int, expires: float, is_stopped: Callable[[], bool] = never) -> list[AddressInfo]:
    """The addresses of `host`. Raises `OSError` when there is none, or soon after `is_stopped`, and `TimeoutError` at
    `expires`.

    `getaddrinfo` cannot be interrupted, so that a name (not a literal address) is looked up in a thread of
    its own, which is left behind when the time is over.
    """
    try:
        return _lookup(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass
    answer: queue.SimpleQueue[list[AddressInfo] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answer.put(_lookup(host, port, 0))
        except Exception as error:  # noqa: BLE001 - raised below, in the caller's thread
            answer.put(error)

    threading.Thread(target=look_up, name="polydriver-resolve", daemon=True).start()
    found: list[AddressInfo] | Exception | None = None
    while found is None:
        try:
            found = answer.get(timeout=_next_look(expires, is_stopped))
        except queue.Empty:
            continue
    if isinstance(found, UnicodeError):
        raise OSError("the host name is not valid") from found
    if isinstance(found, Exception):
        raise found
    return found


def dial(host: str, port: int, expires: float, is_stopped: Callable[[], bool] = never) -> socket.socket:
    """A TCP connection to the first address of `host` that answers; each gets an equal part of the time left.

    The socket's timeout is what then remains. Raises `OSError`, also soon after `is_stopped`, and `TimeoutError` at
    `expires`.
    """
    addresses = resolve(host, port, expires, is_stopped)
    failure: OSError = OSError("the host has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        left = remaining(expires)
        if not left:
            raise TimeoutError
        link = Link(family, kind, protocol)
        try:
            _connect(link, address, time.monotonic() + left / (len(addresses) - position), is_stopped)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.settimeout(remaining(expires) or 0.001)
        except OSError as error:
            link.close()
            failure = error
        except BaseException:
            link.close()
            raise
        else:
            return link
    raise failure


def _connect(link: socket.socket, address: Any, expires: float, is_stopped: Callable[[], bool]) -> None:
    """Connect, and look now and then whether that is still wanted."""
    link.settimeout(0.0)
    code = link.connect_ex(address)
    if code in _UNDER_WAY:
        while not _is_writable(link, _next_look(expires, is_stopped)):
            pass
        code = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _next_look(expires: float, is_stopped: Callable[[], bool]) -> float:
    """Seconds until the next look at `is_stopped`."""
    if is_stopped():
        raise ConnectionAbortedError("it was stopped")
    left = remaining(expires)
    if not left:
        raise TimeoutError
    return min(left, _LOOK_AGAIN)


def _is_writable(link: socket.socket, seconds: float) -> bool:
    """Wait until `link` is connected, or has failed to."""
    if not hasattr(select, "poll"):
        return any(select.select([], [link], [link], seconds))
    poll = select.poll()
    poll.register(link, select.POLLOUT)
    return bool(poll.poll(seconds * 1000.0))


class Link(socket.socket):
    """A socket that closes itself without a warning when it is dropped.

    Dropping a stream closes its connection. In a circle of garbage the socket may be collected before the object that
    would have closed it.
    """

    __slots__ = ()

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            self.close()


def look_at(link: socket.socket) -> Look:
    """A function that looks again and again whether an idle connection may still be used: see `Look`."""
    descriptor = link.fileno()
    if descriptor < 0:
        return lambda milliseconds: True
    if not hasattr(select, "poll"):
        return lambda milliseconds: select.select([descriptor], [], [], milliseconds / 1000.0)[0]
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return poll.poll


def shut_down(link: object) -> None:
    """End the connection without closing the socket or touching its TLS state: whoever waits for it wakes up."""
    while not isinstance(link, socket.socket):  # TLS inside TLS is an object around the socket
        link = getattr(link, "socket", None)
        if link is None:
            return
    with contextlib.suppress(OSError):
        socket.socket.shutdown(link, socket.SHUT_RDWR)


def _lookup(host: str, port: int, flags: int) -> list[AddressInfo]:
    found: list[AddressInfo] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)  # type: ignore[assignment]
    return found
