"""Streams of both APIs: each answer is read as what it is, not as what was asked for."""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, decode_json
from ...data.prompt import Prompt
from ...data.responses import AIChunk, AIResponse
from ...framing import EventStreamDecoder, EventStreamMessage
from ...wires.converse.frames import open_chunk, raise_exception, text_of, with_text
from ...wires.converse.options import ConverseSettings
from ...wires.converse.stream import ConverseDecoder
from ...wires.messages.options import MessagesSettings
from ...wires.messages.stream import MessagesDecoder

__all__ = ["BedrockDecoder", "ClaudeDecoder"]


class ClaudeDecoder(MessagesDecoder):
    """Takes the events of the Messages wire out of `chunk` events."""

    framing = EventStreamDecoder

    def text_of(self, event: EventStreamMessage) -> bytes:
        """See `StreamDecoder.text_of`."""
        return text_of(event)

    def with_text(self, event: EventStreamMessage, text: bytes) -> EventStreamMessage:
        """See `StreamDecoder.with_text`."""
        return with_text(event, text)

    def parse_event(self, event: EventStreamMessage, chunks: list[AIChunk]) -> None:  # type: ignore[override]
        """See `StreamDecoder.parse_event`."""
        raise_exception(self.wire, event)
        if event.headers.get(":event-type") == "chunk":
            super().parse_event((b"", open_chunk(self.wire, event)), chunks)


class BedrockDecoder(ConverseDecoder):
    """Reads Converse's events, and hands the stream over where they turn out to be Claude's own, in chunks."""

    def __init__(self, wire: ConverseSettings, prompt: Prompt, claude: MessagesSettings) -> None:
        super().__init__(wire, prompt)
        self._claude_wire = claude
        self._claude: ClaudeDecoder | None = None

    def unwrap(self, event: EventStreamMessage, chunks: list[AIChunk]) -> None:
        """See `ConverseDecoder.unwrap`."""
        if self._claude is None:
            if not self._is_claudes(event):
                super().unwrap(event, chunks)
                return
            self._claude = ClaudeDecoder(self._claude_wire, self.prompt)
            self.answer = self._claude.answer
        self._claude.parse_event(event, chunks)
        self.complete, self.closed = self._claude.complete, self._claude.closed

    def _is_claudes(self, event: EventStreamMessage) -> bool:
        """Whether a chunk holds an event of the Messages wire, which names its kind by `type`."""
        try:
            payload: Any = decode_json(open_chunk(self.wire, event))
        except ValueError:
            return False
        return isinstance(as_dict(payload).get("type"), str)

    def build(self) -> AIResponse:
        """See `StreamDecoder.build`."""
        return self._claude.build() if self._claude is not None else super().build()
