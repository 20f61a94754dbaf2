"""Parsing what Converse answers: content blocks, stop reasons, usage. Shared by whole replies and streams."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Set
from typing import Any

from ...data.arguments import make_call_id, make_seed, parse_arguments
from ...data.json import as_dict, as_list, as_str, encode_json, excerpt
from ...data.messages import Image, Part, ProviderPart, Reasoning, Text, ToolCall
from ...data.prompt import Prompt
from ...data.responses import AIResponse, FinishReason
from .media import IMAGE_TYPES
from .options import ConverseSettings
from .tools import find_output_tool
from .usage import parse_usage

__all__ = ["FINISH_REASONS", "SERVER_CALL", "find_model", "map_finish", "parse_image", "parse_response"]

FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
"""Our words for the API's."""

SERVER_CALL = "server_tool_use"
"""The type of calls to tools that Bedrock runs itself."""


def map_finish(raw: str | None, kinds: Set[type[Part]]) -> FinishReason | None:
    """Our word for the provider's; unknown ones are "other", none stays none. `kinds`: the types of the parts.

    A turn that ended in the tool that stands in for structured output has no call left to run: it is a "stop".
    """
    if raw == "tool_use" and kinds and ToolCall not in kinds:
        return "stop"
    return FINISH_REASONS.get(raw, "other") if raw else None


def parse_response(wire: ConverseSettings, payload: dict[str, Any], prompt: Prompt) -> AIResponse:
    """The response in a decoded reply. Raises a mapped error for an error, `InvalidResponseError` without a message."""
    content = as_dict(as_dict(payload.get("output")).get("message")).get("content")
    if not isinstance(content, list):
        if any(payload.get(name) for name in ("message", "Message", "__type", "error")):
            raise wire.map_payload(payload)
        raise wire.invalid_response("it has no message with a list of content", excerpt(payload))
    raw = as_str(payload.get("stopReason"))
    cut = FINISH_REASONS.get(raw or "") == "length"
    output_tool = find_output_tool(wire, prompt)
    parts: list[Part] = []
    for index, block in enumerate(content):
        if isinstance(block, dict):
            last = index == len(content) - 1
            parts += _parse_block(wire, block, cut=cut and last, index=index, output_tool=output_tool)
    usage = payload.get("usage")
    return AIResponse(
        parts=parts,
        finish_reason=map_finish(raw, {type(part) for part in parts}),
        raw_finish_reason=raw,
        usage=parse_usage(usage) if isinstance(usage, dict) else None,
        model=find_model(payload),
        raw=payload,
    )


def _parse_block(
    wire: ConverseSettings, block: dict[str, Any], *, cut: bool, index: int, output_tool: str | None
) -> list[Part]:
    """The parts for a content block, which is an object with one key that says its kind."""
    if isinstance(text := block.get("text"), str):
        return [Text(text)] if text else []
    if isinstance(call := block.get("toolUse"), dict):
        return [_parse_call(wire, call, cut=cut, index=index, output_tool=output_tool)]
    if isinstance(reasoning := block.get("reasoningContent"), dict):
        return [_parse_reasoning(wire, reasoning)]
    if isinstance(cited := block.get("citationsContent"), dict):
        text = "".join(as_str(as_dict(piece).get("text")) or "" for piece in as_list(cited.get("content")))
        citations = [item for item in as_list(cited.get("citations")) if isinstance(item, dict)]
        return [Text(text, citations, {wire.origin: {}})] if text else []
    if isinstance(image := block.get("image"), dict) and (picture := parse_image(image)):
        return [picture]
    kind = next((name for name, value in block.items() if isinstance(value, dict)), None)
    return [ProviderPart(wire.origin, kind, block)] if kind else []


def _parse_call(
    wire: ConverseSettings, call: dict[str, Any], *, cut: bool, index: int, output_tool: str | None
) -> Part:
    given = call.get("input")
    if call.get("type") == SERVER_CALL:
        return ProviderPart(wire.origin, SERVER_CALL, {"toolUse": call})
    name = as_str(call.get("name")) or ""
    if output_tool is not None and name == output_tool:
        return Text(given if isinstance(given, str) else encode_json(given).decode())
    call_id = as_str(call.get("toolUseId")) or make_call_id(make_seed(call), index)
    if cut and isinstance(given, dict):
        # What could be read of a cut input looks whole; it isn't.
        return ToolCall(call_id, name, None, encode_json(given).decode() if given else "")
    arguments, text = parse_arguments(given, cut=cut)
    return ToolCall(call_id, name, arguments, text)


def _parse_reasoning(wire: ConverseSettings, reasoning: dict[str, Any]) -> Reasoning:
    if redacted := as_str(reasoning.get("redactedContent")):
        return Reasoning("", {wire.origin: {"redactedContent": redacted}})
    shown = as_dict(reasoning.get("reasoningText"))
    signature = as_str(shown.get("signature"))
    own = {"signature": signature} if signature else {}
    return Reasoning(as_str(shown.get("text")) or "", {wire.origin: own})


def parse_image(image: dict[str, Any]) -> Image | None:
    """The picture in an `image` block that a model made; `None` when it holds no bytes."""
    data = as_str(as_dict(image.get("source")).get("bytes"))
    try:
        content = b64decode(data or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return Image(data=content, media_type=IMAGE_TYPES.get(str(image.get("format")))) if content else None


def find_model(payload: dict[str, Any]) -> str | None:
    """The model that answered, which only a prompt router tells: the last segment of its ARN."""
    router = as_dict(as_dict(payload.get("trace")).get("promptRouter"))
    invoked = as_str(router.get("invokedModelId"))
    return invoked.rpartition("/")[2] if invoked else None
