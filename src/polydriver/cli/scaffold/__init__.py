"""Writing the package of a new driver."""

from __future__ import annotations

from .package import CHOICES, write_package

__all__ = ["CHOICES", "write_package"]
