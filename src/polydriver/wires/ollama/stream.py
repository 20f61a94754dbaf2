"""Streams of Ollama: JSON lines, the last of which says `done`."""

from __future__ import annotations

from typing import Any

import msgspec

from ...contract import StreamDecoder
from ...data.json import as_dict, as_list, as_str, decode_json
from ...data.prompt import Prompt
from ...data.responses import AIChunk
from ...framing import JSONLinesDecoder
from ...typed import convert
from . import reply
from .options import OllamaSettings
from .usage import parse_usage

__all__ = ["AnswerLines", "OllamaDecoder"]


class _Message(msgspec.Struct):
    content: Any = None
    thinking: Any = None
    tool_calls: Any = None


class _Line(msgspec.Struct):
    message: _Message | None = None
    done: Any = False
    model: Any = None
    created_at: Any = None
    response: Any = None
    thinking: Any = None
    logprobs: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Line).decode


class AnswerLines(JSONLinesDecoder):
    """JSON lines, of which the last may lack its end: it counts when it is whole, else the stream was cut there.

    `unframed` is a last line that is not JSON.
    """

    __slots__ = ("unframed",)

    def __init__(self, **limits: int) -> None:
        super().__init__(**limits)
        self.unframed = b""

    def finish(self) -> list[bytes]:
        """The last line when it came whole, without a line end."""
        lines = super().finish()
        try:
            for line in lines:
                decode_json(line)
        except ValueError:
            self.unframed = b"" if line.startswith(b"{") else line
            return []
        return lines


class OllamaDecoder(StreamDecoder[OllamaSettings]):
    """Reads the lines of one answer, of the chat or of `generate`."""

    framing = AnswerLines

    def __init__(self, wire: OllamaSettings, prompt: Prompt) -> None:
        super().__init__(wire, prompt)
        self._thinking = False
        self._begun = False

    def parse_event(self, event: bytes, chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        try:
            line = _decode(event)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            line = self._decode_leniently(event)
        if line.error:
            raise self.wire.map_payload(decode_json(event))
        answer = self.answer
        if answer.model is None:
            answer.model = as_str(line.model)
            answer.first.seed = as_str(line.created_at) or ""
        message = line.message
        if message is None:
            self._add(line.response, line.thinking, chunks)
        else:
            self._add(message.content, message.thinking, chunks)
            if message.tool_calls:
                self._read_calls(message.tool_calls, chunks)
        if line.logprobs:
            self._add_logprobs(as_list(line.logprobs))
        silent = message is None and line.response is None and line.thinking is None
        if line.done is True and (self._begun or not silent):
            self._finish_answer(event)
        elif not silent:
            self._begun = True
        else:
            raise self.wire.invalid_response("a line of the stream holds no piece of an answer", event)

    def _decode_leniently(self, event: bytes) -> _Line:
        """A line that does not have the usual shape: an error as a bare string, half a surrogate pair."""
        try:
            payload = decode_json(event)
        except ValueError as error:
            raise self.wire.invalid_response(f"a line of the stream is {error}", event) from None
        if not isinstance(payload, dict) or payload.get("error"):
            raise self.wire.map_payload(payload)
        try:
            return convert(payload, _Line)
        except (msgspec.ValidationError, RecursionError) as error:
            raise self.wire.invalid_response(f"a line of the stream has another shape: {error}", event) from None

    def _add(self, text: Any, thought: Any, chunks: list[AIChunk]) -> None:
        if thought and type(thought) is str:
            self._thinking = True
            self.answer.first.add_reasoning(thought)
            chunks.append(AIChunk(reasoning=thought))
        if text and type(text) is str:
            if self._thinking:
                self._end_thinking()
            self.answer.first.add_text(text)
            chunks.append(AIChunk(content=text))

    def _end_thinking(self) -> None:
        if self._thinking:
            self._thinking = False
            self.answer.first.flush({self.wire.origin: {}})

    def _read_calls(self, raw_calls: Any, chunks: list[AIChunk]) -> None:
        """Calls come whole."""
        self._end_thinking()
        first = self.answer.first
        calls = reply.read_calls(raw_calls, first.seed, taken=first.calls_made)
        for call in calls:
            first.add_part(call)
        if calls:
            chunks.append(AIChunk(tool_calls=calls))

    def _add_logprobs(self, entries: list[Any]) -> None:
        first = self.answer.first
        first.logprobs = first.logprobs or {"content": []}
        first.logprobs["content"] += entries

    def _finish_answer(self, event: bytes) -> None:
        payload = as_dict(decode_json(event))
        answer, first = self.answer, self.answer.first
        self._end_thinking()
        first.flush()
        answer.usage = parse_usage(payload)
        answer.raw = payload
        answer.provider_data = reply.read_context(self.wire, payload)
        first.raw_finish_reason = as_str(payload.get("done_reason"))
        first.finish_reason = reply.map_finish(first.raw_finish_reason, called=first.calls_made > 0)
        self.complete = self.closed = True
