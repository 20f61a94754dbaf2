"""Values only: messages, prompts, responses, usage and cost, models, and HTTP as plain records."""

from __future__ import annotations

__all__: list[str] = []
