"""The least that a bare client needs to read each wire: its framing, and typed values of what is shown."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Protocol
from zlib import crc32

import msgspec

from .. import Answer
from . import shapes

__all__ = ["READERS", "Reader", "Whole"]


class Whole(Protocol):
    """A decoded whole reply."""

    def answer(self) -> Answer:
        """Its text and tokens."""


class Reader(ABC):
    """Reads a stream incrementally and hands on the text of each event; `total_tokens` at its end."""

    whole: ClassVar[type[Any]]
    event: ClassVar[type[Any]]
    decode: ClassVar[Callable[[bytes], Any]]

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "event"):
            cls.decode = msgspec.json.Decoder(cls.event).decode

    def __init__(self, on_text: Callable[[str], object]) -> None:
        self.total_tokens = 0
        self._on_text = on_text
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the body, split anywhere."""
        for event in self.split(self._rest + data if self._rest else data):
            self.read(self.decode(event))

    @abstractmethod
    def split(self, data: bytes) -> list[bytes]:
        """The JSON of each whole event; keeps the rest."""

    @abstractmethod
    def read(self, event: Any) -> None:
        """Takes one event."""


class _SSE(Reader):
    def split(self, data: bytes) -> list[bytes]:
        *events, self._rest = data.split(b"\n\n")
        return [event[6:] for event in events if event != b"data: [DONE]"]


class _NamedSSE(Reader):
    def split(self, data: bytes) -> list[bytes]:
        *events, self._rest = data.split(b"\n\n")
        return [event.partition(b"\ndata: ")[2] for event in events]


class _Lines(Reader):
    def split(self, data: bytes) -> list[bytes]:
        *events, self._rest = data.split(b"\n")
        return events


class _Frames(Reader):
    def split(self, data: bytes) -> list[bytes]:
        events, start = [], 0
        while len(data) - start >= 12:
            total, headers = struct.unpack_from("!II", data, start)
            end = start + total
            if end > len(data):
                break
            if crc32(data[start : end - 4]) != int.from_bytes(data[end - 4 : end]):
                raise ValueError("a wrong checksum")
            events.append(data[start + 12 + headers : end - 4])
            start = end
        self._rest = data[start:]
        return events


class _ChatCompletions(_SSE):
    whole = event = shapes.Completion

    def read(self, event: shapes.Completion) -> None:
        if event.usage is not None:
            self.total_tokens = event.usage.total_tokens
        for choice in event.choices:
            if choice.delta is not None and choice.delta.content:
                self._on_text(choice.delta.content)


class _Responses(_NamedSSE):
    whole, event = shapes.Response, shapes.ResponseEvent

    def read(self, event: shapes.ResponseEvent) -> None:
        if event.type == "response.output_text.delta":
            self._on_text(event.delta)
        elif event.type == "response.completed":
            assert event.response is not None
            self.total_tokens = event.response.answer().total_tokens


class _Messages(_NamedSSE):
    whole, event = shapes.Message, shapes.MessageEvent

    def read(self, event: shapes.MessageEvent) -> None:
        if event.type == "content_block_delta":
            assert event.delta is not None
            if event.delta.text:
                self._on_text(event.delta.text)
        elif event.usage is not None:
            self.total_tokens = event.usage.input_tokens + event.usage.output_tokens


class _GenerateContent(_SSE):
    whole = event = shapes.Generated

    def read(self, event: shapes.Generated) -> None:
        answer = event.answer()
        self.total_tokens = answer.total_tokens
        if answer.text:
            self._on_text(answer.text)


class _Converse(_Frames):
    whole, event = shapes.Converse, shapes.ConverseEvent

    def read(self, event: shapes.ConverseEvent) -> None:
        if event.delta is not None and event.delta.text:
            self._on_text(event.delta.text)
        elif event.usage is not None:
            self.total_tokens = event.usage.totalTokens


class _Cohere(_NamedSSE):
    whole, event = shapes.Cohere, shapes.CohereEvent

    def read(self, event: shapes.CohereEvent) -> None:
        if event.type == "content-delta":
            assert event.delta is not None
            assert event.delta.message is not None
            self._on_text(event.delta.message.content.text)
        elif event.type == "message-end":
            assert event.delta is not None
            assert event.delta.usage is not None
            self.total_tokens = event.delta.usage.total()


class _Ollama(_Lines):
    whole = event = shapes.OllamaLine

    def read(self, event: shapes.OllamaLine) -> None:
        if event.message.content:
            self._on_text(event.message.content)
        if event.done:
            self.total_tokens = event.answer().total_tokens


READERS: dict[str, type[Reader]] = {
    "chat_completions": _ChatCompletions,
    "responses": _Responses,
    "messages": _Messages,
    "generate_content": _GenerateContent,
    "converse": _Converse,
    "cohere": _Cohere,
    "ollama": _Ollama,
}
