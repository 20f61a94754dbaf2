"""Streams of Cohere's chat. https://docs.cohere.com/docs/streaming"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ...contract import StreamDecoder
from ...data.json import as_dict, as_str, decode_json
from ...data.prompt import Prompt
from ...data.responses import AIChunk, AIResponse
from ...typed import convert
from . import reply
from .options import CohereSettings
from .usage import parse_usage

__all__ = ["CohereDecoder"]


class _Content(msgspec.Struct):
    text: Any = None
    thinking: Any = None


class _Message(msgspec.Struct):
    content: _Content | list[Any] | str | None = None
    tool_plan: Any = None
    tool_calls: Any = None
    citations: Any = None


class _Delta(msgspec.Struct):
    message: _Message | None = None
    finish_reason: Any = None
    usage: Any = None
    error: Any = None
    error_type: Any = None


class _Event(msgspec.Struct):
    type: str | None = None
    delta: _Delta | None = None
    index: Any = None
    id: Any = None
    logprobs: Any = None


_decode = msgspec.json.Decoder(_Event).decode


class CohereDecoder(StreamDecoder[CohereSettings]):
    """Reads the events of one message, from `message-start` to `message-end`, the end mark."""

    def __init__(self, wire: CohereSettings, prompt: Prompt) -> None:
        super().__init__(wire, prompt)
        self._plan: list[str] = []
        self._citations: list[Any] = []
        self._thinking = False

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        data = event[1]
        try:
            item = _decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if data.strip() == b"[DONE]":
                self.pass_strange()
                return
            item = self._decode_leniently(data)
        kind, delta = item.type, item.delta
        if kind == "content-delta" and delta is not None and delta.message is not None:
            content = delta.message.content
            if type(content) is _Content:
                self._read_content(content, chunks)
            if item.logprobs is not None:
                self._add_logprobs(item.logprobs)
        elif kind is None:
            raise self.wire.map_payload(decode_json(data))
        elif (read := _READERS.get(kind)) is not None:
            read(self, item, chunks)
        else:
            self.pass_strange()

    def _decode_leniently(self, data: bytes) -> _Event:
        """An event that does not have the usual shape: an error, or half a surrogate pair."""
        try:
            payload = decode_json(data)
        except ValueError as error:
            raise self.wire.invalid_response(f"an event of the stream is {error}", data) from None
        if not isinstance(payload, dict) or payload.get("error"):
            raise self.wire.map_payload(payload)
        try:
            return convert(payload, _Event)
        except (msgspec.ValidationError, RecursionError) as error:
            raise self.wire.invalid_response(f"an event of the stream has another shape: {error}", data) from None

    def _read_content(self, content: _Content, chunks: list[AIChunk]) -> None:
        text = content.text
        if text and type(text) is str:
            self._end_plan(chunks)
            self._end_thinking()
            self.answer.first.add_text(text)
            chunks.append(AIChunk(content=text))
        thought = content.thinking
        if thought and type(thought) is str:
            self._thinking = True
            self.answer.first.add_reasoning(thought)
            chunks.append(AIChunk(reasoning=thought))

    def _add_logprobs(self, entry: Any) -> None:
        first = self.answer.first
        first.logprobs = first.logprobs or {"content": []}
        first.logprobs["content"] += entry if isinstance(entry, list) else [entry]

    def _start_message(self, item: _Event, chunks: list[AIChunk]) -> None:
        answer = self.answer
        answer.id = as_str(item.id)
        answer.first.seed = answer.id or ""

    def _start_content(self, item: _Event, chunks: list[AIChunk]) -> None:
        content = item.delta.message.content if item.delta and item.delta.message else None
        if type(content) is _Content:
            self._read_content(content, chunks)

    def _end_content(self, item: _Event, chunks: list[AIChunk]) -> None:
        self._end_thinking()
        self.answer.first.flush()

    def _end_thinking(self) -> None:
        if self._thinking:
            self._thinking = False
            self.answer.first.flush({self.wire.origin: {}})

    def _read_plan(self, item: _Event, chunks: list[AIChunk]) -> None:
        plan = item.delta.message.tool_plan if item.delta and item.delta.message else None
        if isinstance(plan, str):
            self._plan.append(plan)

    def _end_plan(self, chunks: list[AIChunk]) -> None:
        if not self._plan:
            return
        self._end_thinking()
        part = reply.make_plan(self.wire, "".join(self._plan))
        self._plan.clear()
        self.answer.first.add_part(part)
        chunks.append(AIChunk(parts=[part]))

    def _read_call(self, item: _Event, chunks: list[AIChunk]) -> None:
        self._end_plan(chunks)
        self._end_thinking()
        raw = item.delta.message.tool_calls if item.delta and item.delta.message else None
        if isinstance(raw, list) and raw:
            raw = raw[0]
        function = as_dict(as_dict(raw).get("function"))
        calls = self.answer.first.calls
        key = item.index if type(item.index) is int else next(reversed(calls), 0)
        call = self.answer.first.call(key)
        call.id = as_str(as_dict(raw).get("id")) or call.id
        call.name = as_str(function.get("name")) or call.name
        arguments = function.get("arguments")
        call.add_arguments(arguments)

    def _read_citation(self, item: _Event, chunks: list[AIChunk]) -> None:
        found = item.delta.message.citations if item.delta and item.delta.message else None
        self._citations += found if isinstance(found, list) else [found]

    def _end_message(self, item: _Event, chunks: list[AIChunk]) -> None:
        self._end_plan(chunks)
        self._end_thinking()
        delta = item.delta or _Delta()
        first = self.answer.first
        self.answer.usage = parse_usage(delta.usage)
        first.raw_finish_reason = as_str(delta.finish_reason)
        first.finish_reason = reply.map_finish(first.raw_finish_reason)
        first.flush()
        if delta.error or first.raw_finish_reason == "ERROR":
            message = as_str(delta.error) or "the provider ended the stream with finish_reason 'ERROR'"
            raise self.wire.map_payload({"error": {"message": message, "type": as_str(delta.error_type)}})
        if calls := first.take_calls(cut=first.finish_reason == "length"):
            chunks.append(AIChunk(tool_calls=calls))
        self.complete = self.closed = True

    def parse_unframed(self, body: bytes, chunks: list[AIChunk]) -> None:
        """A whole answer in place of a stream is taken; an error as plain JSON is raised."""
        try:
            payload = decode_json(body)
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            super().parse_unframed(body, chunks)
            return
        response = reply.parse_response(self.wire, payload)
        answer, first = self.answer, self.answer.first
        answer.id, answer.usage, answer.raw = response.id, response.usage, payload
        first.parts = response.parts
        first.finish_reason, first.raw_finish_reason = response.finish_reason, response.raw_finish_reason
        chunks.append(AIChunk(content=response.content, reasoning=response.reasoning, tool_calls=response.tool_calls))
        self.complete = self.closed = True

    def build_answer(self) -> AIResponse:
        """The response so far, with the citations at the texts that they are about."""
        response = self.answer.build()
        if self._plan:
            response.parts.append(reply.make_plan(self.wire, "".join(self._plan)))
        if self._citations:
            response.parts = reply.add_citations(self.wire, response.parts, self._citations)
        return response


_READERS: dict[str, Callable[[CohereDecoder, _Event, list[AIChunk]], None]] = {
    "message-start": CohereDecoder._start_message,
    "content-start": CohereDecoder._start_content,
    "content-end": CohereDecoder._end_content,
    "tool-plan-delta": CohereDecoder._read_plan,
    "tool-call-start": CohereDecoder._read_call,
    "tool-call-delta": CohereDecoder._read_call,
    "citation-start": CohereDecoder._read_citation,
    "message-end": CohereDecoder._end_message,
}
