"""The events of a stream, decoded: the common ones by a typed decoder, odd ones leniently."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.json import decode_json
from ...typed import convert
from .options import MessagesSettings

__all__ = ["Delta", "Event", "decode_event"]


class Delta(msgspec.Struct):
    """What is new in a block, or at the end of a message; all kinds of deltas in one, as their names do not collide."""

    type: Any = None
    text: Any = None
    thinking: Any = None
    partial_json: Any = None
    signature: Any = None
    citation: Any = None
    content: Any = None
    encrypted_content: Any = None
    stop_reason: Any = None
    stop_sequence: Any = None
    stop_details: Any = None
    container: Any = None


class Event(msgspec.Struct):
    """One event, of any kind."""

    type: Any = None
    index: Any = 0
    delta: Delta | None = None
    content_block: Any = None
    message: Any = None
    usage: Any = None
    error: Any = None
    context_management: Any = None


_decode = msgspec.json.Decoder(Event).decode
_DONE = b"[DONE]"


def decode_event(wire: MessagesSettings, name: bytes, data: bytes) -> Event:
    """The event in the data. Raises a mapped error for errors of other shapes, `InvalidResponseError` for nonsense."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        if data.strip() == _DONE:  # the mark of another wire, which some proxies add
            return Event(type="[DONE]")
        return _decode_leniently(wire, name, data)


def _decode_leniently(wire: MessagesSettings, name: bytes, data: bytes) -> Event:
    """An event that does not have the usual shape: an error as a bare string, half a surrogate pair."""
    try:
        payload = decode_json(data)
    except ValueError as error:
        if name == b"error":
            raise wire.map_payload(data.decode("utf-8", "replace")) from None
        raise wire.invalid_response(f"an event of the stream is {error}", data) from None
    if not isinstance(payload, dict):
        raise wire.map_payload(payload)
    try:
        return convert(payload, Event)
    except (msgspec.ValidationError, RecursionError) as error:
        if payload.get("error"):
            raise wire.map_payload(payload) from None
        raise wire.invalid_response(f"an event of the stream has another shape: {error}", data) from None
