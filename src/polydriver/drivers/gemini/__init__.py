"""Gemini on Google AI Studio."""

from __future__ import annotations

from .driver import GeminiDriver

__all__ = ["GeminiDriver"]
