"""Cohere's Chat API, version 2. https://docs.cohere.com/reference/chat"""

from __future__ import annotations

from .wire import CohereChat

__all__ = ["CohereChat"]
