"""The contract: what the engine knows of a driver, and what drivers know of their wires.

A `Wire` says how a prompt is written and how its answer is read; a driver says where a service is, and holds the
credentials. A driver has wires as parts: they are bound to it when it is made. Everything here is pure: no I/O, no
clock.
"""

from __future__ import annotations

from .decoder import StreamDecoder
from .hooks import DriverHooks, OperationPart, Part, Trait, Wire
from .options import LEFT_OUT, RENDERED, OptionRule, Refused, option_rules

__all__ = [
    "LEFT_OUT",
    "RENDERED",
    "DriverHooks",
    "OperationPart",
    "OptionRule",
    "Part",
    "Refused",
    "StreamDecoder",
    "Trait",
    "Wire",
    "option_rules",
]
