"""`polydriver chat`: reading what is typed, the commands that begin with a slash, and the loop around them."""

from __future__ import annotations

__all__: list[str] = []
