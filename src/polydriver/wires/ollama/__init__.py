"""Ollama's own API. https://docs.ollama.com/api"""

from __future__ import annotations

from .wire import OllamaChat

__all__ = ["OllamaChat"]
