"""`AI` and `AsyncAI`: named connections, drivers added by name, and the way to conversations."""

from __future__ import annotations

from .ai import AI, AsyncAI, FakeAI, FakeAsyncAI
from .connections import Connections, Factory

__all__ = ["AI", "AsyncAI", "Connections", "Factory", "FakeAI", "FakeAsyncAI"]
