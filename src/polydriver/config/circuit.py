"""The settings of circuits: when a failing provider is left alone, and how calls are let in again."""

from __future__ import annotations

import msgspec

__all__ = ["CircuitConfig"]


class CircuitConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When the circuit of a connection and model opens, and for how long. Times are in seconds.

    - `failure_ratio`: it opens when such a share of the last `calls` failed, of at least `minimum_calls`; those that
      ended more than `window` ago don't count.
    - `slow_call`: calls that take longer count as failed, too; `None`: none does.
    - `open_time`: how long it is open before a probe is sent, twice as long after each probe that fails, up to
      `max_open_time`; by default the connection's `retry_delay` and `max_retry_delay`.
    - `probes`: how many calls are let in first when it is half open; each that succeeds lets in twice as many, and it
      is closed after `recovery` of them.
    """

    enabled: bool = True
    failure_ratio: float = 0.5
    minimum_calls: int = 10
    calls: int = 50
    window: float = 30.0
    slow_call: float | None = None
    open_time: float | None = None
    max_open_time: float | None = None
    probes: int = 1
    recovery: int = 5
