"""Streams of the Responses wire."""

from __future__ import annotations

from typing import Any

import msgspec

from ...contract import StreamDecoder
from ...data.arguments import LONGEST_SEED
from ...data.json import as_dict, as_list, as_str, decode_json
from ...data.messages import Image, Part, ProviderPart, Reasoning, ToolCall
from ...data.prompt import Prompt
from ...data.responses import AIChunk, AIResponse
from ...typed import convert
from . import reply
from .events import DELTAS, ENDS, WHOLE, Event, decode_event
from .progress import REASONING, THOUGHT_BREAK, ItemProgress, pair_items
from .reply import ResponsesReplies
from .usage import parse_usage

__all__ = ["ResponsesDecoder"]


class ResponsesDecoder(StreamDecoder[ResponsesReplies]):
    """Reads events until the response is completed, incomplete or failed.

    Items are put together from deltas; `output_item.done`, and at last the whole response, add what did not come so.
    """

    def __init__(self, wire: ResponsesReplies, prompt: Prompt) -> None:
        super().__init__(wire, prompt)
        self._items: list[ItemProgress] = []
        self._at: dict[int | str, ItemProgress] = {}
        self._last: dict[str, ItemProgress] = {}
        self._first_thought: ItemProgress | None = None
        self._stored = False
        self._usage: dict[str, Any] = {}

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        name, data = event
        try:
            read = decode_event(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if data.strip() == b"[DONE]":
                self.closed = True
                self.pass_strange()
                return
            read = self._decode_leniently(data)
        kind = read.type if type(read.type) is str and read.type else name.decode("utf-8", "replace")
        if place := DELTAS.get(kind):
            self._add_delta(read, place, chunks)
        elif kind == "error" or name == b"error" or (read.error and not kind.startswith("response.")):
            first = self.answer.first
            first.finish_reason, first.raw_finish_reason = "error", "failed"
            raise self.wire.map_payload(decode_json(data))
        elif place := WHOLE.get(kind):
            self._add_whole(read, place, chunks)
        elif kind == "response.output_item.added":
            self._begin(read, as_dict(read.item))
        elif kind == "response.output_item.done":
            self._end_item(read, as_dict(read.item), chunks)
        elif kind == "response.output_text.annotation.added":
            if isinstance(read.annotation, dict) and (item := self._find(read, "message")):
                item.citations.append(read.annotation)
        elif read.response is not None or kind in ENDS:
            response = as_dict(read.response)
            self._read_response(response)
            if status := ENDS.get(kind):
                self._end(status, response, chunks)
        elif kind == "keepalive":
            self.pass_over()
        elif not kind and self.answer.id is None and not self._items and (payload := decode_json(data)):
            raise self.wire.map_payload(payload)  # not of this API
        else:
            self.pass_strange()

    def _decode_leniently(self, data: bytes) -> Event:
        """An event that is not ordinary JSON: half a surrogate pair, or an error as a bare string."""
        try:
            payload = decode_json(data)
        except ValueError as error:
            raise self.wire.invalid_response(f"an event of the stream is {error}", data) from None
        if not isinstance(payload, dict):
            raise self.wire.map_payload(payload)
        return convert(payload, Event)

    def _add_delta(self, read: Event, place: tuple[str, str], chunks: list[AIChunk]) -> None:
        kind, channel = place
        delta = read.delta
        item = self._find(read, kind)
        if item is None or type(delta) is not str or not delta:
            return
        if kind == "reasoning":
            self._set_apart(item)
        shown = item.add(channel, read.summary_index if channel == "summary" else read.content_index, delta)
        if read.logprobs and type(read.logprobs) is list:
            item.logprobs += read.logprobs
        _emit(channel, shown, chunks)

    def _add_whole(self, read: Event, place: tuple[str, str], chunks: list[AIChunk]) -> None:
        """Add what the deltas of one text lacked, if it goes on from them."""
        kind, channel = place
        whole = getattr(read, channel, None) or read.text
        known = self._known(read, kind)
        if type(whole) is not str or not whole or (known is not None and known.parts is not None):
            return
        item = known or self._begin(read, {"type": kind, "id": read.item_id})
        if kind == "reasoning":
            self._set_apart(item)
        if rest := item.complete(channel, read.summary_index if channel == "summary" else read.content_index, whole):
            _emit(channel, rest, chunks)

    def _set_apart(self, item: ItemProgress) -> None:
        """Note that an item shows reasoning: a blank line goes before that of all but the first."""
        if self._first_thought is None:
            self._first_thought = item
        elif self._first_thought is not item:
            item.lead = THOUGHT_BREAK

    def _known(self, read: Event, kind: str) -> ItemProgress | None:
        """The item of this kind that an event belongs to.

        The index decides, since some services change the ids on the way; then the id; without both it is the last item
        of the kind.
        """
        if type(read.output_index) is int:
            found = self._at.get(read.output_index)
        elif type(read.item_id) is str:
            found = self._at.get(read.item_id)
        else:
            return self._last.get(kind)
        return found if found is not None and found.kind == kind else None

    def _find(self, read: Event, kind: str) -> ItemProgress | None:
        """The open item that an event belongs to, begun when it is new; `None` for a late event of one that is done."""
        found = self._known(read, kind)
        if found is not None and found.parts is None:
            return found
        if found is not None and type(read.item_id) is str and found.raw.get("id") == read.item_id:
            return None
        return self._begin(read, {"type": kind, "id": read.item_id})

    def _begin(self, read: Event, raw: dict[str, Any]) -> ItemProgress:
        item = ItemProgress(raw, len(self._items))
        self._items.append(item)
        if isinstance(item.kind, str):
            self._last[item.kind] = item
        if type(read.output_index) is int:
            self._at[read.output_index] = item
        if item_id := as_str(raw.get("id")):
            self._at[item_id] = item
        return item

    def _end_item(self, read: Event, raw: dict[str, Any], chunks: list[AIChunk]) -> None:
        """Complete the item that is done, unless it was before."""
        read.item_id = raw.get("id")
        found = self._known(read, as_str(raw.get("type")) or "")
        if found is None or (found.parts is not None and not found.is_repeated_by(raw)):
            found = self._begin(read, raw)
        if found.parts is None:
            self._complete(found, raw, chunks)

    def _complete(self, item: ItemProgress, raw: dict[str, Any], chunks: list[AIChunk], *, cut: bool = False) -> None:
        """Give an item its parts, and hand out what its deltas did not."""
        raw = item.merge(raw)
        for channel, rest in item.finish(raw, self._parse(item, raw, cut=cut)):
            _emit(channel, rest, chunks)
        parts = item.parts or []
        calls = [part for part in parts if type(part) is ToolCall]
        others: list[Part] = [part for part in parts if isinstance(part, ProviderPart | Image)]
        if calls or others:
            chunks.append(AIChunk(tool_calls=calls, parts=others))

    def _parse(self, item: ItemProgress, raw: dict[str, Any], *, cut: bool) -> list[Part]:
        seed, position = (self.answer.id or "")[:LONGEST_SEED], item.position
        parts = reply.parse_item(self.wire, raw, position, seed=seed, cut=cut, stored=self._stored)
        if any(type(part) is Reasoning and part.text for part in parts):
            self._set_apart(item)
        return reply.set_apart(parts) if item.lead else parts

    def _read_response(self, response: dict[str, Any]) -> None:
        answer = self.answer
        answer.id = as_str(response.get("id")) or answer.id
        answer.model = as_str(response.get("model")) or answer.model
        answer.service_tier = as_str(response.get("service_tier")) or answer.service_tier
        if "store" in response:
            self._stored = response["store"] is True
        if usage := as_dict(response.get("usage")):
            self._usage = usage
            answer.usage = parse_usage(usage)
        if response.get("background") is True:
            answer.raw = response  # where the stream is cut, it tells that the rest can be fetched

    def _end(self, status: str, response: dict[str, Any], chunks: list[AIChunk]) -> None:
        """The last event: complete from the whole response the items that are still open, and say how it ended."""
        status = as_str(response.get("status")) or status
        first = self.answer.first
        self.answer.raw = response
        first.raw_finish_reason = status
        if status == "failed":
            first.finish_reason = "error"
            raise self.wire.map_payload({"error": response.get("error") or reply.UNEXPLAINED})
        cut = status == "incomplete"
        output = [as_dict(raw) for raw in as_list(response.get("output"))]
        for raw, item in pair_items(self._items, output):
            if item is None or item.parts is None:
                self._complete(item or self._begin(Event(), raw), raw, chunks, cut=cut and raw is output[-1])
        for item in self._items:
            if item.parts is None:
                self._complete(item, item.streamed(), chunks, cut=cut)
        first.finish_reason = reply.map_finish(status, response, self._parts())
        self.complete = self.closed = True
        chunks.append(AIChunk(finish_reason=first.finish_reason, raw_finish_reason=status))

    def _parts(self) -> list[Part]:
        """All parts so far. Calls whose arguments are still coming are incomplete, whatever they look like."""
        parts: list[Part] = []
        for item in self._items:
            if item.parts is not None:
                parts += item.parts
                continue
            for part in self._parse(item, item.streamed(), cut=True):
                if type(part) is ToolCall and not item.is_whole:
                    part = msgspec.structs.replace(part, arguments=None, arguments_text=item.text("arguments", "input"))
                parts.append(part)
        return parts

    def parse_unframed(self, body: bytes, chunks: list[AIChunk]) -> None:
        """A service that ignores `stream` answers with the whole response as JSON: take it as the only event."""
        try:
            payload = decode_json(body)
        except ValueError:
            payload = None
        if not isinstance(payload, dict) or not isinstance(payload.get("output"), list):
            super().parse_unframed(body, chunks)
            return
        self._read_response(payload)
        self._end("completed", payload, chunks)

    def build_answer(self) -> AIResponse:
        """The response so far, with the cost when the provider reports one."""
        first = self.answer.first
        first.parts = self._parts()
        logprobs = [entry for item in self._items for entry in item.logprobs]
        first.logprobs = {"content": logprobs} if logprobs else None
        response = self.answer.build()
        if self._usage:
            self.wire.report_cost(self._usage, response)
        return response


def _emit(channel: str, delta: str, chunks: list[AIChunk]) -> None:
    if channel == "text":
        chunks.append(AIChunk(content=delta))
    elif channel == "refusal":
        chunks.append(AIChunk(refusal=delta))
    elif channel in REASONING:
        chunks.append(AIChunk(reasoning=delta))
