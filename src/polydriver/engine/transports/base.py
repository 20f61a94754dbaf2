"""What the pipeline asks of an HTTP client, and the failures that one may report.

A transport knows nothing of providers, retries or credentials. It sends a `Request`, gives back a `Reply` or
an open body, and raises only `APIConnectionError`, `APITimeoutError`, `InvalidResponseError` and, for a
request that cannot be put on the wire, `ConfigurationError`. `CancelledError` and `KeyboardInterrupt` pass,
after the connection is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal, Protocol, TypeGuard

from ...data.http import Reply, Request, Timeouts
from ...errors import APIConnectionError, APITimeoutError, InvalidResponseError

__all__ = [
    "AsyncBody",
    "AsyncTransport",
    "BlockingBody",
    "BlockingTransport",
    "Phase",
    "Stale",
    "broken",
    "closed_by_reader",
    "is_broken",
    "remaining",
    "timed_out",
    "too_large",
    "unreadable",
]

Phase = Literal["connect", "pool", "send", "headers", "read", "idle"]

_DOING: dict[str, str] = {
    "connect": "connecting",
    "pool": "waiting for a free connection",
    "send": "sending the request",
    "headers": "waiting for the answer",
    "read": "reading the answer",
    "idle": "waiting for the next part of a stream",
}


class Stale(Exception):
    """A kept connection that the server had closed: not one byte of an answer came. The request goes out again, once,
    on a new connection; what a server may have done with the first is as unknown as after any reset.
    """

    def __init__(self, error: APIConnectionError) -> None:
        super().__init__(str(error))
        self.error = error


class BlockingBody(Protocol):
    """The body of a reply whose headers are in.

    `expires` is a reading of `time.monotonic()`; the reader moves it, and `read` ends by then with
    `APITimeoutError`. It may have `redialed`, as `Reply` has.
    """

    status: int
    headers: Mapping[str, str]
    expires: float

    def read(self) -> bytes:
        """The next bytes as they come, decoded, at most 64 KiB or what one receive holds; `b""` at the clean end.

        Raises `APITimeoutError` (phase "idle"), `APIConnectionError` for a body that is cut short, and
        `InvalidResponseError` for one that cannot be decoded.
        """
        ...

    def close(self) -> None:
        """Give the connection back when the body is read to its end, else close it. Never blocks, never raises."""
        ...


class BlockingTransport(Protocol):
    """An HTTP client for callers that block. Safe to share between threads, and after a fork."""

    def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """Send `request` and read the whole reply, all of it within `timeouts`."""
        ...

    def open(self, request: Request, timeouts: Timeouts) -> BlockingBody:
        """Send `request` and return as soon as the headers of the reply are in."""
        ...

    def close(self) -> None:
        """Close all idle connections. Requests after that open new ones."""
        ...


class AsyncBody(Protocol):
    """As `BlockingBody`, for async callers."""

    status: int
    headers: Mapping[str, str]
    expires: float

    async def read(self) -> bytes:
        """As `BlockingBody.read`."""
        ...

    def close(self) -> None:
        """As `BlockingBody.close`; safe after a cancellation, from `__del__`, and when the event loop is closed."""
        ...

    async def aclose(self) -> None:
        """As `close`."""
        ...


class AsyncTransport(Protocol):
    """An HTTP client for async callers. It serves several event loops, one after another or side by side."""

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """As `BlockingTransport.send`."""
        ...

    async def open(self, request: Request, timeouts: Timeouts) -> AsyncBody:
        """As `BlockingTransport.open`."""
        ...

    def close(self) -> None:
        """Have all connections closed by the event loops they belong to, without waiting for it."""
        ...

    async def aclose(self) -> None:
        """Close all connections of the running event loop, and wait until that is done. A stream in use breaks."""
        ...


def remaining(expires: float) -> float:
    """Seconds until `expires`, never below 0."""
    left = expires - time.monotonic()
    return left if left > 0.0 else 0.0


def timed_out(phase: Phase, host: str) -> APITimeoutError:
    """The error for a wait that took too long; `details["phase"]` says which."""
    return APITimeoutError(f"No answer in time while {_DOING[phase]}", details={"phase": phase, "host": host})


def broken(phase: Phase, host: str, reason: str) -> APIConnectionError:
    """The error for a connection that could not be made or did not hold. `reason` must not hold a secret."""
    details = {"phase": phase, "host": host, "reason": reason}
    return APIConnectionError(f"The connection failed while {_DOING[phase]}: {reason}", details=details)


def closed_by_reader(host: str) -> APIConnectionError:
    """The error for a wait, or a read, of what the reader has closed, maybe in another thread."""
    return broken("read", host, "closed by the reader")


def is_broken(error: BaseException) -> TypeGuard[APIConnectionError]:
    """Whether an error says that the connection broke, and not that time ran out."""
    return isinstance(error, APIConnectionError) and not isinstance(error, APITimeoutError)


def too_large() -> InvalidResponseError:
    """The error for content with more than `max_bytes`."""
    return unreadable("it is larger than the limit")


def unreadable(reason: str) -> InvalidResponseError:
    """The error for bytes that are not a valid reply. `reason` must not quote them."""
    return InvalidResponseError(f"The reply cannot be read: {reason}", details={"reason": reason})
