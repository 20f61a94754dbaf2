"""The least that a bare client needs for Chat Completions: a request, a typed reply, a stream's events."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from . import API_KEY, MODEL, PROMPT, Answer

__all__ = ["HEADERS", "TextReader", "encode_request", "read_answer"]

HEADERS = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}


class _Message(msgspec.Struct):
    role: str | None = None
    content: str | None = None


class _Choice(msgspec.Struct):
    index: int
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class _Reply(msgspec.Struct):
    id: str
    model: str
    created: int
    choices: list[_Choice]
    usage: _Usage | None = None


_reply = msgspec.json.Decoder(_Reply)
_encode = msgspec.json.Encoder().encode


def encode_request(*, stream: bool = False) -> bytes:
    """The body of one request."""
    request: dict[str, object] = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]}
    if stream:
        request |= {"stream": True, "stream_options": {"include_usage": True}}
    return _encode(request)


def read_answer(body: bytes) -> Answer:
    """Decodes a whole reply."""
    reply = _reply.decode(body)
    message, usage = reply.choices[0].message, reply.usage
    assert message is not None
    assert usage is not None
    return Answer(message.content or "", usage.total_tokens)


class TextReader:
    """Reads server-sent events incrementally and hands on the text of each; `done` is true after `[DONE]`."""

    def __init__(self, on_text: Callable[[str], object]) -> None:
        self.total_tokens = 0
        self.done = False
        self._on_text = on_text
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the body, split anywhere."""
        *events, self._rest = (self._rest + data).split(b"\n\n") if self._rest else data.split(b"\n\n")
        for event in events:
            payload = event[6:]
            if payload == b"[DONE]":
                self.done = True
                return
            reply = _reply.decode(payload)
            if reply.usage is not None:
                self.total_tokens = reply.usage.total_tokens
            for choice in reply.choices:
                if choice.delta is not None and choice.delta.content:
                    self._on_text(choice.delta.content)
