"""`polydriver demo`: the real OpenAI driver over real HTTP, against a server on loopback whose replies are scripted."""

from __future__ import annotations

__all__: list[str] = []
