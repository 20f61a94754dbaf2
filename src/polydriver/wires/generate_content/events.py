"""Events of a stream of generateContent, decoded into what is read of them."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.json import as_dict, as_list

__all__ = ["Candidate", "Chunk", "convert_candidate", "decode_chunk"]


class _Content(msgspec.Struct):
    parts: list[dict[str, Any]] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """One candidate of an event; all but its parts may be of any type."""

    content: _Content | None = None
    index: Any = 0
    finish_reason: Any = None
    finish_message: Any = None
    logprobs_result: Any = None
    grounding_metadata: Any = None
    url_context_metadata: Any = None
    citation_metadata: Any = None


class Chunk(msgspec.Struct, rename="camel"):
    """One event."""

    candidates: list[Candidate] | None = None
    usage_metadata: msgspec.Raw = msgspec.Raw(b"null")
    model_version: Any = None
    response_id: Any = None
    prompt_feedback: Any = None
    error: Any = None


decode_chunk = msgspec.json.Decoder(Chunk).decode
"""Reads one event. Raises `msgspec.DecodeError` for one of another shape."""


def convert_candidate(raw: dict[str, Any]) -> Candidate:
    """A candidate that was decoded already, or that does not have the usual shape."""
    parts = [part for part in as_list(as_dict(raw.get("content")).get("parts")) if isinstance(part, dict)]
    return Candidate(
        content=_Content(parts=parts),
        index=raw.get("index"),
        finish_reason=raw.get("finishReason"),
        finish_message=raw.get("finishMessage"),
        logprobs_result=raw.get("logprobsResult"),
        grounding_metadata=raw.get("groundingMetadata"),
        url_context_metadata=raw.get("urlContextMetadata"),
        citation_metadata=raw.get("citationMetadata"),
    )
