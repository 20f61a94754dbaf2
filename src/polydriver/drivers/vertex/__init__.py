"""Vertex AI: Gemini and Claude on Google Cloud."""

from __future__ import annotations

from .driver import VertexAIDriver

__all__ = ["VertexAIDriver"]
