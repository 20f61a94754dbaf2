"""What every binary stream of Bedrock has: exceptions, and the chunks that InvokeModel wraps answers in.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from ...contract import Part
from ...data.json import as_dict, decode_json, encode_json
from ...framing import EventStreamMessage

__all__ = ["EVENT_STREAM", "open_chunk", "raise_exception", "text_of", "with_text"]

EVENT_STREAM = "application/vnd.amazon.eventstream"
"""The media type of streamed answers."""


def open_chunk(wire: Part, event: EventStreamMessage) -> bytes:
    """What a `chunk` event of InvokeModel wraps. Raises `InvalidResponseError` when it is not base64 in JSON."""
    try:
        return b64decode(decode_json(event.payload)["bytes"], validate=True)
    except (ValueError, TypeError, KeyError):
        raise wire.invalid_response("a chunk of the stream is not base64 in JSON", event.payload) from None


def text_of(event: EventStreamMessage) -> bytes:
    """The JSON of an event, that of InvokeModel unwrapped; what is not an event of an answer has none."""
    if event.headers.get(":event-type") != "chunk":
        return event.payload
    try:
        return b64decode(decode_json(event.payload)["bytes"], validate=True)
    except (ValueError, TypeError, KeyError):
        return b""


def with_text(event: EventStreamMessage, text: bytes) -> EventStreamMessage:
    """The event with other JSON, wrapped as it was."""
    if event.headers.get(":event-type") == "chunk":
        text = encode_json({"bytes": b64encode(text).decode()})
    return EventStreamMessage(event.headers, text)


def raise_exception(wire: Part, event: EventStreamMessage) -> None:
    """Raise the mapped error when the message is one: an exception that is modelled, or an error that is not."""
    headers = event.headers
    kind = headers.get(":message-type")
    if kind == "exception":
        try:
            facts = as_dict(decode_json(event.payload))
        except ValueError:
            facts = {"message": event.payload.decode("utf-8", "replace")}
        raise wire.map_payload({**facts, "__type": str(headers.get(":exception-type", ""))})
    if kind == "error":
        raise wire.map_payload(
            {"message": str(headers.get(":error-message", "")), "__type": str(headers.get(":error-code", ""))}
        )
