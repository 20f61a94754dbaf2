"""Parsing what generateContent answers: candidates, parts, usage. Shared by whole replies and streams."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import msgspec

from ...data.arguments import LONGEST_SEED, make_call_id, make_seed, parse_arguments
from ...data.json import as_dict, as_int, as_list, as_str, excerpt
from ...data.messages import Audio, Document, Image, Part, ProviderPart, Reasoning, Text, ToolCall, Video
from ...data.prompt import Prompt
from ...data.responses import AIResponse, Choice, FinishReason
from .names import with_camel_names
from .options import ContentSettings
from .usage import parse_usage

__all__ = [
    "FINISH_REASONS",
    "REPLAYED_KINDS",
    "SOURCE_FIELDS",
    "add_sources",
    "block_reason",
    "explain",
    "finish_word",
    "map_finish",
    "parse_call",
    "parse_response",
    "read_part",
]

FINISH_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "MALFORMED_RESPONSE": "error",
}

REPLAYED_KINDS = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
"""Parts of Google's own tools, which go back as they came."""

SOURCE_FIELDS = ("groundingMetadata", "urlContextMetadata", "citationMetadata")
"""Fields of a candidate that say where the answer comes from."""

_CALLING = ("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS")
"""Words for calls that were not asked for: with calls, these are handed out like any others."""

