"""Parsing what Ollama answers. Shared by whole replies and streams."""

from __future__ import annotations

from typing import Any

from ...data.arguments import LONGEST_SEED, make_call_id, parse_arguments
from ...data.json import as_dict, as_list, as_str, excerpt
from ...data.messages import Part, Reasoning, Text, ToolCall
from ...data.responses import AIResponse, FinishReason
from .options import OllamaSettings
from .usage import parse_usage

__all__ = ["map_finish", "parse_response", "read_calls", "read_context"]

_FINISH_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}


def map_finish(raw: str | None, *, called: bool) -> FinishReason:
    """Our word for `done_reason`. It does not tell of tool calls, and old versions do not send it."""
    if called and raw in ("stop", None):
        return "tool_calls"
    return _FINISH_REASONS.get(raw or "", "other")


def parse_response(wire: OllamaSettings, payload: dict[str, Any]) -> AIResponse:
    """The response in a decoded reply of the chat or of `generate`. Raises a mapped error for an error object,
    `InvalidResponseError` without an answer."""
    if payload.get("error"):
        raise wire.map_payload(payload)
    message = payload.get("message")
    if message is None and "response" in payload:
        message = {"content": payload["response"], "thinking": payload.get("thinking")}
    if not isinstance(message, dict) or not isinstance(message.get("content"), str | None):
        raise wire.invalid_response("it has no message with a text", excerpt(payload))
    parts: list[Part] = []
    if thinking := as_str(message.get("thinking")):
        parts.append(Reasoning(thinking, {wire.origin: {}}))
    if text := as_str(message.get("content")):
        parts.append(Text(text))
    raw = as_str(payload.get("done_reason"))
    seed = as_str(payload.get("created_at")) or ""
    calls = read_calls(message.get("tool_calls"), seed, cut=raw == "length")
    logprobs = as_list(payload.get("logprobs"))
    return AIResponse(
        parts=[*parts, *calls],
        finish_reason=map_finish(raw, called=bool(calls)) if payload.get("done") is not False else None,
        raw_finish_reason=raw,
        logprobs={"content": logprobs} if logprobs else None,
        usage=parse_usage(payload),
        model=as_str(payload.get("model")),
        raw=payload,
        provider_data=read_context(wire, payload),
    )


def read_calls(raw_calls: Any, seed: str, *, taken: int = 0, cut: bool = False) -> list[ToolCall]:
    """The calls, of which `taken` came before. Versions that send no ids get some, from the moment of the answer
    (`seed`), which no other turn shares."""
    calls = []
    entries = [raw for raw in as_list(raw_calls) if isinstance(raw, dict)]
    for position, raw in enumerate(entries):
        function = as_dict(raw.get("function"))
        arguments, text = parse_arguments(function.get("arguments"), cut=cut and position == len(entries) - 1)
        call_id = as_str(raw.get("id")) or make_call_id(seed[:LONGEST_SEED], taken + position)
        calls.append(ToolCall(call_id, as_str(function.get("name")) or "", arguments, text))
    return calls


def read_context(wire: OllamaSettings, payload: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The state of `generate`, which its next request can go on from."""
    context = payload.get("context")
    return {wire.origin: {"context": context}} if isinstance(context, list) and context else {}
