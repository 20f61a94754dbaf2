"""What all the replies say."""

from __future__ import annotations

from typing import Any

__all__ = ["INPUT", "OUTPUT", "TEXT", "Event"]

Event = dict[str, Any]

TEXT = (
    "A driver turns one program's values into the bytes that another service understands, and back again. "
    "Keeping that part free of sockets and clocks makes it easy to test, and easy to trust.\n\n"
    "Everything that waits lives somewhere else: one path sends a request, reads the reply piece by piece, tries "
    "again when that helps, and says what it cost. It knows no service by name, so it has to be right only once."
)
INPUT, OUTPUT = 9, 48
"""The tokens of the prompt and of the whole answer."""
