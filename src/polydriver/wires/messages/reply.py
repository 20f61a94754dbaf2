"""Parsing what the Messages API answers: content blocks, stop reasons, usage. Shared by whole replies and streams."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from ...data.arguments import LONGEST_SEED, make_call_id, parse_arguments
from ...data.json import as_dict, as_list, as_str, encode_json, excerpt
from ...data.messages import Part, ProviderData, ProviderPart, Reasoning, Refusal, Text, ToolCall
from ...data.prompt import Prompt
from ...data.responses import AIResponse, FinishReason
from .options import MessagesSettings
from .request import find_output_tool
from .usage import parse_usage

__all__ = [
    "FINISH_REASONS",
    "find_container",
    "map_finish",
    "parse_block",
    "parse_call",
    "parse_refusal",
    "parse_response",
]

FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Our words for the API's. `pause_turn` and `compaction` are "other": the message can be sent back to be continued."""


def map_finish(raw: str | None, kinds: Set[type[Part]]) -> FinishReason | None:
    """Our word for the provider's; unknown ones are "other", none stays none. `kinds`: the types of the parts.

    A turn that ended in the tool that stands in for structured output has no call left to run: it is a "stop".
    """
    if raw == "tool_use" and kinds and ToolCall not in kinds:
        return "stop"
    return FINISH_REASONS.get(raw, "other") if raw else None


def parse_response(wire: MessagesSettings, payload: dict[str, Any], prompt: Prompt) -> AIResponse:
    """The response in a decoded reply.

    Raises a mapped error for an error object, `InvalidResponseError` without content.
    """
    content = payload.get("content")
    if payload.get("type") == "error" or (payload.get("error") and not content):
        raise wire.map_payload(payload)
    if not isinstance(content, list):
        raise wire.invalid_response("it has no list of content", excerpt(payload))
    seed = as_str(payload.get("id")) or ""
    raw = as_str(payload.get("stop_reason"))
    cut = FINISH_REASONS.get(raw or "") == "length"
    output_tool = find_output_tool(wire, prompt)
    parts: list[Part] = []
    for index, item in enumerate(content):
        if isinstance(item, dict) and as_str(item.get("type")):
            last = index == len(content) - 1
            part = parse_block(wire, item, seed=seed, index=index, cut=cut and last, output_tool=output_tool)
            parts += [part] if part is not None else []
    finish = map_finish(raw, {type(part) for part in parts})
    parts += parse_refusal(wire, payload)
    raw_usage = as_dict(payload.get("usage"))
    return AIResponse(
        parts=parts,
        finish_reason=finish,
        raw_finish_reason=raw,
        usage=parse_usage(raw_usage) if raw_usage else None,
        model=as_str(payload.get("model")),
        id=seed or None,
        raw=payload,
        provider_data=find_container(wire, payload),
    )


def parse_block(
    wire: MessagesSettings, block: dict[str, Any], *, seed: str, index: int, cut: bool, output_tool: str | None
) -> Part | None:
    """The part for a whole content block; `None` for an empty text.

    `cut`: the answer ended at a limit within this block. `output_tool`: the name of the tool whose input is the answer.
    """
    kind = block["type"]
    if kind == "text":
        text = as_str(block.get("text"))
        citations = [item for item in as_list(block.get("citations")) if isinstance(item, dict)]
        return Text(text, citations, {wire.origin: {}} if citations else {}) if text else None
    if kind == "thinking":
        signature = as_str(block.get("signature"))
        own = {"signature": signature} if signature else {}
        return Reasoning(as_str(block.get("thinking")) or "", {wire.origin: own})
    if kind == "redacted_thinking":
        return Reasoning("", {wire.origin: {"redacted_data": as_str(block.get("data")) or ""}})
    if kind == "tool_use":
        given = block.get("input")
        if block.get("name") == output_tool and output_tool is not None:
            return Text(given if isinstance(given, str) else encode_json(given).decode())
        if cut and isinstance(given, dict):
            # The API hands out as much of a cut input as it could read: an object that only looks whole.
            text = encode_json(given).decode() if given else ""
            return parse_call(wire, block, None, text, seed=seed, index=index)
        arguments, text = parse_arguments(given, cut=cut)
        return parse_call(wire, block, arguments, text, seed=seed, index=index)
    return ProviderPart(provider=wire.origin, kind=kind, data=block)


def parse_call(
    wire: MessagesSettings,
    block: dict[str, Any],
    arguments: dict[str, Any] | None,
    text: str | None,
    *,
    seed: str,
    index: int,
) -> ToolCall:
    """A `tool_use` block with its arguments, which a stream sends apart. Calls made by code carry their `caller`."""
    caller = block.get("caller")
    data: ProviderData = {wire.origin: {"caller": caller}} if isinstance(caller, dict) else {}
    call_id = as_str(block.get("id")) or make_call_id(seed[:LONGEST_SEED], index)
    return ToolCall(call_id, as_str(block.get("name")) or "", arguments, text, data)


def parse_refusal(wire: MessagesSettings, message: dict[str, Any]) -> list[Refusal]:
    """The explanation in `stop_details` of a refused answer. It is about the answer, so it does not go back with it."""
    details = message.get("stop_details")
    explanation = as_str(as_dict(details).get("explanation"))
    return [Refusal(explanation, {wire.origin: {"stop_details": details}})] if explanation else []


def find_container(wire: MessagesSettings, message: dict[str, Any]) -> ProviderData:
    """The container in which tools ran, which the continuation of this turn must name."""
    found = as_str(as_dict(message.get("container")).get("id"))
    return {wire.origin: {"container": found}} if found else {}
