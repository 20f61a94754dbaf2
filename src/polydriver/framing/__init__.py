"""Incremental framing: from the bytes of a streamed body to whole events, without any I/O.

Every decoder here has the same two methods. `feed(data)` takes the next piece of the body, cut anywhere,
and returns the list of events that it completed; `finish()` is called once at the end of the body and returns
what was still held back. How a body is cut into pieces never changes its events, and the work is linear in
its length, however small the pieces. One event larger than `max_event_bytes`, or bytes that cannot be framed,
raise `FramingError`; no other exception comes out of a decoder, whatever the bytes.

None of them decides whether a stream ended well: only the wire's own end mark can say so.
"""

from __future__ import annotations

from polydriver.framing.errors import MAX_EVENT_BYTES, FramingError
from polydriver.framing.event_stream import EventStreamDecoder, EventStreamMessage, HeaderValue
from polydriver.framing.json_array import JSONArrayDecoder
from polydriver.framing.json_lines import JSONLinesDecoder
from polydriver.framing.sse import SSEDecoder, SSEEvent

__all__ = [
    "MAX_EVENT_BYTES",
    "EventStreamDecoder",
    "EventStreamMessage",
    "FramingError",
    "HeaderValue",
    "JSONArrayDecoder",
    "JSONLinesDecoder",
    "SSEDecoder",
    "SSEEvent",
]
