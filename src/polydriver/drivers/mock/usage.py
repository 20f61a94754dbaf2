"""What a mocked call used: given by the script, or estimated from the length of its texts."""

from __future__ import annotations

from typing import Any

from ...data.json import encode_json
from ...data.messages import ToolCall
from ...data.responses import AIResponse
from ...data.usage import TokenUsage
from .calls import MockCall, message_text

__all__ = ["call_arguments", "estimate_tokens", "estimate_usage", "render_usage"]


def estimate_tokens(text: str) -> int:
    """The number of tokens in a text, at four characters each; 0 for none."""
    return (len(text) + 3) // 4


def call_arguments(wanted: ToolCall) -> str:
    """The arguments of a call as JSON text."""
    return encode_json(wanted.arguments).decode() if wanted.arguments is not None else wanted.arguments_text or ""


def estimate_usage(response: AIResponse, call: MockCall) -> TokenUsage:
    """The usage of a call, from the length of its texts."""
    sent = sum(estimate_tokens(message_text(message)) for message in call.messages)
    sent += sum(estimate_tokens(encode_json(tool).decode()) for tool in call.tools)
    reasoning = estimate_tokens(response.reasoning)
    calls = "".join(wanted.name + call_arguments(wanted) for wanted in response.tool_calls)
    output = estimate_tokens(response.content + response.refusal + calls) + reasoning
    return TokenUsage(input_tokens=max(sent, 1), output_tokens=output, reasoning_tokens=reasoning or None)


def render_usage(usage: TokenUsage) -> dict[str, Any]:
    """A usage object, in the form of Chat Completions."""
    rendered: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    inputs = {
        "cached_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "audio_tokens": usage.input_audio_tokens,
    }
    outputs = {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": usage.output_audio_tokens}
    for name, counts in (("prompt_tokens_details", inputs), ("completion_tokens_details", outputs)):
        if known := {key: count for key, count in counts.items() if count is not None}:
            rendered[name] = known
    return rendered
