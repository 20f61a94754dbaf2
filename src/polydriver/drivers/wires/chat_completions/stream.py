"""Streams of the Chat Completions wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ....data.assembly import ChoiceAssembly
from ....data.json import as_dict, as_list, as_str, decode_json
from ....data.messages import Reasoning, Refusal, Text
from ....data.responses import AIChunk
from ...traits import StreamDecoder
from . import parse

if TYPE_CHECKING:
    from ....data.prompt import Prompt
    from . import ChatCompletions

__all__ = ["ChatCompletionsDecoder"]


class _Delta(msgspec.Struct):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: Any = None
    function_call: Any = None
    refusal: Any = None
    audio: Any = None
    reasoning_details: Any = None
    annotations: Any = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    index: Any = 0
    finish_reason: Any = None
    logprobs: Any = None
    error: Any = None
    message: Any = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    id: Any = None
    model: Any = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode


class ChatCompletionsDecoder(StreamDecoder["ChatCompletions"]):
    """Reads `chat.completion.chunk` events until a finish reason, or `[DONE]`."""

    def __init__(self, driver: ChatCompletions, prompt: Prompt) -> None:
        super().__init__(driver, prompt)
        self._seen_choice = False
        self._reported: dict[str, Any] = {}
        self._think = _ThinkTags() if driver.think_tags else None

    def parse_event(self, event: tuple[bytes, bytes], chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        name, data = event
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if data.strip() == b"[DONE]":
                self._done()
                return
            chunk = self._decode_leniently(data)
        if chunk.error or name == b"error":
            raise self.driver.map_payload(decode_json(data))
        answer = self.answer
        if chunk.model and type(chunk.model) is str:
            answer.model = chunk.model
        if answer.id is None and (found := as_str(chunk.id)):
            answer.id = answer.first.seed = found
        if chunk.choices:
            for choice in chunk.choices:
                self._read_choice(choice, chunks)
        usage = chunk.usage or (chunk.x_groq and as_dict(chunk.x_groq).get("usage"))
        if usage and isinstance(usage, dict):
            self._read_usage(usage)

    def _decode_leniently(self, data: bytes) -> _Chunk:
        """An event that does not have the usual shape: an error as a bare string, half a surrogate pair, null
        choices."""
        try:
            payload = decode_json(data)
        except ValueError as error:
            raise self.driver.invalid_response(f"an event of the stream is {error}", data) from None
        if isinstance(payload, str):
            raise self.driver.map_payload(payload)
        if not isinstance(payload, dict):
            raise self.driver.invalid_response("an event of the stream is no object", data)
        try:
            return msgspec.convert(payload, _Chunk)
        except (msgspec.ValidationError, RecursionError) as error:
            if payload.get("error"):
                raise self.driver.map_payload(payload) from None
            raise self.driver.invalid_response(f"an event of the stream has another shape: {error}", data) from None

    def _read_choice(self, raw: _Choice, chunks: list[AIChunk]) -> None:
        self._seen_choice = True
        if raw.error:
            raise self.driver.map_payload({"error": raw.error})
        index = raw.index if type(raw.index) is int and raw.index >= 0 else 0
        choice = self.answer.choice(index)
        delta = raw.delta
        if delta is not None:
            content = delta.content
            if content and type(content) is str and self._think is None:
                choice.add_text(content)
                chunks.append(AIChunk(content=content, index=index))
            elif content:
                self._read_content(choice, content, chunks)
            thought = delta.reasoning_content or delta.reasoning
            if thought and type(thought) is str:
                choice.add_reasoning(thought)
                chunks.append(AIChunk(reasoning=thought, index=index))
            if delta.tool_calls:
                self._read_calls(choice, as_list(delta.tool_calls))
            elif delta.function_call:
                self._read_calls(choice, [{"index": 0, "function": delta.function_call}])
            if delta.refusal and type(delta.refusal) is str:
                choice.add_refusal(delta.refusal)
                chunks.append(AIChunk(refusal=delta.refusal, index=index))
        if raw.logprobs:
            self._read_logprobs(choice, raw.logprobs)
        if raw.finish_reason and type(raw.finish_reason) is str:
            self._finish_choice(choice, raw.finish_reason, chunks)

    def _read_content(self, choice: ChoiceAssembly, content: Any, chunks: list[AIChunk]) -> None:
        """Content that is no plain text: Mistral's lists of parts, or text with think tags."""
        if isinstance(content, str) and self._think is not None:
            pieces = self._think.feed(content)
        else:
            parts = parse.read_content(self.driver, {"content": content})
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

    def _read_calls(self, choice: ChoiceAssembly, deltas: list[Any]) -> None:
        """Add deltas of tool calls: id and name are replaced, arguments appended.

        An index tells which call; where a service sends none, a new id or name begins a new call.
        """
        for raw in deltas:
            delta = as_dict(raw)
            function = as_dict(delta.get("function")) or as_dict(delta.get("custom"))
            call_id, name = as_str(delta.get("id")), as_str(function.get("name"))
            if call_id == "null":
                call_id = None
            key = self._call_key(choice, delta.get("index"), call_id, name)
            call = choice.call(key)
            if call_id:
                call.id = call_id
            if name:
                call.name = name
            arguments = function.get("arguments", function.get("input"))
            if isinstance(arguments, dict):
                call.arguments = arguments
            elif isinstance(arguments, str) and isinstance(call.arguments, list):
                call.arguments.append(arguments)
            call.provider_data = parse.call_data(self.driver, delta) or call.provider_data

    def _call_key(self, choice: ChoiceAssembly, index: Any, call_id: str | None, name: str | None) -> object:
        last = next(reversed(choice.calls), None)
        if type(index) is int:
            key: object = index
            known = choice.calls.get(key)
            if known is not None and call_id and known.id and call_id != known.id and name:
                return next((k for k, call in choice.calls.items() if call.id == call_id), (index, call_id))
            if known is not None and not call_id and last != key and isinstance(last, tuple) and last[0] == index:
                return last  # the index is repeated, and the deltas without an id belong to the call begun last
            return key
        if call_id:
            return next((k for k, call in choice.calls.items() if call.id == call_id), (None, call_id))
        if name or last is None:
            return (None, len(choice.calls))
        return last

    def _read_logprobs(self, choice: ChoiceAssembly, raw: Any) -> None:
        for name, entries in as_dict(raw).items():
            if isinstance(entries, list):
                collected = choice.logprobs = choice.logprobs or {}
                collected.setdefault(name, []).extend(entries)

    def _finish_choice(self, choice: ChoiceAssembly, raw: str, chunks: list[AIChunk]) -> None:
        """Note the end of a choice. Some services say it twice; what comes last counts, and calls are handed out
        once."""
        if self._think is not None and choice.index == 0:
            self._add_pieces(choice, self._think.finish(), chunks)
        choice.raw_finish_reason = raw
        choice.finish_reason = parse.map_finish(raw)
        choice.flush()
        if any(type(part) is Refusal for part in choice.parts) and choice.finish_reason == "stop":
            choice.finish_reason = "content_filter"
        calls = choice.take_calls(cut=choice.finish_reason == "length")
        if calls:
            chunks.append(AIChunk(tool_calls=calls, index=choice.index))
        if choice.finish_reason == "error":
            raise self.driver.map_payload(
                {"error": {"message": "the provider ended the stream with finish_reason 'error'"}}
            )
        self.complete = all(other.finish_reason for other in self.answer.choices)

    def _read_usage(self, raw: dict[str, Any]) -> None:
        """Usage is cumulative where it comes several times: the last one counts."""
        self._reported = raw
        self.answer.usage = parse.parse_usage(self.driver, raw)

    def _done(self) -> None:
        self.closed = True
        if not self._seen_choice:
            raise self.driver.invalid_response("the stream ended without any choice")
        self.complete = True

    def parse_unframed(self, body: bytes, chunks: list[AIChunk]) -> None:
        """A service that ignores `stream` answers with the whole completion as JSON: take it."""
        try:
            payload = decode_json(body)
        except ValueError:
            payload = None
        if not isinstance(payload, dict) or not payload.get("choices"):
            super().parse_unframed(body, chunks)
            return
        response = parse.parse_response(self.driver, payload, self.prompt)
        answer, first = self.answer, self.answer.first
        answer.id, answer.model, answer.usage, answer.raw = response.id, response.model, response.usage, payload
        first.parts = response.parts
        first.finish_reason, first.raw_finish_reason = response.finish_reason, response.raw_finish_reason
        chunks.append(AIChunk(content=response.content, reasoning=response.reasoning, tool_calls=response.tool_calls))
        self.complete = self.closed = True

    def end(self, chunks: list[AIChunk]) -> None:
        """Hand out the last words: calls of a stream that said `[DONE]` without a finish reason."""
        if self.complete:
            for choice in self.answer.choices:
                if calls := choice.take_calls():
                    chunks.append(AIChunk(tool_calls=calls, index=choice.index))

    def build(self) -> Any:
        """The response so far, with the cost when the provider reports one."""
        response = self.answer.build()
        if self._reported:
            self.driver.report_cost(self._reported, response)
        return response


