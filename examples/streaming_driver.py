"""A driver that streams, in a framing of its own: JSON text sequences (RFC 7464). It builds on custom_driver.py."""

from __future__ import annotations

from custom_driver import CustomAIDriver, facts

from polydriver import AIChunk, Capabilities
from polydriver.data.json import as_str, decode_json
from polydriver.drivers.traits import HandlesStreaming, StreamDecoder
from polydriver.framing import FramingError


class JSONSequence:
    """Cuts a body into events: each is a record separator, JSON and a line feed. Bytes may be split anywhere."""

    def __init__(self, *, max_event_bytes: int) -> None:
        self._limit = max_event_bytes
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The events that these bytes complete."""
        *events, self._held = (self._held + data).split(b"\n")
        if max(map(len, [*events, self._held])) > self._limit:
            raise FramingError(f"an event has more than {self._limit} bytes")
        return [event.removeprefix(b"\x1e") for event in events if event.strip(b"\x1e\r ")]

    def finish(self) -> list[bytes]:
        """The events that the end of the body completes: none, for one without its line feed was cut off."""
        return []


class CustomDecoder(StreamDecoder["StreamingCustomDriver"]):
    """Turns events into chunks: `{"delta": "..."}`, and at the end `{"ending": "...", "tokens": {...}}`."""

    framing = JSONSequence

    def parse_event(self, event: bytes, chunks: list[AIChunk]) -> None:
        """Read one event."""
        payload = decode_json(event)
        if not isinstance(payload, dict):
            raise self.wire.invalid_response("an event is not an object", event)
        if payload.get("error"):
            raise self.wire.map_payload(payload)
        if delta := as_str(payload.get("delta")):
            self.answer.first.add_text(delta)
            chunks.append(AIChunk(content=delta))
        if payload.get("ending"):
            end, choice = facts(payload), self.answer.first
            choice.finish_reason, choice.raw_finish_reason = end["finish_reason"], end["raw_finish_reason"]
            self.answer.model, self.answer.usage = end["model"], end["usage"]
            self.complete = self.closed = True  # only the wire's own word ends a stream well


class StreamingCustomDriver(HandlesStreaming, CustomAIDriver):
    """Custom AI, streamed. https://custom-ai.example/docs/streams"""

    name = "streaming-custom-ai"
    key_variables = ("CUSTOM_AI_API_KEY",)
    capabilities = Capabilities(streaming=True, max_context_length=32_000)
    decoder_class = CustomDecoder
