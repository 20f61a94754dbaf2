"""Sending only the end of a long history, without tearing calls from their results."""

from __future__ import annotations

from .data.messages import AIMessage, Media, Reasoning, Refusal, Text, ToolCall, ToolResult

__all__ = ["estimate_tokens", "trim"]

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_MEDIA = 1000


def estimate_tokens(message: AIMessage) -> int:
    """A rough size in tokens: 4 characters each, 1000 for each image or file, and 4 for the message itself."""
    return _TOKENS_PER_MESSAGE + sum(_estimate_part(part) for part in message.parts)


def _estimate_part(part: object) -> int:
    if isinstance(part, Text | Reasoning | Refusal):
        return len(part.text) // _CHARACTERS_PER_TOKEN + 1
    if isinstance(part, ToolCall):
        return (len(part.name) + len(str(part.arguments))) // _CHARACTERS_PER_TOKEN + 1
    if isinstance(part, ToolResult):
        inner = part.content if isinstance(part.content, list) else [Text(part.content)]
        return sum(_estimate_part(piece) for piece in inner)
    return _TOKENS_PER_MEDIA if isinstance(part, Media) else 1


def trim(messages: list[AIMessage], max_tokens: int | None, max_messages: int | None) -> list[AIMessage]:
    """The longest end of the history within both limits that begins with a user's message; the last turn always stays.

    A turn is a user's message with all that follows up to the user's next one, so calls keep their results. System
    messages in the history stay, in their places.
    """
    starts = [index for index, message in enumerate(messages) if message.role == "user"]
    if not starts:
        return messages
    for start in [0, *(index for index in starts if index > 0)]:
        kept = [
            message
            for index, message in enumerate(messages)
            if index >= start or message.role in ("system", "developer")
        ]
        fits = max_messages is None or len(kept) <= max_messages
        if fits and (max_tokens is None or sum(map(estimate_tokens, kept)) <= max_tokens):
            return kept
    last = starts[-1]
    return [
        message for index, message in enumerate(messages) if index >= last or message.role in ("system", "developer")
    ]
