"""Limits: how much may be used in a minute, in a day, and at once; taken in one step, settled by what was really used.

Pure: no clock, no waiting. `meters` counts one limit, `limiter` takes several at once and keeps the line of those who
wait, `policy` brings them to attempts.
"""

from __future__ import annotations

from .limiter import Limiter, LimitSet, Ticket
from .meters import Meter, Slots, Window

__all__ = ["LimitSet", "Limiter", "Meter", "Slots", "Ticket", "Window"]
