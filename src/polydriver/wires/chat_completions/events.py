"""Events of a stream of Chat Completions, decoded into what is read of them. All values may be of any type."""

from __future__ import annotations

from typing import Any

import msgspec

from ...contract import Wire
from ...data.json import decode_json
from ...typed import convert

__all__ = ["Chunk", "ChunkChoice", "Delta", "decode_chunk", "delta_of"]


class Delta(msgspec.Struct):
    """What is new in a choice, or, in whole replies, all of it."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: Any = None
    function_call: Any = None
    refusal: Any = None
    reasoning_details: Any = None
    annotations: Any = None
    images: Any = None
    executed_tools: Any = None


class ChunkChoice(msgspec.Struct):
    """One choice of an event."""

    delta: Delta | None = None
    index: Any = 0
    finish_reason: Any = None
    logprobs: Any = None
    error: Any = None
    message: Any = None


class Chunk(msgspec.Struct):
    """One event."""

    choices: list[ChunkChoice] | None = None
    id: Any = None
    model: Any = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None
    x_groq: Any = None
    citations: Any = None
    search_results: Any = None


_decode = msgspec.json.Decoder(Chunk).decode


def decode_chunk(wire: Wire, data: bytes) -> Chunk | None:
    """The event; `None` for `[DONE]`. Raises a mapped error when it is an error, or `InvalidResponseError`."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None if data.strip() == b"[DONE]" else _decode_leniently(wire, data)


def delta_of(message: dict[str, Any]) -> Delta:
    """A whole message as one delta."""
    return convert(message, Delta)


def _decode_leniently(wire: Wire, data: bytes) -> Chunk:
    """An event that does not have the usual shape: an error as a bare string, half a surrogate pair."""
    try:
        payload = decode_json(data)
    except ValueError as error:
        raise wire.invalid_response(f"an event of the stream is {error}", data) from None
    if isinstance(payload, str):
        raise wire.map_payload(payload)
    if not isinstance(payload, dict):
        raise wire.invalid_response("an event of the stream is not an object", data)
    try:
        return convert(payload, Chunk)
    except (msgspec.ValidationError, RecursionError) as error:
        if payload.get("error"):
            raise wire.map_payload(payload) from None
        raise wire.invalid_response(f"an event of the stream has another shape: {error}", data) from None
