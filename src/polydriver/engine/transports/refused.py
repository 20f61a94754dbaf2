"""Replies without success: their status and headers are the answer, whatever becomes of their bodies.

A body that breaks off, cannot be decoded, or does not end says nothing; a 401 with such a body is about the key all the
same, and a 429 may be tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

import msgspec

from ...data.http import Reply, Timeouts, request_id_in
from ...errors import ProviderError

__all__ = ["REFUSED_BODY_BYTES", "REFUSED_BODY_SECONDS", "body_limits", "cut_reply", "is_refused", "with_head"]

E = TypeVar("E", bound=ProviderError)

REFUSED_BODY_SECONDS = 10.0
"""For how long the body of a reply without success is waited for."""

REFUSED_BODY_BYTES = 256 * 1024
"""How much of it is read."""


class Head(Protocol):
    """A reply whose head is in."""

    status: int
    redialed: bool

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case names."""


def is_refused(status: int) -> bool:
    """Whether a reply has no success."""
    return not 200 <= status < 300


def body_limits(status: int, timeouts: Timeouts, now: float) -> Timeouts:
    """The limits of the body of a whole reply, whose head is in at `now`."""
    if not is_refused(status):
        return timeouts
    ends = now + REFUSED_BODY_SECONDS
    return msgspec.structs.replace(
        timeouts,
        expires=min(timeouts.expires, ends),
        deadline=min(timeouts.deadline, ends),
        max_bytes=min(timeouts.max_bytes, REFUSED_BODY_BYTES),
    )


def with_head(error: E, head: Head) -> E:
    """The error of a reply that began as a success, with what its head says."""
    error.status, error.request_id = head.status, request_id_in(head.headers)
    if head.redialed:
        error.details["redialed"] = True
    return error


def cut_reply(head: Head, body: bytes, error: ProviderError, timeouts: Timeouts) -> Reply:
    """The reply with what came of its body, where `error` ended that.

    Raises the error, with what the head says, where the reply was to be a success, and where the call was stopped.
    """
    if not is_refused(head.status) or (timeouts.stop is not None and timeouts.stop.is_set):
        raise with_head(error, head)
    return Reply(status=head.status, headers=head.headers, body=body, redialed=head.redialed)
