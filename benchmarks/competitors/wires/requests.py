"""What each wire is asked: the model, the path below the base URL, and the body of a request."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from .. import API_KEY, MODEL, PROMPT

__all__ = ["MODELS", "REQUESTS", "WireRequest"]

MODELS = {
    "chat_completions": MODEL,
    "responses": MODEL,
    "messages": "claude-sonnet-4-5",
    "generate_content": "gemini-2.5-flash",
    "converse": "amazon.nova-lite-v1:0",
    "cohere": "command-a-03-2025",
    "ollama": "llama3.2",
}

_USER = {"role": "user", "content": PROMPT}
_encode = msgspec.json.Encoder().encode


class WireRequest(NamedTuple):
    """The paths and bodies of one wire, for whole answers and for streams."""

    call_path: str
    stream_path: str
    call: dict[str, object]
    stream: dict[str, object]
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "

    def headers(self) -> dict[str, str]:
        return {self.key_header: self.key_prefix + API_KEY, "Content-Type": "application/json"}

    def encode(self, *, stream: bool) -> bytes:
        return _encode(self.stream if stream else self.call)


def _flagged(path: str, body: dict[str, object], *, key_header: str = "", **streamed: object) -> WireRequest:
    """A wire with one path for both, which asks for a stream in the body."""
    key = (key_header, "") if key_header else ("Authorization", "Bearer ")
    return WireRequest(path, path, body | {"stream": False}, body | {"stream": True, **streamed}, *key)


_GENERATE = f"/models/{MODELS['generate_content']}"
_CONVERSE = "/model/amazon.nova-lite-v1%3A0"
_CONTENTS: dict[str, object] = {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}
_BLOCKS: dict[str, object] = {"messages": [{"role": "user", "content": [{"text": PROMPT}]}]}

REQUESTS = {
    "chat_completions": _flagged(
        "/chat/completions", {"model": MODEL, "messages": [_USER]}, stream_options={"include_usage": True}
    ),
    "responses": _flagged("/responses", {"model": MODEL, "input": [_USER]}),
    "messages": _flagged(
        "/messages",
        {"model": MODELS["messages"], "max_tokens": 4096, "messages": [_USER]},
        key_header="x-api-key",
    ),
    "generate_content": WireRequest(
        f"{_GENERATE}:generateContent",
        f"{_GENERATE}:streamGenerateContent?alt=sse",
        _CONTENTS,
        _CONTENTS,
        "x-goog-api-key",
        "",
    ),
    "converse": WireRequest(f"{_CONVERSE}/converse", f"{_CONVERSE}/converse-stream", _BLOCKS, _BLOCKS),
    "cohere": _flagged("/v2/chat", {"model": MODELS["cohere"], "messages": [_USER]}),
    "ollama": _flagged("/api/chat", {"model": MODELS["ollama"], "messages": [_USER]}),
}
