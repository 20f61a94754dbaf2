"""Name resolution and connecting for blocking callers, both ended by a deadline."""

from __future__ import annotations

import contextlib
import queue
import select
import socket
import threading

from .base import remaining

__all__ = ["Link", "Probe", "dial", "is_readable", "resolve", "shut_down"]

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]


def resolve(host: str, port: int, expires: float) -> list[AddressInfo]:
    """The addresses of `host`. Raises `OSError` when there is none, `TimeoutError` at `expires`.

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
    try:
        found = answer.get(timeout=remaining(expires))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, UnicodeError):
        raise OSError("the host name is not valid") from found
    if isinstance(found, Exception):
        raise found
    return found


def dial(host: str, port: int, expires: float) -> socket.socket:
    """A TCP connection to the first address of `host` that answers; each gets an equal part of the time left.

    The socket's timeout is what then remains. Raises `OSError`, and `TimeoutError` at `expires`.
    """
    addresses = resolve(host, port, expires)
    failure: OSError = OSError("the host has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        left = remaining(expires)
        if not left:
            raise TimeoutError
        link = Link(family, kind, protocol)
        try:
            link.settimeout(left / (len(addresses) - position))
            link.connect(address)
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


class Link(socket.socket):
    """A socket that closes itself without a warning when it is dropped.

    Dropping a stream closes its connection. In a circle of garbage the socket may be collected before the object that
    would have closed it.
    """

    __slots__ = ()

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            self.close()


class Probe:
    """Asks a socket again and again whether an idle connection may still be used."""

    __slots__ = ("_descriptor", "_poll")

    def __init__(self, link: socket.socket) -> None:
        self._descriptor = link.fileno()
        self._poll: select.poll | None = None
        if self._descriptor >= 0 and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(self._descriptor, select.POLLIN)

    def is_readable(self) -> bool:
        """Whether there are bytes to read, or the socket was closed: then the connection must not be used again."""
        if self._poll is not None:
            return bool(self._poll.poll(0))
        return self._descriptor < 0 or bool(select.select([self._descriptor], [], [], 0)[0])


def is_readable(link: socket.socket) -> bool:
    """Whether `link` has bytes to read, or was closed."""
    return Probe(link).is_readable()


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
