"""Streams of the Responses wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ....data.json import as_dict, as_list, as_str, decode_json
from ....data.messages import Media, Part, ProviderPart, ToolCall
from ....data.responses import AIChunk, AIResponse
from ...traits import StreamDecoder
from . import parse
from .progress import ItemProgress

if TYPE_CHECKING:
    from ....data.prompt import Prompt
    from . import Responses

__all__ = ["ResponsesDecoder"]


class _Event(msgspec.Struct):
    type: Any = None
    delta: Any = None
    output_index: Any = None
    item_id: Any = None
    content_index: Any = 0
    summary_index: Any = 0
    logprobs: Any = None
    item: Any = None
    response: Any = None
    annotation: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    input: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Event).decode

# Events with a delta, and those that repeat the whole: the type of their item, and which of its texts they belong to.
_DELTAS = {
    "response.output_text.delta": ("message", "text"),
    "response.refusal.delta": ("message", "refusal"),
    "response.reasoning_text.delta": ("reasoning", "content"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary"),
    "response.reasoning_summary.delta": ("reasoning", "summary"),
    "response.function_call_arguments.delta": ("function_call", "arguments"),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "input"),
}
_WHOLE = {name.removesuffix("delta") + "done": place for name, place in _DELTAS.items()}
_ENDS = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
    "response.failed": "failed",
}


class ResponsesDecoder(StreamDecoder["Responses"]):
    """Reads events until the response is completed, incomplete or failed.

    Items are put together from their deltas; `output_item.done`, and at last the whole response, add what did not come so.
    """

    def __init__(self, driver: Responses, prompt: Prompt) -> None:
        super().__init__(driver, prompt)
        self._items: list[ItemProgress] = []
        self._at: dict[int | str, ItemProgress] = {}
        self._stored = False
        self._usage: dict[str, Any] = {}

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        name, data = event
        try:
            read = _decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if data.strip() == b"[DONE]":
                self.closed = True
                return
            read = self._decode_leniently(data)
        kind = read.type if type(read.type) is str and read.type else name.decode("utf-8", "replace")
        if place := _DELTAS.get(kind):
            self._add_delta(read, place, chunks)
        elif kind == "error" or (read.error and not kind.startswith("response.")):
            first = self.answer.first
            first.finish_reason, first.raw_finish_reason = "error", "failed"
            raise self.driver.map_payload(decode_json(data))
        elif place := _WHOLE.get(kind):
            self._add_whole(read, place, chunks)
        elif kind == "response.output_item.added":
            self._begin(read, as_dict(read.item))
        elif kind == "response.output_item.done":
            self._end_item(read, as_dict(read.item), chunks)
        elif kind == "response.output_text.annotation.added" and isinstance(read.annotation, dict):
            self._find(read, "message").citations.append(read.annotation)
        elif isinstance(read.response, dict):
            self._read_response(read.response)
            if status := _ENDS.get(kind):
                self._end(status, read.response, chunks)

    def _decode_leniently(self, data: bytes) -> _Event:
        """An event that is no ordinary JSON: half a surrogate pair, or an error as a bare string."""
        try:
            payload = decode_json(data)
        except ValueError as error:
            raise self.driver.invalid_response(f"an event of the stream is {error}", data) from None
        if not isinstance(payload, dict):
            raise self.driver.map_payload(payload)
        return msgspec.convert(payload, _Event)

    def _add_delta(self, read: _Event, place: tuple[str, str], chunks: list[AIChunk]) -> None:
        delta = read.delta
        if type(delta) is str and delta:
            kind, channel = place
            item = self._find(read, kind)
            item.add(channel, read.summary_index if channel == "summary" else read.content_index, delta)
            if read.logprobs and type(read.logprobs) is list:
                item.logprobs += read.logprobs
            _emit(channel, delta, chunks)

    def _add_whole(self, read: _Event, place: tuple[str, str], chunks: list[AIChunk]) -> None:
        """Add what the deltas of one text lacked, if it goes on from them."""
        kind, channel = place
        whole = getattr(read, channel, None) or read.text
        if type(whole) is str and whole:
            item = self._find(read, kind)
            index = read.summary_index if channel == "summary" else read.content_index
            if rest := item.complete(channel, index, whole):
                _emit(channel, rest, chunks)

    def _find(self, read: _Event, kind: str) -> ItemProgress:
        """The open item that an event belongs to, begun when it is new.

        The index decides, since some services change the ids on the way; then the id; without both it is the last item of its kind.
        """
        index, item_id = read.output_index, read.item_id
        if type(index) is int:
            found = self._at.get(index)
        elif type(item_id) is str:
            found = self._at.get(item_id)
        else:
            found = next((item for item in reversed(self._items) if item.kind == kind), None)
        if found is not None and found.parts is None:
            return found
        return self._begin(read, {"type": kind, "id": item_id})

    def _begin(self, read: _Event, raw: dict[str, Any]) -> ItemProgress:
        item = ItemProgress(raw)
        self._items.append(item)
        if type(read.output_index) is int:
            self._at[read.output_index] = item
        if item_id := as_str(raw.get("id")):
            self._at[item_id] = item
        return item

    def _end_item(self, read: _Event, raw: dict[str, Any], chunks: list[AIChunk]) -> None:
        """Complete the item that is done: the one at its index or with its id, unless that was something else."""
        index, item_id = read.output_index, as_str(raw.get("id"))
        found = self._at.get(index) if type(index) is int else self._at.get(item_id or "")
        if found is None and index is None and item_id is None:
            found = next((item for item in reversed(self._items) if item.parts is None and item.kind == raw.get("type")), None)
        if found is not None and found.parts is not None:
            if found.raw == raw or (item_id is not None and item_id == found.raw.get("id")):
                return
            found = None
        self._complete(found or self._begin(read, raw), raw, chunks)

    def _complete(self, item: ItemProgress, raw: dict[str, Any], chunks: list[AIChunk], *, cut: bool = False) -> None:
        """Give an item its parts, and hand out what its deltas did not."""
        raw = item.merge(raw)
        for channel, rest in item.finish(raw, self._parse(item, raw, cut=cut)):
            _emit(channel, rest, chunks)
        parts = item.parts or []
        calls = [part for part in parts if type(part) is ToolCall]
        others = [part for part in parts if isinstance(part, ProviderPart | Media)]
        if calls or others:
            chunks.append(AIChunk(tool_calls=calls, parts=others))

    def _parse(self, item: ItemProgress, raw: dict[str, Any], *, cut: bool) -> list[Part]:
        seed, position = self.answer.id or "", self._items.index(item)
        return parse.parse_item(self.driver, raw, position, seed=seed, cut=cut, stored=self._stored)

    def _read_response(self, response: dict[str, Any]) -> None:
        answer = self.answer
        answer.id = as_str(response.get("id")) or answer.id
        answer.model = as_str(response.get("model")) or answer.model
        if "store" in response:
            self._stored = response["store"] is True
        if usage := as_dict(response.get("usage")):
            self._usage = usage
            answer.usage = parse.parse_usage(usage)

    def _end(self, status: str, response: dict[str, Any], chunks: list[AIChunk]) -> None:
        """The last event: complete from the whole response the items that are still open, and say how it ended."""
        status = as_str(response.get("status")) or status
        first = self.answer.first
        self.answer.raw = response
        first.raw_finish_reason = status
        if status == "failed":
            first.finish_reason = "error"
            raise self.driver.map_payload({"error": response.get("error") or parse.UNEXPLAINED})
        cut = status == "incomplete"
        output = [as_dict(raw) for raw in as_list(response.get("output"))]
        for raw, item in self._pair(output):
            if item is None or item.parts is None:
                self._complete(item or self._begin(_Event(), raw), raw, chunks, cut=cut and raw is output[-1])
        for item in self._items:
            if item.parts is None:
                self._complete(item, item.streamed(), chunks, cut=cut)
        first.finish_reason = parse.map_finish(status, response, self._parts())
        self.complete = self.closed = True
        chunks.append(AIChunk(finish_reason=first.finish_reason, raw_finish_reason=status))

    def _pair(self, output: list[dict[str, Any]]) -> list[tuple[dict[str, Any], ItemProgress | None]]:
        """Each item of the whole response with what the stream had of it: by id, and where ids changed on the way by kind and order."""
        known = {as_str(item.raw.get("id")): item for item in self._items}
        known.pop(None, None)
        pairs = [(raw, known.get(as_str(raw.get("id")))) for raw in output]
        taken = {id(item) for _, item in pairs}
        left = [item for item in self._items if id(item) not in taken]
        for position, (raw, item) in enumerate(pairs):
            if item is None and (item := next((item for item in left if item.kind == raw.get("type")), None)):
                left.remove(item)
                pairs[position] = (raw, item)
        return pairs

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

    def build(self) -> AIResponse:
        """The response so far, with the cost when the provider reports one."""
        first = self.answer.first
        first.parts = self._parts()
        logprobs = [entry for item in self._items for entry in item.logprobs]
        first.logprobs = {"content": logprobs} if logprobs else None
        response = self.answer.build()
        if self._usage:
            self.driver.report_cost(self._usage, response)
        return response


def _emit(channel: str, delta: str, chunks: list[AIChunk]) -> None:
    if channel == "text":
        chunks.append(AIChunk(content=delta))
    elif channel == "refusal":
        chunks.append(AIChunk(refusal=delta))
    elif channel in ("summary", "content"):
        chunks.append(AIChunk(reasoning=delta))
