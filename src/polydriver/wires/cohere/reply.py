"""Parsing what Cohere answers: messages, citations, usage. Shared by whole replies and streams."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.arguments import LONGEST_SEED, make_call_id, parse_arguments
from ...data.json import as_dict, as_int, as_list, as_str, excerpt
from ...data.messages import Part, ProviderPart, Reasoning, Text, ToolCall
from ...data.responses import AIResponse, FinishReason
from .history import TOOL_PLAN
from .options import CohereSettings
from .usage import parse_usage

__all__ = ["FINISH_REASONS", "add_citations", "make_plan", "map_finish", "parse_response"]

FINISH_REASONS: dict[str, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_LIMIT": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
    "ERROR": "error",
    "TIMEOUT": "error",
}

_CITED: dict[str, type[Part]] = {"PLAN": ProviderPart, "THINKING_CONTENT": Reasoning}


def map_finish(raw: str | None) -> FinishReason | None:
    """Our word for Cohere's; unknown ones are "other", none stays none."""
    return FINISH_REASONS.get(raw, "other") if raw else None


def parse_response(wire: CohereSettings, payload: dict[str, Any]) -> AIResponse:
    """The response in a decoded reply. Raises a mapped error for an answer that says why it failed,
    `InvalidResponseError` without a message."""
    message = payload.get("message")
    if payload.get("error") or (as_str(message) and "finish_reason" not in payload):
        raise wire.map_payload(payload)
    if not isinstance(message, dict):
        raise wire.invalid_response("it has no message", excerpt(payload))
    raw = as_str(payload.get("finish_reason"))
    identity = as_str(payload.get("id"))
    logprobs = as_list(payload.get("logprobs"))
    return AIResponse(
        parts=_read_message(wire, message, identity or "", cut=map_finish(raw) == "length"),
        finish_reason=map_finish(raw),
        raw_finish_reason=raw,
        logprobs={"content": logprobs} if logprobs else None,
        usage=parse_usage(payload.get("usage")),
        id=identity,
        raw=payload,
    )


def _read_message(wire: CohereSettings, message: dict[str, Any], seed: str, *, cut: bool) -> list[Part]:
    parts: list[Part] = []
    content = message.get("content")
    for item in [content] if isinstance(content, str) else as_list(content):
        entry = {"text": item} if isinstance(item, str) else as_dict(item)
        if thinking := as_str(entry.get("thinking")):
            parts.append(Reasoning(thinking, {wire.origin: {}}))
        if text := as_str(entry.get("text")):
            parts.append(Text(text))
    if plan := as_str(message.get("tool_plan")):
        parts.append(make_plan(wire, plan))
    parts += _read_calls(message.get("tool_calls"), seed, cut=cut)
    return add_citations(wire, parts, as_list(message.get("citations")))


def make_plan(wire: CohereSettings, text: str) -> ProviderPart:
    """The model's plan ahead of its tool calls, as a part."""
    return ProviderPart(wire.origin, TOOL_PLAN, {"text": text})


def _read_calls(raw_calls: Any, seed: str, *, cut: bool) -> list[ToolCall]:
    calls = []
    entries = [raw for raw in as_list(raw_calls) if isinstance(raw, dict)]
    for position, raw in enumerate(entries):
        function = as_dict(raw.get("function"))
        last = position == len(entries) - 1
        arguments, text = parse_arguments(function.get("arguments"), cut=cut and last)
        call_id = as_str(raw.get("id")) or make_call_id(seed[:LONGEST_SEED], position)
        calls.append(ToolCall(call_id, as_str(function.get("name")) or "", arguments, text))
    return calls


_MOST_TEXTS = 100
"""In how many parts the words of a citation are looked for."""


def add_citations(wire: CohereSettings, parts: list[Part], citations: list[Any]) -> list[Part]:
    """The parts with the citations that are about them: those of the text in `Text.citations`, those of the plan and
    the thinking with their data."""
    parts = list(parts)
    places: dict[type[Part], list[int]] = {}
    for place, part in enumerate(parts):
        if len(known := places.setdefault(type(part), [])) < _MOST_TEXTS:
            known.append(place)
    found: dict[int, list[dict[str, Any]]] = {}
    for citation in citations:
        if not isinstance(citation, dict):
            continue
        kind = _CITED.get(as_str(citation.get("type")) or "", Text)
        if at := places.get(kind):
            place = next((place for place in at if _is_in(parts[place], citation)), at[0])
            found.setdefault(place, []).append(citation)
    for place, cited in found.items():
        parts[place] = _cite(wire, parts[place], cited)
    return parts


def _is_in(part: Part, citation: dict[str, Any]) -> bool:
    """Whether the part has the cited words at their place: `content_index` counts empty parts too, so it can't tell."""
    start, end = as_int(citation.get("start")), as_int(citation.get("end"))
    if start is None or end is None or not isinstance(part, Text | Reasoning):
        return False
    words = citation.get("text")
    if not isinstance(words, str) or start < 0 or not part.text.startswith(words, start):
        return False
    return len(words) == end - start or start + len(words) == len(part.text) < end


def _cite(wire: CohereSettings, part: Part, found: list[dict[str, Any]]) -> Part:
    if isinstance(part, Text):
        return msgspec.structs.replace(part, citations=[*part.citations, *found])
    if isinstance(part, ProviderPart):
        known = as_list(part.data.get("citations"))
        return msgspec.structs.replace(part, data={**part.data, "citations": [*known, *found]})
    if isinstance(part, Reasoning):
        known = as_list(part.provider_data.get(wire.origin, {}).get("citations"))
        return msgspec.structs.replace(part, provider_data={wire.origin: {"citations": [*known, *found]}})
    return part
