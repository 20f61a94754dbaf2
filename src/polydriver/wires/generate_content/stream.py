"""Streams of the generateContent wire: server-sent events with `alt=sse`, else one JSON array."""

from __future__ import annotations

from typing import Any

import msgspec

from ...contract import StreamDecoder
from ...data.arguments import LONGEST_SEED, make_call_id, make_seed
from ...data.assembly import ChoiceAssembly
from ...data.json import as_dict, as_list, as_str, decode_json, encode_json
from ...data.messages import Part, Reasoning, Text, ToolCall
from ...data.prompt import Prompt
from ...data.responses import AIChunk, AIResponse
from . import reply
from .events import Candidate, Chunk, convert_candidate, decode_chunk
from .frames import Frames
from .names import with_camel_names
from .options import ContentSettings
from .partial import StreamedCall
from .usage import parse_usage

__all__ = ["GenerateContentDecoder"]


_NO_USAGE = msgspec.Raw(b"null")


class GenerateContentDecoder(StreamDecoder[ContentSettings]):
    """Reads `GenerateContentResponse` events until every candidate has a finish reason, or the prompt was blocked."""

    framing = Frames

    def __init__(self, wire: ContentSettings, prompt: Prompt) -> None:
        super().__init__(wire, prompt)
        self._usages = (_NO_USAGE, _NO_USAGE)
        self._open: dict[int, StreamedCall] = {}
        self._sources: dict[int, dict[str, Any]] = {}
        self._event = b""
        self._seed: str | None = None

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        name, data = event
        if name == b"error":
            raise self.wire.map_payload(self._payload(data))
        try:
            chunk = decode_chunk(data)
            if chunk.model_version is None and b"_" in data:
                chunk = self._decode_leniently(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if data.strip() == b"[DONE]":
                self.closed = True
                self.pass_strange()
                return
            chunk = self._decode_leniently(data)
        if chunk.error:
            raise self.wire.map_payload(self._payload(data))
        answer = self.answer
        if type(chunk.model_version) is str and chunk.model_version:
            answer.model = chunk.model_version
        if answer.id is None and (found := as_str(chunk.response_id)):
            answer.id = found
        self._usages = (chunk.usage_metadata, self._usages[0])
        if chunk.candidates:
            self._event, self._seed = data, None
            for candidate in chunk.candidates:
                self._read_candidate(candidate, chunks)
        elif chunk.prompt_feedback is not None:
            self._read_feedback(chunk.prompt_feedback)
        elif answer.id is answer.model is None:
            self._refuse_foreign(chunk, data)
            self.pass_strange()
        if self.complete and self.frames.closed:
            self.closed = True

    def _payload(self, data: bytes) -> Any:
        try:
            return decode_json(data)
        except ValueError:
            return data.decode("utf-8", "replace")

    def _refuse_foreign(self, chunk: Chunk, data: bytes) -> None:
        """Raise for a first event that says nothing we know: it is of another API. An empty one is passed over."""
        payload = self._payload(data) if bytes(chunk.usage_metadata) in (b"null", b"{}") else None
        if payload and "candidates" not in payload:
            raise self.wire.map_payload(payload)

    def _decode_leniently(self, data: bytes) -> Chunk:
        """An event of another shape: snake_case names, half a surrogate pair, wrong types, an error as a list."""
        try:
            payload = decode_json(data)
        except ValueError as error:
            raise self.wire.invalid_response(f"an event of the stream is {error}", data) from None
        if not isinstance(payload, dict) or payload.get("error"):
            raise self.wire.map_payload(payload)
        payload = with_camel_names(payload)
        candidates = payload.get("candidates")
        if not isinstance(candidates, list | None):
            raise self.wire.invalid_response("an event's candidates are not a list", data)
        return Chunk(
            candidates=[convert_candidate(item) for item in as_list(candidates) if isinstance(item, dict)],
            usage_metadata=msgspec.Raw(encode_json(as_dict(payload.get("usageMetadata")))),
            model_version=payload.get("modelVersion"),
            response_id=payload.get("responseId"),
            prompt_feedback=payload.get("promptFeedback"),
        )

    def _read_candidate(self, raw: Candidate, chunks: list[AIChunk]) -> None:
        index = raw.index
        if index == 0:
            choice = self.answer.first
        else:
            index = index if type(index) is int and index > 0 else 0
            choice = self.answer.choice(index)
        parts = raw.content.parts if raw.content is not None else None
        if parts:
            for place, part in enumerate(parts):
                text = part.get("text")
                if len(part) == 1 and type(text) is str:
                    if text:
                        choice.add_text(text)
                        chunks.append(AIChunk(content=text, index=index))
                else:
                    last = raw.finish_reason is not None and place == len(parts) - 1
                    self._read_part(choice, part, chunks, word=reply.finish_word(raw.finish_reason) if last else None)
        if raw.logprobs_result is not None:
            self._read_logprobs(choice, raw.logprobs_result)
        if raw.grounding_metadata or raw.url_context_metadata or raw.citation_metadata:
            known = self._sources.setdefault(index, {})
            values = (raw.grounding_metadata, raw.url_context_metadata, raw.citation_metadata)
            known.update((name, value) for name, value in zip(reply.SOURCE_FIELDS, values, strict=True) if value)
        if raw.finish_reason is not None and (word := reply.finish_word(raw.finish_reason)):
            self._finish_choice(choice, word, as_str(raw.finish_message), chunks)

    def _read_part(
        self, choice: ChoiceAssembly, raw: dict[str, Any], chunks: list[AIChunk], *, word: str | None
    ) -> None:
        """Any part but plain text. `word` is the finish reason when it is the last of the answer."""
        call, text = raw.get("functionCall"), raw.get("text")
        if isinstance(call, dict) and (choice.index in self._open or call.get("willContinue") or "partialArgs" in call):
            self._extend_call(choice, call, raw, chunks)
            return
        if isinstance(text, str) and text and not raw.get("thoughtSignature"):
            if raw.get("thought") is True:
                choice.add_reasoning(text)
                chunks.append(AIChunk(reasoning=text, index=choice.index))
            else:
                choice.add_text(text)
                chunks.append(AIChunk(content=text, index=choice.index))
            return
        cut = word is not None and reply.map_finish(self.wire, word) == "length"
        made = choice.calls_made
        part = reply.read_part(self.wire, raw, self._choice_seed(choice), made, cut=cut)
        if part is not None:
            self._add_part(choice, part, chunks)

    def _add_part(self, choice: ChoiceAssembly, part: Part, chunks: list[AIChunk]) -> None:
        choice.add_part(part)
        index = choice.index
        if isinstance(part, Text):
            chunks.append(AIChunk(content=part.text, index=index))
        elif isinstance(part, ToolCall):
            chunks.append(AIChunk(tool_calls=[part], index=index))
        elif not isinstance(part, Reasoning):
            chunks.append(AIChunk(parts=[part], index=index))
        elif part.text:
            chunks.append(AIChunk(reasoning=part.text, index=index))

    def _choice_seed(self, choice: ChoiceAssembly) -> str:
        """What makes the ids of this answer's calls differ from those of other answers."""
        if self._seed is None:
            self._seed = (self.answer.id or make_seed(self._event))[:LONGEST_SEED]
        seed = self._seed
        return f"{seed}#{choice.index}" if choice.index else seed

    def _extend_call(
        self, choice: ChoiceAssembly, call: dict[str, Any], raw: dict[str, Any], chunks: list[AIChunk]
    ) -> None:
        """A piece of a call whose arguments are streamed."""
        streamed = self._open.get(choice.index)
        if streamed is None:
            streamed = self._open[choice.index] = StreamedCall(choice.call(choice.index), self.wire.origin)
        streamed.add(call, as_str(raw.get("thoughtSignature")))
        if call.get("willContinue") is not True:
            self._close_call(choice, chunks, whole=True)

    def _close_call(self, choice: ChoiceAssembly, chunks: list[AIChunk], *, whole: bool) -> None:
        """Hand out the call that was streamed; without its end it is incomplete."""
        streamed = self._open.pop(choice.index)
        choice.calls.clear()
        call = streamed.close(make_call_id(self._choice_seed(choice), choice.calls_made), whole=whole)
        if call is not None:
            self._add_part(choice, call, chunks)

    def _read_logprobs(self, choice: ChoiceAssembly, raw: Any) -> None:
        known: Any = choice.logprobs
        if known is None:
            known = choice.logprobs = {}
        for name, value in as_dict(raw).items():
            if isinstance(value, list):
                known.setdefault(name, []).extend(value)
            else:
                known[name] = value

    def _finish_choice(self, choice: ChoiceAssembly, word: str, message: str | None, chunks: list[AIChunk]) -> None:
        if choice.index in self._open:
            self._close_call(choice, chunks, whole=False)
        choice.flush()
        if choice.finish_reason is None:  # those that come later are handed out at the end
            self._add_sources(choice, chunks)
        choice.raw_finish_reason = word
        choice.finish_reason = reply.map_finish(self.wire, word, choice.kinds)
        self._end_choice(choice, message)

    def _read_feedback(self, feedback: Any) -> None:
        """A blocked prompt has no candidates: the answer is empty, and over."""
        if blocked := reply.block_reason(feedback):
            first = self.answer.first
            first.finish_reason, first.raw_finish_reason = "content_filter", blocked
            self._end_choice(first, as_str(as_dict(feedback).get("blockReasonMessage")))

    def _end_choice(self, choice: ChoiceAssembly, message: str | None) -> None:
        warning = reply.explain(self.wire, choice.finish_reason, message)
        if warning:
            self.answer.warn(warning)
        self.complete = self.answer.has_ended()

    def _add_sources(self, choice: ChoiceAssembly, chunks: list[AIChunk]) -> None:
        if found := self._sources.pop(choice.index, None):
            choice.parts, new = reply.add_sources(self.wire, choice.parts, found)
            if new:
                chunks.append(AIChunk(parts=new, index=choice.index))

    def _settle_usage(self) -> None:
        """Read the usage that came last: every event repeats it, with the numbers so far. The last may lack them."""
        for raw in self._usages:
            try:
                usage = parse_usage(as_dict(decode_json(bytes(raw))))
            except ValueError:
                continue  # not UTF-8: no number is in it
            if usage is not None:
                self.answer.usage = usage
                break
        self._usages = (_NO_USAGE, _NO_USAGE)

    def end(self, chunks: list[AIChunk]) -> None:
        """Hand out what came after the finish reason."""
        if self.frames.closed and not self.events:
            raise self.wire.invalid_response("it is an empty array")
        if self.complete:
            for choice in self.answer.choices:
                choice.flush()
                self._add_sources(choice, chunks)

    def build_answer(self) -> AIResponse:
        """The response so far."""
        self._settle_usage()
        return super().build_answer()
