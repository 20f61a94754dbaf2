"""OpenAI: the reference driver."""

from __future__ import annotations

from .driver import OpenAIDriver

__all__ = ["OpenAIDriver"]
