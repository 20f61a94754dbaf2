"""Parsing what Chat Completions answers: messages, tool calls, usage. Shared by whole replies and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....data.arguments import make_call_id, parse_arguments
from ....data.json import as_dict, as_int, as_list, as_str
from ....data.messages import Audio, Part, Reasoning, Refusal, Text, ToolCall
from ....data.prompt import Prompt
from ....data.responses import AIResponse, Choice, FinishReason
from ....data.usage import TokenUsage

if TYPE_CHECKING:
    from . import ChatCompletions

__all__ = [
    "FINISH_REASONS",
    "map_finish",
    "parse_choice",
    "parse_response",
    "parse_usage",
    "read_content",
    "split_thinking",
]

FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "guardrail_intervened": "content_filter",
    "error": "error",
    "insufficient_system_resource": "error",
}


def map_finish(raw: str | None) -> FinishReason | None:
    """Our word for the provider's; unknown ones are "other", none stays none."""
    return FINISH_REASONS.get(raw, "other") if raw else None


def parse_response(wire: ChatCompletions, payload: dict[str, Any], prompt: Prompt) -> AIResponse:
    """The response in a decoded reply. Raises a mapped error for an error object, `InvalidResponseError` without
    choices."""
    choices = payload.get("choices")
    if payload.get("error") and not choices:
        raise wire.map_payload(payload)
    if not isinstance(choices, list) or not choices:
        if "choices" not in payload and (payload.get("message") or payload.get("detail")):
            raise wire.map_payload(payload)
        raise wire.invalid_response("it has no choices", repr(payload)[:500].encode())
    seed = as_str(payload.get("id")) or ""
    first, *others = [parse_choice(wire, as_dict(choice), index, seed) for index, choice in enumerate(choices)]
    if first.finish_reason == "error" and (error := as_dict(choices[0]).get("error") or payload.get("error")):
        raise wire.map_payload({"error": error})
    raw_usage = as_dict(payload.get("usage"))
    response = AIResponse(
        parts=first.parts,
        finish_reason=first.finish_reason,
        raw_finish_reason=first.raw_finish_reason,
        logprobs=first.logprobs,
        usage=parse_usage(wire, raw_usage) if raw_usage else None,
        model=as_str(payload.get("model")),
        id=seed or None,
        alternatives=others,
        raw=payload,
        provider_data=_message_data(wire, as_dict(as_dict(choices[0]).get("message"))),
    )
    if raw_usage:
        wire.report_cost(raw_usage, response)
    return response


def parse_choice(wire: ChatCompletions, choice: dict[str, Any], index: int, seed: str) -> Choice:
    """One entry of `choices`."""
    message = as_dict(choice.get("message"))
    raw = as_str(choice.get("finish_reason"))
    finish = map_finish(raw)
    parts = read_content(wire, message)
    parts += _read_calls(wire, message, seed, cut=finish == "length", taken=0)
    if audio := _read_audio(message):
        parts.append(audio)
    if finish == "stop" and any(type(part) is Refusal for part in parts):
        finish = "content_filter"
    return Choice(
        index=as_int(choice.get("index")) or index,
        parts=parts,
        finish_reason=finish,
        raw_finish_reason=raw,
        logprobs=choice.get("logprobs"),
    )


def read_content(wire: ChatCompletions, message: dict[str, Any]) -> list[Part]:
    """Reasoning, text and images of a message: `content` may be text, a list of parts, or absent."""
    parts: list[Part] = []
    thoughts = as_str(message.get("reasoning_content")) or as_str(message.get("reasoning"))
    details = as_list(message.get("reasoning_details"))
    if thoughts or details:
        parts.append(
            Reasoning(thoughts or "", provider_data={wire.origin: {"reasoning_details": details} if details else {}})
        )
    content = message.get("content")
    if isinstance(content, list):
        for item in content:
            parts += _read_content_item(wire, item)
    elif isinstance(content, str) and content:
        thinking, text = split_thinking(content) if wire.think_tags else ("", content)
        if thinking:
            parts.append(Reasoning(thinking, provider_data={wire.origin: {}}))
        if text:
            parts.append(_text(text, message))
    if (refusal := as_str(message.get("refusal"))) and not content:
        parts.append(Refusal(refusal))
    return parts


def _text(text: str, message: dict[str, Any]) -> Text:
    return Text(
        text, citations=[as_dict(item) for item in as_list(message.get("annotations")) if isinstance(item, dict)]
    )


