"""What is known of circuits."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

__all__ = ["CircuitReport", "CircuitState"]

CircuitState: TypeAlias = Literal["closed", "open", "half_open"]


class CircuitReport(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the circuit of a connection and model, with the calls and failures that it counts.

    `retry_after`: seconds until a call may be let in, `None` while it is closed.
    """

    connection: str
    model: str | None
    state: CircuitState
    calls: int
    failures: int
    retry_after: float | None = None
