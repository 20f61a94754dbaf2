"""What a mock answers beyond chat: always the same to the same request."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from ...data.http import Simulated
from .calls import MockCall
from .forms import CREATED, json_reply
from .usage import estimate_tokens

__all__ = ["ANSWERS", "picture", "vector"]

_DIMENSIONS = 8
_CATEGORIES = ("harassment", "hate", "self-harm", "sexual", "violence")
_RATE = 8000


def _inputs(body: dict[str, Any]) -> list[Any]:
    given = body.get("input")
    return given if isinstance(given, list) else [given]


def _embed(call: MockCall, body: dict[str, Any]) -> Simulated:
    """Vectors that are the same for the same text, and of length 1."""
    inputs = [str(item) for item in _inputs(body)]
    size = body.get("dimensions")
    as_base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _encode(vector(text, size), as_base64)}
        for index, text in enumerate(inputs)
    ]
    tokens = sum(estimate_tokens(text) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json_reply({"object": "list", "data": data, "model": call.model, "usage": usage}, call.number)


def vector(text: str, size: Any = None) -> list[float]:
    """A vector of length 1 that depends on the text alone; `size` numbers, or 8 if that is not a sensible count."""
    size = size if isinstance(size, int) and 0 < size <= 4096 else _DIMENSIONS
    raw = [byte / 127.5 - 1.0 for byte in hashlib.shake_256(text.encode("utf-8", "replace")).digest(size)]
    length = sum(value * value for value in raw) ** 0.5 or 1.0
    return [round(value / length, 6) for value in raw]


def _encode(numbers: list[float], as_base64: bool) -> list[float] | str:
    if not as_base64:
        return numbers
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode("ascii")


def _moderate(call: MockCall, body: dict[str, Any]) -> Simulated:
    """Nothing is ever flagged. A list of parts (dicts) is one item, a list of texts has one each."""
    judgement = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0),
    }
    items = _inputs(body)
    results = [judgement] if items and isinstance(items[0], dict) else [judgement for _ in items]
    return json_reply({"id": f"modr-mock-{call.number}", "model": call.model, "results": results}, call.number)


def _draw(call: MockCall, body: dict[str, Any]) -> Simulated:
    """Pictures of one pixel, whose colour depends on the prompt."""
    wanted = body.get("n")
    drawn = {"b64_json": base64.b64encode(picture(str(body.get("prompt")))).decode("ascii")}
    data = [drawn] * (wanted if isinstance(wanted, int) and 0 < wanted <= 10 else 1)
    return json_reply({"created": CREATED, "data": data}, call.number)


def picture(prompt: str) -> bytes:
    """A PNG of one pixel, whose colour depends on the prompt. https://www.w3.org/TR/png-3/"""
    colour = hashlib.shake_256(prompt.encode("utf-8", "replace")).digest(3)
    chunks = (
        (b"IHDR", struct.pack("!IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" + colour)),
        (b"IEND", b""),
    )
    framed = (
        struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _speak(call: MockCall, body: dict[str, Any]) -> Simulated:
    """Silence as WAV, a hundredth of a second for each character."""
    samples = bytes([128]) * (len(str(body.get("input") or "")) * _RATE // 100)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _RATE, _RATE, 1, 8)
    data = b"WAVE" + form + struct.pack("<4sI", b"data", len(samples)) + samples
    headers = {"content-type": "audio/wav", "x-request-id": f"req_mock_{call.number}"}
    return Simulated(headers=headers, chunks=[struct.pack("<4sI", b"RIFF", len(data)) + data])


ANSWERS: Mapping[str, Callable[[MockCall, dict[str, Any]], Simulated]] = {
    "embeddings": _embed,
    "moderations": _moderate,
    "images": _draw,
    "speech": _speak,
}
"""The answer to each operation, by its name in `MockCall`."""
