"""Streams of the Messages wire. https://platform.claude.com/docs/en/build-with-claude/streaming"""

from __future__ import annotations

from typing import Any

from ...contract import StreamDecoder
from ...data.arguments import LONGEST_SEED
from ...data.json import as_dict, as_list, as_str, decode_json
from ...data.messages import Part, ProviderPart, Text, ToolCall
from ...data.prompt import Prompt
from ...data.responses import AIChunk, AIResponse
from . import reply
from .blocks import BLOCK_OF_DELTA, Block
from .events import Delta, Event, decode_event
from .options import MessagesSettings
from .request import find_output_tool
from .usage import parse_usage

__all__ = ["MessagesDecoder"]


_MERGED = ("stop_reason", "stop_sequence", "stop_details", "container")


class MessagesDecoder(StreamDecoder[MessagesSettings]):
    """Reads events from `message_start` to `message_stop`. Unknown kinds of events and deltas are passed over."""

    def __init__(self, wire: MessagesSettings, prompt: Prompt) -> None:
        super().__init__(wire, prompt)
        self._blocks: list[Block] = []
        self._open: dict[Any, Block] = {}
        self._message: dict[str, Any] = {}
        self._said_first: str | None = None
        self._output_tool = find_output_tool(wire, prompt)
        self._given = 0
        self._kinds: set[type[Part]] = set()

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        name, data = event
        found = decode_event(self.wire, name, data)
        kind = found.type
        if kind == "content_block_delta":
            if found.delta is not None:
                self._read_delta(found.index, found.delta, chunks)
        elif kind == "content_block_start":
            self._start_block(found.index, self._object(found.content_block, "content_block", data), chunks)
        elif kind == "content_block_stop":
            self._close(self._open.pop(_key(found.index), None), chunks)
        elif kind == "message_delta":
            self._read_message_delta(found, chunks)
        elif kind == "message_start":
            self._start_message(self._object(found.message, "message", data), chunks)
        elif kind == "message_stop":
            self._stop(chunks)
        elif kind == "ping":
            self.pass_over()
        elif kind == "error" or found.error or name == b"error":
            raise self.wire.map_payload(decode_json(data))
        elif kind is None and not name and not self._message and (payload := decode_json(data)):
            raise self.wire.map_payload(payload)  # not of this API
        else:
            self.pass_strange()

    def _object(self, value: Any, name: str, data: bytes) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.wire.invalid_response(f"{name} is not an object", data)
        return value

    def _start_message(self, message: dict[str, Any], chunks: list[AIChunk]) -> None:
        """Take id, model and usage; content that is there already begins as blocks that deltas may still extend."""
        self._message = self.answer.raw = dict(message)
        self.answer.id = as_str(message.get("id")) or self.answer.id
        self.answer.model = as_str(message.get("model")) or self.answer.model
        self._read_usage(message.get("usage"))
        for index, block in enumerate(as_list(message.get("content"))):
            if isinstance(block, dict):
                self._start_block(index, block, chunks)
        self._said_first = as_str(message.get("stop_reason"))

    def _start_block(self, index: Any, start: dict[str, Any], chunks: list[AIChunk]) -> Block:
        key = _key(index)
        self._close(self._open.get(key), chunks)
        block = self._open[key] = Block(start, len(self._blocks), self._output_tool)
        self._blocks.append(block)
        if block.kind == "text":
            block.citations += as_list(start.get("citations"))
            self._add(block, start.get("text"), chunks)
        elif block.kind == "thinking":
            block.signature = [as_str(start.get("signature")) or ""]
            self._add(block, start.get("thinking"), chunks)
        return block

    def _read_delta(self, index: Any, delta: Delta, chunks: list[AIChunk]) -> None:
        kind = delta.type
        block = self._open.get(index) if type(index) is int else self._open.get(_key(index))
        if block is None or not block.takes(kind):
            wanted = BLOCK_OF_DELTA.get(kind) if isinstance(kind, str) else None
            if wanted is None or wanted == "tool_use":
                return  # only its start says which tool a call is for
            block = self._start_block(index, {"type": wanted}, chunks)
        if kind == "text_delta":
            self._add(block, delta.text, chunks)
        elif kind == "thinking_delta":
            self._add(block, delta.thinking, chunks)
        elif kind == "input_json_delta":
            self._add(block, delta.partial_json, chunks)
        elif kind == "signature_delta":
            block.signature.append(as_str(delta.signature) or "")
        elif kind == "citations_delta":
            block.citations.append(delta.citation)
        elif kind == "compaction_delta":
            block.start = {**block.start, "content": delta.content, "encrypted_content": delta.encrypted_content}

    def _add(self, block: Block, text: Any, chunks: list[AIChunk]) -> None:
        """Append a piece, and hand it out where it is text of the answer or reasoning."""
        if not text or type(text) is not str:
            return
        block.pieces.append(text)
        if block.kind == "text" or block.is_output:
            chunks.append(AIChunk(content=text))
        elif block.kind == "thinking":
            chunks.append(AIChunk(reasoning=text))

    def _close(self, block: Block | None, chunks: list[AIChunk]) -> None:
        """End a block. Calls wait for the stop reason, which tells whether the last of them was cut."""
        if block is None or block.closed:
            return
        block.closed = True
        if block.kind == "tool_use" and not block.is_output:
            return
        self._keep(block)
        if isinstance(block.part, ProviderPart):
            chunks.append(AIChunk(parts=[block.part]))
        elif isinstance(block.part, Text) and block.is_output and not block.pieces:
            chunks.append(AIChunk(content=block.part.text))

    def _keep(self, block: Block, *, cut: bool = False) -> None:
        """Give a block its part."""
        block.part = self._build(block, cut=cut)
        if block.part is not None:
            self._kinds.add(type(block.part))

    def _build(self, block: Block, *, cut: bool = False) -> Part | None:
        return block.build(self.wire, (self.answer.id or "")[:LONGEST_SEED], cut=cut)

    def _read_message_delta(self, event: Event, chunks: list[AIChunk]) -> None:
        """Take the stop reason and the final usage, and hand out the calls."""
        delta = event.delta or Delta()
        self._read_usage(event.usage)
        for name in _MERGED:
            if (value := getattr(delta, name)) is not None:
                self._message[name] = value
        if event.context_management is not None:
            self._message["context_management"] = event.context_management
        self.answer.provider_data = reply.find_container(self.wire, self._message)
        if (raw := as_str(delta.stop_reason)) is not None:
            self._take_stop_reason(raw, chunks)

    def _take_stop_reason(self, raw: str, chunks: list[AIChunk]) -> None:
        self._close_all(chunks, cut=reply.FINISH_REASONS.get(raw) == "length")
        first = self.answer.first
        first.raw_finish_reason = raw
        first.finish_reason = reply.map_finish(raw, self._kinds)
        chunks += [AIChunk(refusal=refusal.text) for refusal in reply.parse_refusal(self.wire, self._message)]
        chunks.append(AIChunk(finish_reason=first.finish_reason, raw_finish_reason=raw, usage=self.answer.usage))

    def _close_all(self, chunks: list[AIChunk], *, cut: bool = False) -> None:
        """End all blocks and hand out the calls that were not yet."""
        for block in self._open.values():
            self._close(block, chunks)
        self._open.clear()
        calls: list[ToolCall] = []
        for block in self._blocks[self._given :]:
            if block.kind == "tool_use" and not block.is_output:
                self._keep(block, cut=cut and block is self._blocks[-1])
                calls += [block.part] if isinstance(block.part, ToolCall) else []
        self._given = len(self._blocks)
        if calls:
            chunks.append(AIChunk(tool_calls=calls))

    def _read_usage(self, raw: Any) -> None:
        """Usage is cumulative: what comes later replaces what came before, field by field."""
        if not isinstance(raw, dict):
            return
        said = {name: value for name, value in raw.items() if value is not None}
        merged = self._message["usage"] = as_dict(self._message.get("usage"))
        merged.update(said)
        self.answer.usage = parse_usage(merged)

    def _stop(self, chunks: list[AIChunk]) -> None:
        self.closed = True
        if not self._message:
            raise self.wire.invalid_response("the stream ended without any message")
        if self.answer.first.raw_finish_reason is None and self._said_first is not None:
            self._take_stop_reason(self._said_first, chunks)
        self._close_all(chunks)
        self.complete = True

    def _parts(self) -> list[Part]:
        """The parts of all blocks, those on their way as far as they came.

        A call that still waits for the stop reason may have been cut: without any input it is not complete.
        """
        parts = [block.part if block.part is not None else self._build(block, cut=True) for block in self._blocks]
        return [part for part in parts if part is not None]

    def parse_unframed(self, body: bytes, chunks: list[AIChunk]) -> None:
        """A service that ignores `stream` answers with the whole message as JSON: take it."""
        try:
            payload = decode_json(body)
        except ValueError:
            payload = None
        if not isinstance(payload, dict) or not isinstance(payload.get("content"), list):
            super().parse_unframed(body, chunks)
            return
        response = reply.parse_response(self.wire, payload, self.prompt)
        self._start_message({**payload, "content": [], "stop_details": None}, chunks)
        self.answer.raw = payload
        self.answer.provider_data = response.provider_data
        first = self.answer.first
        first.parts = response.parts
        first.finish_reason, first.raw_finish_reason = response.finish_reason, response.raw_finish_reason
        chunks.append(
            AIChunk(
                content=response.content,
                reasoning=response.reasoning,
                refusal=response.refusal,
                tool_calls=response.tool_calls,
                parts=[part for part in response.parts if isinstance(part, ProviderPart)],
                finish_reason=response.finish_reason,
                raw_finish_reason=response.raw_finish_reason,
                usage=response.usage,
            )
        )
        self.complete = self.closed = True

    def build_answer(self) -> AIResponse:
        """The response so far."""
        response = self.answer.build()
        response.parts += [*self._parts(), *reply.parse_refusal(self.wire, self._message)]
        return response


def _key(index: Any) -> Any:
    """The index as something that can be a key, whatever came."""
    return index if type(index) is int else str(index)
