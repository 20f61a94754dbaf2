"""One module for each version. They only add, so that the version before still works on the newer tables."""

from __future__ import annotations

__all__: list[str] = []
