"""The replies of each wire as whole HTTP replies in files, for the server on loopback.

All say the same: a whole answer of 9 + 48 tokens, and a stream of `BURST_CHUNKS` pieces of text in one burst, each
event in the shape, and with the accompanying fields, in which the real service sends it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from . import openai, others
from .content import Event

__all__ = ["WIRES", "write_replies"]

_WORDS = (
    *("A", " driver", " turns", " one", " program", "'s", " values", " into", " the", " bytes", " that", " another"),
    *(" service", " café", ",", " and", " back", " again", ".", "\n\n", ' "quoted"', " words", " here", ";"),
)
_HEADERS = (
    "date: Thu, 01 Oct 2026 12:00:00 GMT\r\n"
    "x-ratelimit-limit-requests: 30000\r\n"
    "x-ratelimit-remaining-requests: 29999\r\n"
    "x-request-id: req_0123456789abcdef0123456789abcdef\r\n"
    "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n"
    "x-content-type-options: nosniff\r\n"
    "cache-control: no-cache\r\n"
    "via: 1.1 google\r\n"
    "server: benchmark\r\n"
)


def _json(value: Event) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _sse(event: Event) -> bytes:
    return b"data: " + _json(event) + b"\n\n"


def _named_sse(event: Event) -> bytes:
    return b"event: " + event["type"].encode() + b"\n" + _sse(event)


def _line(event: Event) -> bytes:
    return _json(event) + b"\n"


def _frame(event: Event) -> bytes:
    """One message of the binary event stream: lengths, checksum, headers, payload, checksum."""
    event = dict(event)
    headers = b""
    for name, value in (
        (":event-type", event.pop("type")),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
    payload = _json(event)
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return message + struct.pack("!I", crc32(message))


class _Wire(NamedTuple):
    whole: Callable[[], Event]
    events: Callable[[list[str]], Iterable[Event]]
    framing: Callable[[Event], bytes]
    stream_type: str
    end: bytes = b""


_SSE = "text/event-stream; charset=utf-8"

_WIRES = {
    "chat_completions": _Wire(
        openai.chat_completions_whole, openai.chat_completions_events, _sse, _SSE, b"data: [DONE]\n\n"
    ),
    "responses": _Wire(openai.responses_whole, openai.responses_events, _named_sse, _SSE),
    "messages": _Wire(others.messages_whole, others.messages_events, _named_sse, _SSE),
    "generate_content": _Wire(others.generate_content_whole, others.generate_content_events, _sse, _SSE),
    "converse": _Wire(others.converse_whole, others.converse_events, _frame, "application/vnd.amazon.eventstream"),
    "cohere": _Wire(others.cohere_whole, others.cohere_events, _named_sse, _SSE),
    "ollama": _Wire(others.ollama_whole, others.ollama_events, _line, "application/x-ndjson"),
}

WIRES = tuple(_WIRES)
"""The wires' names."""


def _head(content_type: str, framing: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{_HEADERS}content-type: {content_type}\r\n{framing}\r\n\r\n".encode()


def _whole_reply(wire: _Wire) -> bytes:
    body = _json(wire.whole())
    return _head("application/json", f"content-length: {len(body)}") + body


def _stream_reply(wire: _Wire, chunks: int) -> bytes:
    """Each event is one HTTP chunk."""
    events = [wire.framing(event) for event in wire.events(list(islice(cycle(_WORDS), chunks)))]
    pieces = [b"%x\r\n%b\r\n" % (len(event), event) for event in [*events, wire.end] if event]
    return _head(wire.stream_type, "transfer-encoding: chunked") + b"".join(pieces) + b"0\r\n\r\n"


def write_replies(folder: Path, chunks: int) -> dict[str, Path]:
    """Writes the replies of all wires into `folder`; returns the files by the beginnings of the paths they answer.

    What is asked below `/WIRE/CHUNKS/0/` gets the stream, and anything else below `/WIRE/` the whole answer: the first
    that fits counts. Below `/embeddings/` there are 512 vectors of 1,536 dimensions, in base64.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, wire in _WIRES.items():
        stream, whole = folder / f"{name}.stream", folder / f"{name}.whole"
        stream.write_bytes(_stream_reply(wire, chunks))
        whole.write_bytes(_whole_reply(wire))
        files |= {f"/{name}/{chunks}/0/": stream, f"/{name}/": whole}
    vectors = folder / "embeddings.whole"
    body = _json(openai.embeddings(512, 1536))
    vectors.write_bytes(_head("application/json", f"content-length: {len(body)}") + body)
    return files | {"/embeddings/": vectors}
