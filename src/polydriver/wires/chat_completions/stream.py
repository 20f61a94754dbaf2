"""Streams of the Chat Completions wire."""

from __future__ import annotations

from typing import Any

from ...contract import StreamDecoder
from ...data.assembly import ChoiceAssembly
from ...data.json import as_dict, as_list, as_str, decode_json
from ...data.messages import Reasoning, Refusal, Text
from ...data.prompt import Prompt
from ...data.responses import AIChunk, AIResponse
from . import reply
from .calls import add_call_deltas
from .events import ChunkChoice, Delta, decode_chunk, delta_of
from .extras import Extras, read_details_text, read_images, read_sources
from .reply import ChatReplies
from .think_tags import ThinkTags

__all__ = ["ChatCompletionsDecoder"]


class ChatCompletionsDecoder(StreamDecoder[ChatReplies]):
    """Reads `chat.completion.chunk` events until a finish reason, or `[DONE]`."""

    def __init__(self, wire: ChatReplies, prompt: Prompt) -> None:
        super().__init__(wire, prompt)
        self._seen_choice = False
        self._reported: dict[str, Any] = {}
        self._sources: list[dict[str, Any]] = []
        self._extras: dict[int, Extras] = {}
        self._plain = not wire.think_tags
        self._think: dict[int, ThinkTags] = {}

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        name, data = event
        chunk = decode_chunk(self.wire, data)
        if chunk is None:
            self._done(chunks)
            return
        answer = self.answer
        if chunk.model and type(chunk.model) is str:
            answer.model = chunk.model
        if answer.id is None and (found := as_str(chunk.id)):
            answer.id = answer.first.seed = found
        if chunk.service_tier and type(chunk.service_tier) is str:
            answer.service_tier = chunk.service_tier
        usage = chunk.usage
        if chunk.x_groq:
            usage = usage or self._read_groq(as_dict(chunk.x_groq))
        if usage and isinstance(usage, dict):
            self._read_usage(usage)
        if chunk.error or name == b"error":
            raise self.wire.map_payload(decode_json(data))
        if chunk.citations or chunk.search_results:
            self._sources = read_sources(chunk.search_results, chunk.citations) or self._sources
        if chunk.choices:
            for choice in chunk.choices:
                self._read_choice(choice, chunks)
        elif not (chunk.id or chunk.model or usage or chunk.choices is not None):
            self._pass_odd(decode_json(data))

    def _pass_odd(self, payload: Any) -> None:
        """Pass over an event that says nothing we know. Raise for one that has the form of an error, without its
        envelope."""
        told = payload.get("message") or payload.get("detail")
        if told and (payload.get("object") == "error" or payload.get("code") or payload.get("status")):
            raise self.wire.map_payload(payload)
        self.pass_strange()

    def _read_groq(self, own: dict[str, Any]) -> Any:
        """Groq's own object: the usage, or an error such as a tool call that it could not make sense of."""
        if own.get("error"):
            raise self.wire.map_payload(own)
        return own.get("usage")

    def _read_choice(self, raw: ChunkChoice, chunks: list[AIChunk]) -> None:
        if raw.error:
            raise self.wire.map_payload({"error": raw.error})
        index = raw.index if type(raw.index) is int and raw.index >= 0 else 0
        choice = self.answer.choice(index)
        delta = raw.delta
        if delta is None and raw.message:
            delta = self._read_message(choice, raw.message)
        if delta is not None or raw.message:
            self._seen_choice = True
        if delta is not None:
            content = delta.content
            if content and type(content) is str and self._plain:
                choice.add_text(content)
                chunks.append(AIChunk(content=content, index=index))
            elif content:
                self._read_content(choice, content, chunks)
            thought = delta.reasoning_content or delta.reasoning
            if thought and type(thought) is str:
                choice.add_reasoning(thought)
                chunks.append(AIChunk(reasoning=thought, index=index))
            if delta.tool_calls:
                add_call_deltas(self.wire, choice, as_list(delta.tool_calls))
            elif delta.function_call:
                add_call_deltas(self.wire, choice, [{"index": 0, "function": delta.function_call}])
            if delta.refusal and type(delta.refusal) is str:
                choice.add_refusal(delta.refusal)
                chunks.append(AIChunk(refusal=delta.refusal, index=index))
            if delta.reasoning_details or delta.annotations or delta.images or delta.executed_tools:
                self._read_extras(choice, delta, chunks)
        if raw.logprobs:
            self._read_logprobs(choice, raw.logprobs)
        if raw.finish_reason and type(raw.finish_reason) is str:
            self._finish_choice(choice, raw.finish_reason, chunks)

    def _read_message(self, choice: ChoiceAssembly, message: Any) -> Delta | None:
        """A whole message instead of deltas. After deltas it only repeats them."""
        if choice.has_begun or not isinstance(message, dict):
            return None
        return delta_of(message)

    def _read_content(self, choice: ChoiceAssembly, content: Any, chunks: list[AIChunk]) -> None:
        """Content that is not plain text: Mistral's lists of parts, or text with think tags."""
        if isinstance(content, str):
            pieces = self._think.setdefault(choice.index, ThinkTags()).feed(content)
        else:
            parts = reply.read_content(self.wire, {"content": content})
            pieces = [(type(part) is Reasoning, part.text) for part in parts if isinstance(part, Text | Reasoning)]
        self._add_pieces(choice, pieces, chunks)

    def _add_pieces(self, choice: ChoiceAssembly, pieces: list[tuple[bool, str]], chunks: list[AIChunk]) -> None:
        for is_reasoning, text in pieces:
            if is_reasoning:
                choice.add_reasoning(text)
                chunks.append(AIChunk(reasoning=text, index=choice.index))
            else:
                choice.add_text(text)
                chunks.append(AIChunk(content=text, index=choice.index))

    def _read_extras(self, choice: ChoiceAssembly, delta: Delta, chunks: list[AIChunk]) -> None:
        extras = self._extras.setdefault(choice.index, Extras())
        extras.add(delta.reasoning_details, delta.annotations)
        if self.wire.server_tools_field == "executed_tools":
            extras.add(tools=delta.executed_tools)
        if self.wire.details_as_reasoning and (text := read_details_text(delta.reasoning_details)):
            self._add_pieces(choice, [(True, text)], chunks)
        for image in read_images(delta.images):
            choice.add_part(image)
            chunks.append(AIChunk(parts=[image], index=choice.index))

    def _read_logprobs(self, choice: ChoiceAssembly, raw: Any) -> None:
        for name, entries in as_dict(raw).items():
            if isinstance(entries, list):
                collected = choice.logprobs = choice.logprobs or {}
                collected.setdefault(name, []).extend(entries)

    def _finish_choice(self, choice: ChoiceAssembly, raw: str, chunks: list[AIChunk]) -> None:
        """Note the end of a choice. Some services say it twice; what comes last counts, and calls are handed out
        once."""
        first_time = choice.finish_reason is None
        choice.raw_finish_reason = raw
        choice.finish_reason = reply.map_finish(raw)
        self._hand_out(choice, chunks)
        if first_time and (extras := self._extras.get(choice.index)) and extras.tools:
            chunks.append(AIChunk(parts=list(extras.server_parts(self.wire)), index=choice.index))
        if choice.finish_reason == "stop" and Refusal in choice.kinds:
            choice.finish_reason = "content_filter"
        if choice.finish_reason == "error":
            raise self.wire.map_payload(
                {"error": {"message": f"the provider ended the stream with finish_reason {raw!r}"}}
            )
        if choice.finish_reason == "content_filter":
            self._seen_choice = True  # what was filtered may be left out
        self.complete = self.answer.has_ended(self.prompt.n or 1)

    def _hand_out(self, choice: ChoiceAssembly, chunks: list[AIChunk]) -> None:
        """What was held back until the end: text that could have been a tag, and the calls."""
        if (think := self._think.get(choice.index)) is not None:
            self._add_pieces(choice, think.finish(), chunks)
        choice.flush()
        if calls := choice.take_calls(cut=choice.finish_reason == "length"):
            chunks.append(AIChunk(tool_calls=calls, index=choice.index))

    def _read_usage(self, raw: dict[str, Any]) -> None:
        """Usage is cumulative where it comes several times: the last one counts that counts anything."""
        usage = self.wire.parse_usage(raw)
        if usage.is_empty and self.answer.usage is not None:
            return
        self._reported = raw
        self.answer.usage = usage

    def _done(self, chunks: list[AIChunk]) -> None:
        """`[DONE]`: the answer is whole, with or without a finish reason."""
        self.closed = True
        if not self._seen_choice:
            raise self.wire.invalid_response("the stream ended without any choice")
        self.complete = True
        self.end(chunks)

    def parse_unframed(self, body: bytes, chunks: list[AIChunk]) -> None:
        """A service that ignores `stream` answers with the whole completion as JSON: take it."""
        try:
            payload = decode_json(body)
        except ValueError:
            payload = None
        if not isinstance(payload, dict) or not payload.get("choices"):
            super().parse_unframed(body, chunks)
            return
        response = reply.parse_payload(self.wire, payload, self.prompt)
        answer, first = self.answer, self.answer.first
        answer.id, answer.model, answer.usage, answer.raw = response.id, response.model, response.usage, payload
        answer.service_tier = as_str(payload.get("service_tier"))
        answer.provider_data = response.provider_data
        self._reported = as_dict(payload.get("usage"))
        first.parts = response.parts
        first.finish_reason, first.raw_finish_reason = response.finish_reason, response.raw_finish_reason
        first.logprobs = response.logprobs
        chunks.append(AIChunk(content=response.content, reasoning=response.reasoning, tool_calls=response.tool_calls))
        self.complete = self.closed = self._seen_choice = True

    def end(self, chunks: list[AIChunk]) -> None:
        """Hand out the last words of a stream that ended well without saying how."""
        if self.complete:
            if not self._seen_choice:
                raise self.wire.invalid_response("no choice of the stream has a delta")
            for choice in self.answer.choices:
                self._hand_out(choice, chunks)

    def build_answer(self) -> AIResponse:
        """The response so far, with its extras, and with the cost when the provider reports one."""
        response = self.answer.build()
        for choice in (response, *response.alternatives):
            extras = self._extras.get(choice.index) or Extras()
            choice.parts = extras.apply(self.wire, choice.parts)
        if self._sources:
            sources = Extras()
            sources.add(annotations=self._sources)
            response.parts = sources.apply(self.wire, response.parts)
        if self._reported:
            self.wire.report_cost(self._reported, response)
        return response
