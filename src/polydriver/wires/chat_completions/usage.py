"""Usage objects of Chat Completions."""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, as_int
from ...data.usage import TokenUsage

__all__ = ["parse_usage"]


_CACHED = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
"""Where services other than OpenAI say how much of the input came from a cache."""


def parse_usage(raw: dict[str, Any]) -> TokenUsage:
    """The usage object, with cached input inside the input and reasoning inside the output.

    Some services leave reasoning out of `completion_tokens`; their total gives them away.
    """
    inputs = as_dict(raw.get("prompt_tokens_details")) or as_dict(raw.get("input_tokens_details"))
    outputs = as_dict(raw.get("completion_tokens_details")) or as_dict(raw.get("output_tokens_details"))
    input_tokens, output = as_int(raw.get("prompt_tokens")), as_int(raw.get("completion_tokens"))
    total = as_int(raw.get("total_tokens"))
    reasoning = as_int(outputs.get("reasoning_tokens"))
    if reasoning is None:
        reasoning = as_int(raw.get("reasoning_tokens"))
    cached = as_int(inputs.get("cached_tokens"))
    if cached is None:
        cached = next((count for name in _CACHED if (count := as_int(raw.get(name))) is not None), None)
    if reasoning and output is not None and total == (input_tokens or 0) + output + reasoning:
        output += reasoning
    return TokenUsage(
        input_tokens=input_tokens,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_tokens=as_int(inputs.get("cache_write_tokens")),
        reasoning_tokens=reasoning,
        input_audio_tokens=as_int(inputs.get("audio_tokens")),
        output_audio_tokens=as_int(outputs.get("audio_tokens")),
        total_tokens=total,
        raw=raw,
    )
