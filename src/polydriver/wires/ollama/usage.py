"""Usage of Ollama's chat API."""

from __future__ import annotations

from typing import Any

from ...data.json import as_int
from ...data.usage import TokenUsage

__all__ = ["parse_usage"]

_NUMBERS = (
    "prompt_eval_count",
    "eval_count",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)


def parse_usage(payload: dict[str, Any]) -> TokenUsage | None:
    """The counts of an answer; `raw` has the durations (nanoseconds) too. Input that was cached whole is not counted
    by old versions, and then unknown."""
    counts = as_int(payload.get("prompt_eval_count")), as_int(payload.get("eval_count"))
    if counts == (None, None):
        return None
    raw = {name: payload[name] for name in _NUMBERS if name in payload}
    return TokenUsage(input_tokens=counts[0], output_tokens=counts[1], raw=raw)
