"""Ids that sort by the time at which they were made: UUIDs of version 7 (RFC 9562, section 5.7), as 32 hex digits."""

from __future__ import annotations

import threading
import time
from random import Random

from ..forking import in_child, own_lock

__all__ = ["id_at", "id_time", "new_id"]


class _Ids:
    """Ids of one process: each is greater than the one before, also within a millisecond and when the clock goes back.

    12 bits count within the millisecond; the last 62 are random: no secret, and nobody else's sequence.
    """

    _lock: threading.Lock

    def __init__(self) -> None:
        self._last = 0
        self._random = Random()
        own_lock(self)
        in_child(self, _Ids._seed)

    def _seed(self) -> None:
        """In a forked child, which would go on as its parent does."""
        self._random = Random()

    def make(self, milliseconds: int) -> str:
        with self._lock:
            stamp = self._last = max(milliseconds << 12, self._last + 1)
        random = self._random.getrandbits(62)
        value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random
        return f"{value:032x}"


_ids = _Ids()


def new_id() -> str:
    """A new id: 32 hex digits that sort by the time at which they were made."""
    return _ids.make(time.time_ns() // 1_000_000)


def id_at(seconds: float) -> str:
    """The least id that could be made at a time, in seconds since the epoch."""
    return f"{max(0, int(seconds * 1000)) << 80:032x}"


def id_time(id: str) -> float:
    """When an id was made, in seconds since the epoch."""
    return int(id[:12], 16) / 1000