def _read_content_item(wire: ChatCompletions, item: Any) -> list[Part]:
    """An item of a content list: text, or Mistral's thinking, which is a list of texts itself."""
    if isinstance(item, str):
        return [Text(item)] if item else []
    item = as_dict(item)
    if item.get("type") == "thinking":
        inner = item.get("thinking")
        text = (
            inner
            if isinstance(inner, str)
            else "".join(as_str(as_dict(piece).get("text")) or "" for piece in as_list(inner))
        )
        return [Reasoning(text, provider_data={wire.origin: {}})] if text else []
    text = as_str(item.get("text")) or ""
    return [Text(text)] if text else []


def split_thinking(text: str) -> tuple[str, str]:
    """Reasoning and answer of a text that begins with `<think>`; a missing end tag means that all of it is
    reasoning."""
    stripped = text.lstrip()
    if not stripped.startswith("<think>"):
        return "", text
    thinking, found, answer = stripped[len("<think>") :].partition("</think>")
    return thinking.strip("\n"), answer.lstrip("\n") if found else ""


def _read_calls(wire: ChatCompletions, message: dict[str, Any], seed: str, *, cut: bool, taken: int) -> list[ToolCall]:
    raw_calls = [as_dict(raw) for raw in as_list(message.get("tool_calls")) if isinstance(raw, dict)]
    legacy = as_dict(message.get("function_call"))
    if not raw_calls and as_str(legacy.get("name")):
        raw_calls = [{"function": legacy}]
    calls = []
    for position, raw in enumerate(raw_calls):
        function = as_dict(raw.get("function")) or as_dict(raw.get("custom"))
        arguments, text = parse_arguments(
            function.get("arguments", function.get("input")), cut=cut and position == len(raw_calls) - 1
        )
        given = as_str(raw.get("id"))
        call_id = given if given and given != "null" else make_call_id(seed, taken + position)
        calls.append(ToolCall(call_id, as_str(function.get("name")) or "", arguments, text, call_data(wire, raw)))
    return calls


def call_data(wire: ChatCompletions, raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What must come back with a call: Gemini's signature, which its compatible API puts into `extra_content`."""
    extra = raw.get("extra_content")
    return {wire.origin: {"extra_content": extra}} if isinstance(extra, dict) else {}


def _read_audio(message: dict[str, Any]) -> Audio | None:
    audio = as_dict(message.get("audio"))
    data = as_str(audio.get("data"))
    if data is None:
        return None
    try:
        return Audio.from_base64(data, "audio/wav", transcript=as_str(audio.get("transcript")))
    except ValueError:
        return None


def _message_data(wire: ChatCompletions, message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the next turn must repeat of this message: a spoken answer is referred to by its id."""
    audio_id = as_str(as_dict(message.get("audio")).get("id"))
    return {wire.origin: {"audio": {"id": audio_id}}} if audio_id else {}


def parse_usage(wire: ChatCompletions, raw: dict[str, Any]) -> TokenUsage:
    """The usage object, with cached input inside the input and reasoning inside the output.

    Some services leave reasoning out of `completion_tokens`; their total gives them away.
    """
    inputs = as_dict(raw.get("prompt_tokens_details")) or as_dict(raw.get("input_tokens_details"))
    outputs = as_dict(raw.get("completion_tokens_details")) or as_dict(raw.get("output_tokens_details"))
    input_tokens, output, total = (
        as_int(raw.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    reasoning = _first_count((outputs, "reasoning_tokens"), (raw, "reasoning_tokens"))
    if reasoning and output is not None and total == (input_tokens or 0) + output + reasoning:
        output += reasoning
    return TokenUsage(
        input_tokens=input_tokens,
        output_tokens=output,
        cached_input_tokens=_first_count(
            (inputs, "cached_tokens"),
            (raw, "prompt_cache_hit_tokens"),
            (raw, "num_cached_tokens"),
            (raw, "cached_tokens"),
        ),
        cache_write_tokens=as_int(inputs.get("cache_write_tokens")),
        reasoning_tokens=reasoning,
        input_audio_tokens=as_int(inputs.get("audio_tokens")),
        output_audio_tokens=as_int(outputs.get("audio_tokens")),
        total_tokens=total,
        raw=raw,
    )


def _first_count(*places: tuple[dict[str, Any], str]) -> int | None:
    """The first of these fields that holds a count: services keep the same number under different names."""
    for holder, name in places:
        if (count := as_int(holder.get(name))) is not None:
            return count
    return None
