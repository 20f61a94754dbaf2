"""Writing the package of a new driver."""

from __future__ import annotations

from .package import WIRES, write_package

__all__ = ["WIRES", "write_package"]
