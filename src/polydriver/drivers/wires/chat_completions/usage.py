"""Usage objects of Chat Completions."""

from __future__ import annotations

from typing import Any

from ....data.json import as_dict, as_int
from ....data.usage import TokenUsage

__all__ = ["parse_usage"]


def parse_usage(raw: dict[str, Any]) -> TokenUsage:
    """The usage object, with cached input inside the input and reasoning inside the output.

    Some services leave reasoning out of `completion_tokens`; their total gives them away.
    """
    inputs = as_dict(raw.get("prompt_tokens_details")) or as_dict(raw.get("input_tokens_details"))
    outputs = as_dict(raw.get("completion_tokens_details")) or as_dict(raw.get("output_tokens_details"))
    input_tokens, output, total = (
        as_int(raw.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    reasoning = _first_count((outputs, "reasoning_tokens"), (raw, "reasoning_tokens"))
    if reasoning and output is not None and total == (input_tokens or 0) + output + reasoning:
        output += reasoning
    return TokenUsage(
        input_tokens=input_tokens,
        output_tokens=output,
        cached_input_tokens=_first_count(
            (inputs, "cached_tokens"),
            (raw, "prompt_cache_hit_tokens"),
            (raw, "num_cached_tokens"),
            (raw, "cached_tokens"),
        ),
        cache_write_tokens=as_int(inputs.get("cache_write_tokens")),
        reasoning_tokens=reasoning,
        input_audio_tokens=as_int(inputs.get("audio_tokens")),
        output_audio_tokens=as_int(outputs.get("audio_tokens")),
        total_tokens=total,
        raw=raw,
    )


def _first_count(*places: tuple[dict[str, Any], str]) -> int | None:
    """The first of these fields that holds a count: services keep the same number under different names."""
    for holder, name in places:
        if (count := as_int(holder.get(name))) is not None:
            return count
    return None
