"""One module for each command. Each holds a click command named `command`; heavier imports wait until it runs."""

from __future__ import annotations

__all__: list[str] = []
