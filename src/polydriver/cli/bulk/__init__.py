"""What `polydriver batch` is made of: the lines that it reads, the journal that it writes, and what it tells."""

from __future__ import annotations

__all__: list[str] = []
