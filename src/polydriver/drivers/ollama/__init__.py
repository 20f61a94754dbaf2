"""Ollama: models on one's own machine, or in Ollama's cloud."""

from __future__ import annotations

from .driver import AsyncOllamaProvider, OllamaDriver
from .pulling import PullProgress

__all__ = ["AsyncOllamaProvider", "OllamaDriver", "PullProgress"]
