"""Streams of the Converse wire. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import msgspec

from ...contract import StreamDecoder
from ...data.arguments import parse_arguments
from ...data.json import as_dict, as_list, as_str, decode_json
from ...data.messages import ProviderPart, Text
from ...data.prompt import Prompt
from ...data.responses import AIChunk
from ...framing import EventStreamDecoder, EventStreamMessage
from . import reply
from .events import NO_DELTA, Delta, ReasoningDelta, convert_delta, decode_delta
from .frames import open_chunk, raise_exception, text_of, with_text
from .options import ConverseSettings
from .tools import find_output_tool
from .usage import parse_usage

__all__ = ["ConverseDecoder"]


class _Block:
    """What a block gathers beyond its text: signatures, citations, the pieces of a tool's input or result."""

    __slots__ = ("citations", "image", "input", "is_output", "reasons", "redacted", "result", "server", "signature")

    def __init__(self) -> None:
        self.citations: list[dict[str, Any]] = []
        self.image: dict[str, Any] | None = None
        self.input: list[str] = []
        self.is_output = False
        self.reasons = False
        self.redacted = bytearray()
        self.result: dict[str, Any] | None = None
        self.server: dict[str, Any] | None = None
        self.signature: list[str] = []


class ConverseDecoder(StreamDecoder[ConverseSettings]):
    """Reads events from `messageStart` to `messageStop`, and `metadata` after it, which has the usage.

    InvokeModel streams the same events, for models of the Nova family, wrapped in `chunk` events.
    """

    framing = EventStreamDecoder

    def __init__(self, wire: ConverseSettings, prompt: Prompt) -> None:
        super().__init__(wire, prompt)
        self._blocks: dict[Any, _Block] = {}
        self._output_tool = find_output_tool(wire, prompt)
        self._readers: dict[str, Callable[[dict[str, Any], list[AIChunk]], None]] = {
            "messageStart": self._begin,
            "contentBlockStart": self._start_block,
            "contentBlockStop": self._stop_block,
            "messageStop": self._stop,
            "metadata": self._read_metadata,
        }

    def text_of(self, event: EventStreamMessage) -> bytes:
        """See `StreamDecoder.text_of`."""
        return text_of(event)

    def with_text(self, event: EventStreamMessage, text: bytes) -> EventStreamMessage:
        """See `StreamDecoder.with_text`."""
        return with_text(event, text)

    def parse_event(self, event: EventStreamMessage, chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        headers = event.headers
        kind = headers.get(":event-type")
        if kind == "contentBlockDelta":
            try:
                found = decode_delta(event.payload)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                found = convert_delta(self._object(event.payload))
            if found.delta is None:
                self.pass_strange()
            self._read_delta(found.contentBlockIndex, found.delta or NO_DELTA, chunks)
            return
        raise_exception(self.wire, event)
        if kind == "chunk":
            self.unwrap(event, chunks)
        elif isinstance(kind, str) and (reader := self._readers.get(kind)):
            reader(self._object(event.payload), chunks)
        else:
            self.pass_strange()

    def _object(self, payload: bytes) -> dict[str, Any]:
        try:
            found = decode_json(payload)
        except ValueError as error:
            raise self.wire.invalid_response(f"an event of the stream is {error}", payload) from None
        if not isinstance(found, dict):
            raise self.wire.invalid_response("an event of the stream is not a JSON object", payload)
        return found

    def unwrap(self, event: EventStreamMessage, chunks: list[AIChunk]) -> None:
        """The event in a chunk of InvokeModel: an object with one key that is its type."""
        for kind, payload in self._object(open_chunk(self.wire, event)).items():
            if kind == "contentBlockDelta":
                found = convert_delta(as_dict(payload))
                self._read_delta(found.contentBlockIndex, found.delta or NO_DELTA, chunks)
            elif (reader := self._readers.get(kind)) and isinstance(payload, dict):
                reader(payload, chunks)

    def _block(self, index: Any) -> _Block:
        key = index if type(index) is int else str(index)
        found = self._blocks.get(key)
        if found is None:
            found = self._blocks[key] = _Block()
        return found

    def _begin(self, event: dict[str, Any], chunks: list[AIChunk]) -> None:
        self.answer.raw = event

    def _start_block(self, event: dict[str, Any], chunks: list[AIChunk]) -> None:
        start, index = as_dict(event.get("start")), event.get("contentBlockIndex", 0)
        block = self._block(index)
        if isinstance(call := start.get("toolUse"), dict):
            name = as_str(call.get("name")) or ""
            if call.get("type") == reply.SERVER_CALL:
                block.server = call
            elif self._output_tool is not None and name == self._output_tool:
                block.is_output = True
            else:
                partial = self.answer.first.call(str(index))
                partial.id, partial.name, partial.arguments = as_str(call.get("toolUseId")) or "", name, block.input
        elif isinstance(result := start.get("toolResult"), dict):
            block.result = {**result, "content": []}
        elif isinstance(image := start.get("image"), dict):
            block.image = image

    def _read_delta(self, index: Any, delta: Delta, chunks: list[AIChunk]) -> None:
        text = delta.text
        if text:
            if type(text) is str:
                self.answer.first.add_text(text)
                chunks.append(AIChunk(content=text))
        elif delta.toolUse is not None:
            self._read_input(self._block(index), delta.toolUse.input, chunks)
        elif delta.reasoningContent is not None:
            self._read_reasoning(self._block(index), delta.reasoningContent, chunks)
        elif isinstance(delta.citation, dict):
            self._block(index).citations.append(delta.citation)
        elif delta.toolResult is not None:
            block = self._block(index)
            if block.result is not None:
                block.result["content"] += as_list(delta.toolResult)
        elif isinstance(delta.image, dict):
            block = self._block(index)
            block.image = block.image or {}
            block.image.update(delta.image)

    def _read_input(self, block: _Block, piece: Any, chunks: list[AIChunk]) -> None:
        """A piece of a tool's input; that of the tool that stands in for structured output is the answer."""
        if not isinstance(piece, str):
            return
        if block.is_output:
            self.answer.first.add_text(piece)
            chunks.append(AIChunk(content=piece))
        else:
            block.input.append(piece)

    def _read_reasoning(self, block: _Block, delta: ReasoningDelta, chunks: list[AIChunk]) -> None:
        block.reasons = True
        if delta.text and isinstance(delta.text, str):
            self.answer.first.add_reasoning(delta.text)
            chunks.append(AIChunk(reasoning=delta.text))
        if isinstance(delta.signature, str):
            block.signature.append(delta.signature)
        if isinstance(delta.redactedContent, str):
            try:
                block.redacted += b64decode(delta.redactedContent, validate=True)
            except (binascii.Error, ValueError):
                raise self.wire.invalid_response("redacted reasoning is not base64") from None

    def _stop_block(self, event: dict[str, Any], chunks: list[AIChunk]) -> None:
        """End a block. Calls wait for the stop reason, which tells whether the last of them was cut."""
        index = event.get("contentBlockIndex", 0)
        block = self._blocks.pop(index if type(index) is int else str(index), None)
        if block is not None:
            self._close(block, chunks)

    def _close(self, block: _Block, chunks: list[AIChunk]) -> None:
        first, origin = self.answer.first, self.wire.origin
        part: Any = None
        if block.reasons:
            own = {"signature": signature} if (signature := "".join(block.signature)) else {}
            if block.redacted:
                own = {"redactedContent": b64encode(block.redacted).decode()}
            first.add_reasoning("")
            first.flush({origin: own})
        elif block.citations:
            first.flush()
            if first.parts and isinstance(cited := first.parts[-1], Text):
                first.parts[-1] = Text(cited.text, block.citations, {origin: {}})
        elif block.server is not None:
            arguments, text = parse_arguments("".join(block.input))
            call = {**block.server, "input": arguments if arguments is not None else text}
            part = ProviderPart(origin, reply.SERVER_CALL, {"toolUse": call})
        elif block.result is not None:
            part = ProviderPart(origin, "toolResult", {"toolResult": block.result})
        elif block.image is not None:
            part = reply.parse_image(block.image)
        if part is not None:
            first.add_part(part)
            chunks.append(AIChunk(parts=[part]))

    def _stop(self, event: dict[str, Any], chunks: list[AIChunk]) -> None:
        """Take the stop reason and hand out the calls."""
        for block in self._blocks.values():
            self._close(block, chunks)
        self._blocks.clear()
        raw = as_str(event.get("stopReason"))
        first = self.answer.first
        calls = first.take_calls(cut=reply.FINISH_REASONS.get(raw or "") == "length")
        if calls:
            chunks.append(AIChunk(tool_calls=calls))
        first.raw_finish_reason = raw
        first.flush()
        first.finish_reason = reply.map_finish(raw, first.kinds)
        self._add_raw(event)
        self.complete = True

    def _add_raw(self, event: dict[str, Any]) -> None:
        self.answer.raw = as_dict(self.answer.raw)
        self.answer.raw.update(event)

    def _read_metadata(self, event: dict[str, Any], chunks: list[AIChunk]) -> None:
        """The last event, with the usage. It comes after the end mark, so that nothing is left to wait for."""
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.answer.usage = parse_usage(usage)
        self.answer.model = reply.find_model(event) or self.answer.model
        self._add_raw(event)
        self.closed = self.complete
