"""Usage of Converse, and what else its answers are billed by."""

from __future__ import annotations

from typing import Any

from ...data.billing import BillingFacts, make_facts
from ...data.json import as_dict, as_int, as_list, as_str
from ...data.messages import ProviderPart
from ...data.responses import AIResponse
from ...data.usage import TokenUsage

__all__ = ["parse_usage", "read_billing"]


def parse_usage(raw: dict[str, Any]) -> TokenUsage:
    """The usage object. The API's input leaves out what the cache was read and written for; ours contains both."""
    fresh, output, total = (as_int(raw.get(name)) for name in ("inputTokens", "outputTokens", "totalTokens"))
    read, written = (
        found if (found := as_int(raw.get(f"{name}Tokens"))) is not None else as_int(raw.get(f"{name}TokenCount"))
        for name in ("cacheReadInput", "cacheWriteInput")
    )
    lifetimes = [as_dict(item) for item in as_list(raw.get("cacheDetails"))]
    long = [as_int(item.get("inputTokens")) or 0 for item in lifetimes if item.get("ttl") == "1h"]
    known = [count for count in (fresh, read, written) if count is not None]
    return TokenUsage(
        input_tokens=sum(known) if known else None,
        output_tokens=output,
        cached_input_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=sum(long) if long else None,
        total_tokens=total,
        raw=raw,
    )


def read_billing(response: AIResponse, service_tier: str | None, region: str | None) -> BillingFacts | None:
    """The tier, which stands beside the usage. Searches of Nova's own tool are billed, but not counted."""
    tier = as_str(as_dict(as_dict(response.raw).get("serviceTier")).get("type")) or service_tier
    grounded = any(
        type(part) is ProviderPart and as_dict(part.data.get("toolUse")).get("name") == "nova_grounding"
        for part in response.parts
    )
    return make_facts(tier, region, uncounted=("searches",) if grounded else ())