class _ThinkTags:
    """Splits text with `<think>...</think>` at its start into reasoning and answer; tags may be cut anywhere."""

    __slots__ = ("_held", "_state")

    def __init__(self) -> None:
        self._state = "start"
        self._held = ""

    def feed(self, text: str) -> list[tuple[bool, str]]:
        """Pieces as (is reasoning, text)."""
        self._held += text
        pieces: list[tuple[bool, str]] = []
        if self._state == "start":
            begun = self._held.lstrip()
            if begun.startswith("<think>"):
                self._state, self._held = "thinking", begun[len("<think>") :].lstrip("\n")
            elif not "<think>".startswith(begun):
                self._state = "answer"
        if self._state == "thinking":
            thinking, found, rest = self._held.partition("</think>")
            if found:
                self._state, self._held = "answer", rest.lstrip("\n")
                pieces += [(True, thinking)] if thinking else []
            else:
                keep = next((n for n in range(min(8, len(thinking)), 0, -1) if "</think>".startswith(thinking[-n:])), 0)
                ready = thinking[: len(thinking) - keep]
                self._held = thinking[len(ready) :]
                pieces += [(True, ready)] if ready else []
        if self._state == "answer" and self._held:
            pieces.append((False, self._held))
            self._held = ""
        return pieces

    def finish(self) -> list[tuple[bool, str]]:
        """What was held back because it could have been a tag."""
        held, self._held = self._held, ""
        return [(self._state == "thinking", held)] if held else []
