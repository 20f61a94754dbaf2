"""Usage of the Messages API, and what else its answers are billed by."""

from __future__ import annotations

from typing import Any

from ...data.billing import BillingFacts, make_facts
from ...data.json import as_int
from ...data.messages import Part, ProviderPart
from ...data.responses import AIResponse
from ...data.usage import TokenUsage, as_counts

__all__ = ["parse_usage", "read_billing"]

_NONE: dict[str, Any] = {}


def parse_usage(raw: dict[str, Any]) -> TokenUsage:
    """The usage object. The API's input leaves out what the cache gave or took; ours contains both."""
    get = raw.get
    lifetimes, details = get("cache_creation"), get("output_tokens_details")
    lifetimes = lifetimes if isinstance(lifetimes, dict) else _NONE
    fresh, read, written, short, long, output, thought = as_counts(
        get("input_tokens"),
        get("cache_read_input_tokens"),
        get("cache_creation_input_tokens"),
        lifetimes.get("ephemeral_5m_input_tokens"),
        lifetimes.get("ephemeral_1h_input_tokens"),
        get("output_tokens"),
        details.get("thinking_tokens") if isinstance(details, dict) else None,
    )
    if written is None and (short is not None or long is not None):
        written = (short or 0) + (long or 0)
    known = [count for count in (fresh, read, written) if count is not None]
    return TokenUsage(
        input_tokens=sum(known) if known else None,
        output_tokens=output,
        cached_input_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=long,
        reasoning_tokens=thought,
        raw=raw,
    )


def read_billing(response: AIResponse, service_tier: str | None, region: str | None) -> BillingFacts | None:
    """Tier, speed, place and the uses of Anthropic's own tools, as the usage object tells them.

    Fetching pages is free. https://platform.claude.com/docs/en/about-claude/pricing (2026-11-26)
    """
    raw = response.usage.raw if response.usage is not None else None
    if not raw:
        return make_facts(service_tier, region)
    told = map(raw.get, ("service_tier", "inference_geo", "speed"))
    tier, place, speed = [word if isinstance(word, str) and word else None for word in told]
    tools = raw.get("server_tool_use")
    searches, executions = (0, 0) if not isinstance(tools, dict) else _tool_uses(tools)
    if not executions and ProviderPart in map(type, response.parts):
        executions = sum(map(_is_execution, response.parts))
    return make_facts(
        tier or service_tier,
        region if place in (None, "not_available") else place,
        speed=speed,
        units={"web_searches": searches, "code_executions": executions} if searches or executions else None,
    )


def _tool_uses(tools: dict[str, Any]) -> tuple[int, int]:
    """The web searches and the runs of code."""
    return as_int(tools.get("web_search_requests")) or 0, as_int(tools.get("code_execution_requests")) or 0


def _is_execution(part: Part) -> bool:
    if type(part) is not ProviderPart or part.kind != "server_tool_use":
        return False
    return "code_execution" in str(part.data.get("name"))
