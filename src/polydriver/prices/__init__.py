"""Prices: the dated catalog of models, their rates, and the arithmetic of costs. Values only."""

from __future__ import annotations

__all__: list[str] = []