_UNSPECIFIED = ("", "0", "FINISH_REASON_UNSPECIFIED", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED")
_PAYLOAD_FIELDS = ("candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId")
_MEDIA: dict[str, type[Image | Audio | Video | Document]] = {"image": Image, "audio": Audio, "video": Video}


def parse_response(wire: ContentSettings, payload: Any, prompt: Prompt) -> AIResponse:
    """The response in a decoded reply.

    Raises a mapped error for an error object, `InvalidResponseError` for another shape. A blocked prompt
    has no candidates: that is an empty answer with the finish reason content_filter.
    """
    if isinstance(payload, list) or (isinstance(payload, dict) and payload.get("error")):
        raise wire.map_payload(payload)
    if not isinstance(payload, dict):
        raise wire.invalid_response("it is not a JSON object", excerpt(payload))
    raw, payload = payload, with_camel_names(payload)
    candidates = payload.get("candidates")
    if not any(name in payload for name in _PAYLOAD_FIELDS) or not isinstance(candidates, list | None):
        raise wire.invalid_response("it has no candidates", repr(raw)[:500].encode())
    identity = as_str(payload.get("responseId"))
    seed = (identity or make_seed(raw))[:LONGEST_SEED]
    found = [c for c in as_list(candidates) if isinstance(c, dict)] or [{}]
    blocked = block_reason(payload.get("promptFeedback"))
    if not blocked and not any(candidate.get("content") or candidate.get("finishReason") for candidate in found):
        raise wire.invalid_response("it has neither candidates nor a reason why", repr(raw)[:500].encode())
    first, *others = [_parse_candidate(wire, candidate, i, seed) for i, candidate in enumerate(found)]
    if blocked:
        first.finish_reason, first.raw_finish_reason = "content_filter", first.raw_finish_reason or blocked
    usage = as_dict(payload.get("usageMetadata"))
    warning = explain(wire, first.finish_reason, _reason_text(found[0], payload.get("promptFeedback")))
    return AIResponse(
        parts=first.parts,
        finish_reason=first.finish_reason,
        raw_finish_reason=first.raw_finish_reason,
        logprobs=first.logprobs,
        usage=parse_usage(usage),
        model=as_str(payload.get("modelVersion")),
        id=identity,
        alternatives=others,
        warnings=[warning] if warning else [],
        raw=raw,
    )


def _parse_candidate(wire: ContentSettings, candidate: dict[str, Any], position: int, seed: str) -> Choice:
    index = as_int(candidate.get("index")) or position
    word = finish_word(candidate.get("finishReason"))
    raw_parts = [part for part in as_list(as_dict(candidate.get("content")).get("parts")) if isinstance(part, dict)]
    parts: list[Part] = []
    made = 0
    for place, raw in enumerate(raw_parts):
        cut = place == len(raw_parts) - 1 and map_finish(wire, word) == "length"
        part = read_part(wire, raw, f"{seed}#{index}" if index else seed, made, cut=cut)
        if part is not None:
            parts.append(part)
            made += type(part) is ToolCall
    return Choice(
        index=index,
        parts=add_sources(wire, parts, candidate)[0],
        finish_reason=map_finish(wire, word, {type(part) for part in parts}),
        raw_finish_reason=word,
        logprobs=candidate.get("logprobsResult"),
    )


def finish_word(raw: Any) -> str | None:
    """The provider's word for the end, if it says one; enums may come as numbers (`enum-encoding=int`)."""
    word = str(raw) if type(raw) is int else as_str(raw)
    return None if word in _UNSPECIFIED else word


def map_finish(wire: ContentSettings, word: str | None, kinds: Set[type[Part]] = frozenset()) -> FinishReason | None:
    """Our word for the provider's. It says STOP for function calls, too: the types of the parts tell."""
    if word is None:
        return "tool_calls" if ToolCall in kinds else None
    name = wire.finish_numbers.get(word, word)
    found = FINISH_REASONS.get(name.upper(), "other")
    if (found in ("stop", "other") or name.upper() in _CALLING) and ToolCall in kinds:
        return "tool_calls"
    return found


def block_reason(feedback: Any) -> str | None:
    """Why the prompt was blocked, if it was."""
    return finish_word(as_dict(feedback).get("blockReason"))


def explain(wire: ContentSettings, finish: FinishReason | None, text: str | None) -> str | None:
    """A warning in the provider's words for an answer that did not end as it should have."""
    return f"{wire.name}: {text}" if text and finish in ("content_filter", "error", "other") else None


def _reason_text(candidate: dict[str, Any], feedback: Any) -> str | None:
    return as_str(candidate.get("finishMessage")) or as_str(as_dict(feedback).get("blockReasonMessage"))


def read_part(wire: ContentSettings, raw: dict[str, Any], seed: str, made: int, *, cut: bool = False) -> Part | None:
    """One part of the answer, or `None` when there is nothing in it.

    `made` is the number of function calls before it. `cut`: the answer ended here at the token limit. A thought
    signature stays with the part it came on; one that came on an empty part becomes a `Reasoning` without text.
    """
    signature = as_str(raw.get("thoughtSignature"))
    own: dict[str, dict[str, Any]] = {wire.origin: {"thoughtSignature": signature}} if signature else {}
    if isinstance(call := raw.get("functionCall"), dict):
        return parse_call(wire, call, signature, seed, made, cut=cut)
    for kind in REPLAYED_KINDS:
        if isinstance(raw.get(kind), dict):
            return ProviderPart(wire.origin, kind, raw)
    if media := _read_media(raw, own):
        return media
    text = raw.get("text")
    if isinstance(text, str) and text:
        return Reasoning(text, own) if raw.get("thought") is True else Text(text, provider_data=own)
    if signature:
        return Reasoning("", {wire.origin: {"thoughtSignature": signature, "thought": raw.get("thought") is True}})
    known = {"text", "thought", "thoughtSignature", "functionCall", "inlineData", "fileData", *REPLAYED_KINDS}
    unknown = next((name for name, value in raw.items() if name not in known and isinstance(value, dict)), None)
    return ProviderPart(wire.origin, unknown, raw) if unknown else None


def parse_call(
    wire: ContentSettings, call: dict[str, Any], signature: str | None, seed: str, made: int, *, cut: bool = False
) -> ToolCall | None:
    """A function call; `None` for an empty one. One without an id gets a stable one; the API's own goes back."""
    name, given = as_str(call.get("name")), as_str(call.get("id"))
    if name is None and given is None and not call.get("args"):
        return None
    arguments, text = parse_arguments(call.get("args"), cut=cut)
    own = {"id": given} if given else {}
    if signature:
        own["thoughtSignature"] = signature
    return ToolCall(given or make_call_id(seed, made), name or "", arguments, text, {wire.origin: own} if own else {})


def _read_media(raw: dict[str, Any], own: dict[str, dict[str, Any]]) -> Part | None:
    """An image, sound, video or document that the model made: its bytes, or where they are."""
    blob, file = as_dict(raw.get("inlineData")), as_dict(raw.get("fileData"))
    media_type = as_str(blob.get("mimeType")) or as_str(file.get("mimeType"))
    kind = _MEDIA.get((media_type or "").partition("/")[0], Document)
    if data := as_str(blob.get("data")):
        try:
            return kind.from_base64(_standard(data), media_type or "application/octet-stream", provider_data=own)
        except ValueError:
            return None
    if uri := as_str(file.get("fileUri")):
        return kind(url=uri, media_type=media_type, provider_data=own)
    return None


def _standard(data: str) -> str:
    """Base64 in the standard's alphabet with its padding: protocol buffers' JSON may have it URL-safe and without."""
    data = data.replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4)


def add_sources(wire: ContentSettings, parts: list[Part], candidate: dict[str, Any]) -> tuple[list[Part], list[Part]]:
    """The parts with where they come from: chunks and citations on the last text, and the records themselves as parts.

    Returns all parts, and those of them that are new.
    """
    found = {name: value for name in SOURCE_FIELDS if isinstance(value := candidate.get(name), dict) and value}
    if not found:
        return parts, []
    chunks = as_list(found.get("groundingMetadata", {}).get("groundingChunks"))
    cited = found.get("citationMetadata", {})
    citations = [*chunks, *as_list(cited.get("citationSources")), *as_list(cited.get("citations"))]
    citations = [citation for citation in citations if isinstance(citation, dict)]
    last = max((place for place, part in enumerate(parts) if type(part) is Text), default=None)
    parts = list(parts)
    if citations and last is not None:
        parts[last] = msgspec.structs.replace(parts[last], citations=citations)
    records: list[Part] = [ProviderPart(wire.origin, name, value) for name, value in found.items()]
    return parts + records, records
