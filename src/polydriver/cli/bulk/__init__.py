"""What `polydriver batch` is made of: the lines that it reads, the journal that it writes, and the progress that it
shows."""

from __future__ import annotations

__all__: list[str] = []
