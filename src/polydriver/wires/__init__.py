"""How each family of APIs is spoken: requests rendered, replies and streams parsed. Pure: no I/O, no clock."""

from __future__ import annotations

__all__: list[str] = []
