"""One logical call: its limits, what it belongs to, and how far it has come."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from ..data.http import Reply, Request

__all__ = ["Call", "Operation"]

T = TypeVar("T")


class Call(msgspec.Struct, kw_only=True):
    """One logical call, however many attempts it takes.

    Times are in seconds; `started` and `deadline` are readings of the port's monotonic clock. `id` is ours, the same
    for all attempts and in all events.
    """

    timeout: float
    idle_timeout: float
    deadline_seconds: float | None
    retry_attempts: int
    metadata: dict[str, Any] = {}
    conversation_id: str | None = None
    model: str | None = None
    id: str = msgspec.field(default_factory=lambda: f"call_{random.getrandbits(64):016x}")
    started: float = 0.0
    deadline: float | None = None
    attempts: int = 0


class Operation(msgspec.Struct, Generic[T], frozen=True):
    """An exchange beyond chat: how its request is built and its reply is read. Both are pure hooks of a driver."""

    name: str
    build: Callable[[], Request]
    parse: Callable[[Reply], T]
    model: str | None = None
