"""Usage of the Messages API, and what else its answers are billed by."""

from __future__ import annotations

from typing import Any

from ...data.billing import BillingFacts, make_facts
from ...data.json import as_dict, as_int, as_str
from ...data.messages import ProviderPart
from ...data.responses import AIResponse
from ...data.usage import TokenUsage

__all__ = ["parse_usage", "read_billing"]


def parse_usage(raw: dict[str, Any]) -> TokenUsage:
    """The usage object. The API's input leaves out what the cache gave or took; ours contains both."""
    fresh, read, written = (
        as_int(raw.get(name)) for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )
    lifetimes = as_dict(raw.get("cache_creation"))
    short, long = (as_int(lifetimes.get(f"ephemeral_{life}_input_tokens")) for life in ("5m", "1h"))
    if written is None and (short is not None or long is not None):
        written = (short or 0) + (long or 0)
    known = [count for count in (fresh, read, written) if count is not None]
    return TokenUsage(
        input_tokens=sum(known) if known else None,
        output_tokens=as_int(raw.get("output_tokens")),
        cached_input_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=long,
        reasoning_tokens=as_int(as_dict(raw.get("output_tokens_details")).get("thinking_tokens")),
        raw=raw,
    )


def read_billing(response: AIResponse, service_tier: str | None, region: str | None) -> BillingFacts | None:
    """Tier, speed, place and the uses of Anthropic's own tools, as the usage object tells them.

    Fetching pages is free. https://platform.claude.com/docs/en/about-claude/pricing (2026-11-26)
    """
    raw = response.usage.raw if response.usage is not None else None
    if not raw:
        return make_facts(service_tier, region)
    tier, place = as_str(raw.get("service_tier")) or service_tier, as_str(raw.get("inference_geo"))
    tools = as_dict(raw.get("server_tool_use"))
    executions = as_int(tools.get("code_execution_requests")) or sum(
        type(part) is ProviderPart and part.kind == "server_tool_use" and "code_execution" in str(part.data.get("name"))
        for part in response.parts
    )
    return make_facts(
        tier,
        region if place in (None, "not_available") else place,
        speed=as_str(raw.get("speed")),
        units={"web_searches": as_int(tools.get("web_search_requests")) or 0, "code_executions": executions},
    )
