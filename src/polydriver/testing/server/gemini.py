"""What Google AI Studio has: generateContent, embeddings, pictures, speech, token counts, files, models."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from ...data.http import Simulated
from ...data.json import as_dict, as_list
from ...drivers.mock.calls import MockCall, message_text
from ...drivers.mock.forms import json_reply
from ...drivers.mock.operations import picture, vector
from ...drivers.mock.usage import estimate_tokens
from ...wires.generate_content.names import with_camel_names
from .asking import Answered, Ask, RefusedError, Route
from .files import GEMINI_FILES
from .gemini_batches import GEMINI_BATCHES
from .generate_content import GENERATE_CONTENT

__all__ = ["ROUTES"]


def _generate(ask: Ask) -> Answered:
    """A prompt; pictures or speech where the configuration asks for them."""
    body = as_dict(with_camel_names(ask.body(model=ask.found[0])))
    wanted = as_list(as_dict(body.get("generationConfig")).get("responseModalities"))
    if "IMAGE" in wanted:
        return ask.operate("images", body, _draw)
    if "AUDIO" in wanted:
        return ask.operate("speech", body, _speak)
    return ask.chat(model=ask.found[0], stream=False)


def _asked(body: dict[str, Any]) -> str:
    messages = GENERATE_CONTENT.read_call(body)["messages"]
    return message_text(messages[-1]) if messages else ""


def _made(call: MockCall, kind: str, data: bytes) -> Simulated:
    part = {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}}
    candidate = {"content": {"parts": [part], "role": "model"}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": len(data), "totalTokenCount": 1 + len(data)}
    whole = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": call.model}
    return json_reply({**whole, "responseId": f"mock-{call.number}"}, call.number)


def _draw(call: MockCall, body: dict[str, Any]) -> Simulated:
    return _made(call, "image/png", picture(_asked(body)))


def _speak(call: MockCall, body: dict[str, Any]) -> Simulated:
    """Silence, 16 bits a sample."""
    return _made(call, "audio/L16;codec=pcm;rate=24000", bytes(2 * 240 * max(len(_asked(body)), 1)))


def _predict(ask: Ask) -> Answered:
    """Imagen's pictures."""

    def answer(call: MockCall, body: dict[str, Any]) -> Simulated:
        prompt = as_dict(next(iter(as_list(body.get("instances"))), None)).get("prompt")
        wanted = as_dict(body.get("parameters")).get("sampleCount")
        data = base64.b64encode(picture(str(prompt))).decode()
        made = [{"mimeType": "image/png", "bytesBase64Encoded": data}]
        return json_reply({"predictions": made * (wanted if isinstance(wanted, int) and 0 < wanted < 9 else 1)}, 0)

    return ask.operate("images", ask.body(model=ask.found[0]), answer)


def _stream(ask: Ask) -> Answered:
    """Server-sent events with `alt=sse`; without, one JSON list that comes in pieces."""
    answered = ask.chat(model=ask.found[0], stream=True)
    if ask.query("alt") == "sse" or not isinstance(answered, Simulated) or answered.status != 200:
        return answered
    events = [event.removeprefix(b"data: ").rstrip() for event in answered.chunks]
    chunks = [(b"[" if place == 0 else b",\r\n") + event for place, event in enumerate(events)]
    if answered.end == "clean":
        chunks.append(b"]")
    headers = {**answered.headers, "content-type": "application/json; charset=UTF-8"}
    return msgspec.structs.replace(answered, headers=headers, chunks=chunks)


def _count(ask: Ask) -> Answered:
    body = ask.body(model=ask.found[0])
    inner = as_dict(body.get("generateContentRequest"))

    def write(tokens: int) -> dict[str, Any]:
        return {"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]}

    return ask.count({**inner, **body}, write)


def _embed(call: MockCall, requests: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    embeddings, tokens = [], 0
    for request in requests:
        text = message_text({"content": as_list(as_dict(request.get("content")).get("parts"))})
        size = request.get("outputDimensionality")
        embeddings.append({"values": vector(text, size)})
        tokens += estimate_tokens(text)
    return embeddings, {"promptTokenCount": tokens}


def _embed_one(ask: Ask) -> Answered:
    def answer(call: MockCall, body: dict[str, Any]) -> Simulated:
        embeddings, usage = _embed(call, [body])
        return json_reply({"embedding": embeddings[0], "usageMetadata": usage}, call.number)

    return ask.operate("embeddings", ask.body(model=ask.found[0]), answer)


def _embed_many(ask: Ask) -> Answered:
    def answer(call: MockCall, body: dict[str, Any]) -> Simulated:
        embeddings, usage = _embed(call, [as_dict(item) for item in as_list(body.get("requests"))])
        return json_reply({"embeddings": embeddings, "usageMetadata": usage}, call.number)

    return ask.operate("embeddings", ask.body(model=ask.found[0]), answer)


def _write_model(name: str) -> dict[str, Any]:
    methods = ["embedContent"] if "embedding" in name else ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": methods,
    }


def _list_models(ask: Ask) -> Answered:
    return json_reply({"models": [_write_model(name) for name in ask.service.models]}, 0)


def _get_model(ask: Ask) -> Answered:
    if ask.found[0] not in ask.service.models:
        raise RefusedError(f"models/{ask.found[0]} is not found for API version v1beta.", 404)
    return json_reply(_write_model(ask.found[0]), 0)


ROUTES: tuple[Route, ...] = (
    ("POST", "/models/([^/]+):generateContent", _generate),
    ("POST", "/models/([^/]+):streamGenerateContent", _stream),
    ("POST", "/models/([^/]+):countTokens", _count),
    ("POST", "/models/([^/]+):embedContent", _embed_one),
    ("POST", "/models/([^/]+):batchEmbedContents", _embed_many),
    ("POST", "/models/([^/]+):predict", _predict),
    *GEMINI_BATCHES,
    *GEMINI_FILES,
    ("GET", "/models", _list_models),
    ("GET", "/models/([^/:]+)", _get_model),
)
"""The paths of Google AI Studio's API."""
