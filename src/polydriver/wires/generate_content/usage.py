"""Usage of generateContent, and what else its answers are billed by."""

from __future__ import annotations

import re
from typing import Any

from ...data.billing import BillingFacts, make_facts
from ...data.json import as_dict, as_int, as_list, as_str
from ...data.messages import ProviderPart
from ...data.responses import AIResponse
from ...data.usage import TokenUsage

__all__ = ["parse_usage", "read_billing"]


_AUDIO_MODALITY = 4


def parse_usage(raw: dict[str, Any]) -> TokenUsage | None:
    """The usage object; `None` when it counts nothing.

    `candidatesTokenCount` excludes thoughts, and what Google's own tools read is counted apart from the prompt.
    """
    prompt, tools = as_int(raw.get("promptTokenCount")), as_int(raw.get("toolUsePromptTokenCount"))
    answer, thoughts = as_int(raw.get("candidatesTokenCount")), as_int(raw.get("thoughtsTokenCount"))
    total, cached = as_int(raw.get("totalTokenCount")), as_int(raw.get("cachedContentTokenCount"))
    if prompt is tools is answer is thoughts is total is cached is None:
        return None
    return TokenUsage(
        input_tokens=_sum(prompt, tools),
        output_tokens=_sum(answer, thoughts),
        cached_input_tokens=cached,
        reasoning_tokens=thoughts,
        input_audio_tokens=_sum(_audio(raw, "promptTokensDetails"), _audio(raw, "toolUsePromptTokensDetails")),
        output_audio_tokens=_audio(raw, "candidatesTokensDetails"),
        total_tokens=total,
        raw=raw,
    )


def _sum(first: int | None, second: int | None) -> int | None:
    return second if first is None else first + (second or 0)


def _audio(raw: dict[str, Any], name: str) -> int | None:
    for item in as_list(raw.get(name)):
        if as_dict(item).get("modality") in ("AUDIO", _AUDIO_MODALITY):
            return as_int(item.get("tokenCount"))
    return None


_GENERATION = re.compile(r"gemini-(\d+)")
_TRAFFIC = {
    "1": "standard",
    "ON_DEMAND": "standard",
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
    "2": "provisioned",
    "PROVISIONED_THROUGHPUT": "provisioned",
}
"""Vertex AI's words for the tier that served, as they are or as numbers."""


def read_billing(response: AIResponse, service_tier: str | None, region: str | None) -> BillingFacts | None:
    """The tier, and the searches that the answer is grounded on. Until Gemini 2.5 a grounded prompt is billed once,
    from Gemini 3 on each query is.

    https://ai.google.dev/gemini-api/docs/google-search and https://ai.google.dev/gemini-api/docs/pricing (2026-11-26)
    """
    raw = response.usage.raw if response.usage is not None else None
    if raw:
        traffic = raw.get("trafficType")
        service_tier = as_str(raw.get("serviceTier")) or _TRAFFIC.get(str(traffic)) or as_str(traffic) or service_tier
    queries, maps = 0, False
    for part in response.parts:
        if type(part) is ProviderPart and part.kind == "groundingMetadata":
            queries += len(as_list(part.data.get("webSearchQueries")))
            maps = maps or any(as_dict(chunk).get("maps") for chunk in as_list(part.data.get("groundingChunks")))
    if queries:
        found = _GENERATION.search(response.model or response.requested_model or "")
        if found is not None and int(found[1]) < 3:
            queries = 1
    tier = service_tier.lower() if service_tier else None
    uncounted = ("searches of maps",) if maps else ()
    return make_facts(tier, region, units={"web_searches": queries}, uncounted=uncounted)
