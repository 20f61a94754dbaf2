"""Usage objects of Chat Completions."""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, as_int
from ...data.messages import ProviderPart
from ...data.responses import AIResponse
from ...data.usage import TokenUsage, as_counts

__all__ = ["count_searches", "parse_usage"]


_CACHED = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
"""Where services other than OpenAI say how much of the input came from a cache."""

_NONE: dict[str, Any] = {}


def parse_usage(raw: dict[str, Any]) -> TokenUsage:
    """The usage object, with cached input inside the input and reasoning inside the output.

    Some services leave reasoning out of `completion_tokens`; their total gives them away.
    """
    get = raw.get
    inputs = get("prompt_tokens_details") or get("input_tokens_details")
    outputs = get("completion_tokens_details") or get("output_tokens_details")
    inputs = inputs if type(inputs) is dict else _NONE
    outputs = outputs if type(outputs) is dict else _NONE
    input_tokens, output, total, reasoning, cached, written, heard, spoken = as_counts(
        get("prompt_tokens"),
        get("completion_tokens"),
        get("total_tokens"),
        outputs.get("reasoning_tokens"),
        inputs.get("cached_tokens"),
        inputs.get("cache_write_tokens"),
        inputs.get("audio_tokens"),
        outputs.get("audio_tokens"),
    )
    if reasoning is None and "reasoning_tokens" in raw:
        reasoning = as_int(raw["reasoning_tokens"])
    if cached is None and not raw.keys().isdisjoint(_CACHED):
        cached = next((count for name in _CACHED if (count := as_int(get(name))) is not None), None)
    if reasoning and output is not None and total == (input_tokens or 0) + output + reasoning:
        output += reasoning
    return TokenUsage(
        input_tokens=input_tokens,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        input_audio_tokens=heard,
        output_audio_tokens=spoken,
        total_tokens=total,
        raw=raw,
    )


_SEARCHING_MODELS = ("-search-preview", "-search-api")
_GROQ_TOOLS = "executed_tools"


def count_searches(response: AIResponse) -> int:
    """The searches that the service made itself: counted in its usage object, or as calls of its tools.

    OpenAI's search models search once for every call.
    https://developers.openai.com/api/docs/guides/tools-web-search (2026-11-26)
    """
    searches = 0
    raw = response.usage.raw if response.usage is not None else None
    if raw and ("server_tool_use" in raw or "server_tool_use_details" in raw):
        tools = as_dict(raw.get("server_tool_use")) or as_dict(raw.get("server_tool_use_details"))
        searches = as_int(tools.get("web_search_requests")) or 0
    for part in response.parts:
        if type(part) is ProviderPart and part.kind == _GROQ_TOOLS:
            searches += part.data.get("type") in ("search", "web_search")
    model = response.model
    if model and not searches and "-search" in model and any(name in model for name in _SEARCHING_MODELS):
        return 1
    return searches
