"""The events of a Responses stream: their shape, and what their types mean.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["DELTAS", "ENDS", "WHOLE", "Event", "decode_event"]


class Event(msgspec.Struct):
    """What is read of an event; any of it may be of any type."""

    type: Any = None
    delta: Any = None
    output_index: Any = None
    item_id: Any = None
    content_index: Any = 0
    summary_index: Any = 0
    logprobs: Any = None
    item: Any = None
    response: Any = None
    annotation: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    input: Any = None
    error: Any = None


decode_event = msgspec.json.Decoder(Event).decode
"""Reads one event. Raises `msgspec.DecodeError` for what is not a JSON object."""

DELTAS = {
    "response.output_text.delta": ("message", "text"),
    "response.refusal.delta": ("message", "refusal"),
    "response.reasoning_text.delta": ("reasoning", "content"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary"),
    "response.reasoning_summary.delta": ("reasoning", "summary"),
    "response.function_call_arguments.delta": ("function_call", "arguments"),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "input"),
}
"""Events that bring a piece of a text: the type of their item, and which of its texts it is."""

WHOLE = {name.removesuffix("delta") + "done": place for name, place in DELTAS.items()}
"""Events that repeat such a text as a whole."""

ENDS = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
    "response.failed": "failed",
}
"""Events that end the response, and the status that they mean."""
