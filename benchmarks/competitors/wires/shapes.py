"""Typed values of what the bare clients read of each wire, under the wires' own names."""
# ruff: noqa: N815 - the wires' own names

from __future__ import annotations

from typing import Any

from msgspec import Struct

from .. import Answer

__all__ = [
    "Cohere",
    "CohereEvent",
    "Completion",
    "Converse",
    "ConverseEvent",
    "Generated",
    "Message",
    "MessageEvent",
    "OllamaLine",
    "Response",
    "ResponseEvent",
]


class _ChatMessage(Struct):
    role: str | None = None
    content: str | None = None


class _Choice(Struct):
    index: int
    message: _ChatMessage | None = None
    delta: _ChatMessage | None = None
    finish_reason: str | None = None


class _ChatUsage(Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(Struct):
    id: str
    model: str
    created: int
    choices: list[_Choice]
    usage: _ChatUsage | None = None

    def answer(self) -> Answer:
        message = self.choices[0].message
        assert message is not None
        assert self.usage is not None
        return Answer(message.content or "", self.usage.total_tokens)


class _Text(Struct):
    text: str = ""


class _OutputItem(Struct):
    type: str
    content: list[_Text] = []


class _ResponseUsage(Struct):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class Response(Struct):
    id: str
    model: str
    status: str
    output: list[_OutputItem]
    usage: _ResponseUsage | None = None

    def answer(self) -> Answer:
        assert self.usage is not None
        return Answer(self.output[0].content[0].text, self.usage.total_tokens)


class ResponseEvent(Struct):
    type: str
    delta: str = ""
    response: Response | None = None


class _MessageUsage(Struct):
    input_tokens: int
    output_tokens: int


class Message(Struct):
    id: str
    model: str
    content: list[_Text]
    usage: _MessageUsage
    stop_reason: str | None = None

    def answer(self) -> Answer:
        return Answer(self.content[0].text, self.usage.input_tokens + self.usage.output_tokens)


class _MessageDelta(Struct):
    text: str | None = None
    stop_reason: str | None = None


class MessageEvent(Struct):
    type: str
    delta: _MessageDelta | None = None
    message: Message | None = None
    usage: _MessageUsage | None = None


class _Content(Struct):
    parts: list[_Text]


class _Candidate(Struct):
    content: _Content
    finishReason: str | None = None


class _UsageMetadata(Struct):
    promptTokenCount: int
    candidatesTokenCount: int
    totalTokenCount: int


class Generated(Struct):
    candidates: list[_Candidate]
    usageMetadata: _UsageMetadata
    modelVersion: str
    responseId: str

    def answer(self) -> Answer:
        return Answer(self.candidates[0].content.parts[0].text, self.usageMetadata.totalTokenCount)


class _ConverseMessage(Struct):
    content: list[_Text]


class _Output(Struct):
    message: _ConverseMessage


class _ConverseUsage(Struct):
    inputTokens: int
    outputTokens: int
    totalTokens: int


class Converse(Struct):
    output: _Output
    stopReason: str
    usage: _ConverseUsage

    def answer(self) -> Answer:
        return Answer(self.output.message.content[0].text, self.usage.totalTokens)


class ConverseEvent(Struct):
    delta: _Text | None = None
    stopReason: str | None = None
    usage: _ConverseUsage | None = None


class _Tokens(Struct):
    input_tokens: int
    output_tokens: int


class _CohereUsage(Struct):
    tokens: _Tokens

    def total(self) -> int:
        return self.tokens.input_tokens + self.tokens.output_tokens


class _CohereMessage(Struct):
    content: list[_Text]


class Cohere(Struct):
    id: str
    message: _CohereMessage
    finish_reason: str
    usage: _CohereUsage

    def answer(self) -> Answer:
        return Answer(self.message.content[0].text, self.usage.total())


class _CohereText(Struct):
    content: _Text | list[Any] = []


class _CohereDelta(Struct):
    message: _CohereText | None = None
    finish_reason: str | None = None
    usage: _CohereUsage | None = None


class CohereEvent(Struct):
    type: str
    delta: _CohereDelta | None = None


class _OllamaMessage(Struct):
    role: str
    content: str


class OllamaLine(Struct):
    model: str
    created_at: str
    message: _OllamaMessage
    done: bool
    prompt_eval_count: int = 0
    eval_count: int = 0

    def answer(self) -> Answer:
        return Answer(self.message.content, self.prompt_eval_count + self.eval_count)
