"""Usage of the Responses API, and what else its answers are billed by."""

from __future__ import annotations

from typing import Any

from ...data.billing import BillingFacts, make_facts
from ...data.json import as_dict, as_int, as_str
from ...data.messages import ProviderPart
from ...data.responses import AIResponse
from ...data.usage import TokenUsage

__all__ = ["parse_usage", "read_billing"]


def parse_usage(raw: dict[str, Any]) -> TokenUsage:
    """The usage object: input includes cached tokens, output includes reasoning."""
    inputs, outputs = as_dict(raw.get("input_tokens_details")), as_dict(raw.get("output_tokens_details"))
    return TokenUsage(
        input_tokens=as_int(raw.get("input_tokens")),
        output_tokens=as_int(raw.get("output_tokens")),
        cached_input_tokens=as_int(inputs.get("cached_tokens")),
        cache_write_tokens=as_int(inputs.get("cache_write_tokens")),
        reasoning_tokens=as_int(outputs.get("reasoning_tokens")),
        input_audio_tokens=as_int(inputs.get("audio_tokens")),
        output_audio_tokens=as_int(outputs.get("audio_tokens")),
        total_tokens=as_int(raw.get("total_tokens")),
        raw=raw,
    )


def read_billing(response: AIResponse, service_tier: str | None, region: str | None) -> BillingFacts | None:
    """The tier, the uses of OpenAI's own tools, and whether the answer is made in the background.

    A search is billed, opening a page that it found is not.
    https://developers.openai.com/api/docs/guides/tools-web-search (2026-11-26)
    """
    searches = files = 0
    containers: set[str] = set()
    pictures = False
    for part in response.parts:
        if type(part) is not ProviderPart:
            continue
        if part.kind == "web_search_call":
            action = as_str(as_dict(part.data.get("action")).get("type"))
            searches += action in (None, "search") and part.data.get("status") != "failed"
        elif part.kind == "file_search_call":
            files += 1
        elif part.kind == "code_interpreter_call":
            containers.add(as_str(part.data.get("container_id")) or "")
        elif part.kind == "image_generation_call":
            pictures = True
    units = {"web_searches": searches, "file_searches": files, "containers": len(containers)}
    uncounted = ("images",) if pictures else ()
    kept_as = response.id if as_dict(response.raw).get("background") is True else None
    return make_facts(service_tier, region, units=units, uncounted=uncounted, kept_as=kept_as)
