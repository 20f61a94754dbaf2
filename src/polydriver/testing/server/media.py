"""What OpenAI's API has for pictures and sound, beside what the mock driver itself answers; and what others added.

https://platform.openai.com/docs/api-reference/audio, https://platform.openai.com/docs/api-reference/images
"""

from __future__ import annotations

import re
from typing import Any

from ...data.http import Simulated
from ...data.json import as_dict, as_list, encode_json
from ...drivers.mock.calls import MockCall
from ...drivers.mock.forms import json_reply
from ...drivers.mock.operations import ANSWERS
from ...drivers.mock.usage import estimate_tokens
from .asking import Answered, Ask, RefusedError, Route
from .files import read_form

__all__ = ["MEDIA"]

_BYTES_A_SECOND = 8000


def _edit_image(ask: Ask) -> Answered:
    """Pictures that depend on the prompt, as for a generation; the request is a form or JSON."""
    if ask.request.headers.get("content-type", "").startswith("multipart/"):
        fields, files = read_form(ask)
        body: dict[str, Any] = {**fields, "image": [file.filename for file in files]}
        if fields.get("n", "").isdecimal():
            body["n"] = int(fields["n"])
    else:
        body = ask.json()
        files = as_list(body.get("images") or body.get("image"))
    if not files or not body.get("prompt"):
        raise RefusedError("there must be an image and a prompt")
    return ask.operate("image_edits", {"model": "", **body}, ANSWERS["images"])


def _transcribe(ask: Ask, operation: str) -> Answered:
    """What the script says, else a sentence with the file's name; in each of the API's formats, and streamed."""
    fields, files = read_form(ask)
    if not files or not fields.get("model"):
        raise RefusedError("there must be a file and a model")
    file = files[0]
    body = {**fields, "messages": [{"role": "user", "content": file.filename}]}

    def answer(call: MockCall, _: dict[str, Any]) -> Simulated:
        text = ask.service.scripted_text(call) or f"This is a mock transcript of {file.filename}."
        return _write_transcript(call, fields, text, round(max(len(file.data), 80) / _BYTES_A_SECOND, 2), operation)

    return ask.operate(operation, body, answer)


def _write_transcript(call: MockCall, fields: dict[str, str], text: str, seconds: float, operation: str) -> Simulated:
    form = fields.get("response_format", "json")
    start, end = (f"00:00:00,000 --> 00:00:{seconds:06.3f}".replace(".", ",")).split(" --> ")
    plain = {
        "text": f"{text}\n",
        "srt": f"1\n{start} --> {end}\n{text}\n\n",
        "vtt": f"WEBVTT\n\n{start} --> {end}\n{text}\n\n".replace(",", "."),
    }
    if form in plain:
        return Simulated(headers={"content-type": "text/plain; charset=utf-8"}, chunks=[plain[form].encode()])
    usage = {"type": "duration", "seconds": max(1, round(seconds))}
    if fields.get("stream") == "true":
        events: list[dict[str, Any]] = [{"type": "transcript.text.delta", "delta": f"{word} "} for word in text.split()]
        events.append({"type": "transcript.text.done", "text": text, "usage": usage})
        chunks = [b"data: " + encode_json(event) + b"\n\n" for event in events]
        return Simulated(headers={"content-type": "text/event-stream; charset=utf-8"}, chunks=chunks)
    if form != "verbose_json":
        return json_reply({"text": text, "usage": usage}, call.number)
    segment = {
        "id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": text, "tokens": [], "temperature": 0.0,
        "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0,
    }  # fmt: skip
    task = "translate" if operation == "translate" else "transcribe"
    whole = {"task": task, "language": "english", "duration": seconds, "text": text, "segments": [segment]}
    if "word" in "".join(value for name, value in fields.items() if name.startswith("timestamp_granularities")):
        words = text.split()
        step = seconds / max(len(words), 1)
        whole["words"] = [
            {"word": word, "start": round(step * place, 3), "end": round(step * (place + 1), 3)}
            for place, word in enumerate(words)
        ]
    return json_reply({**whole, "usage": usage}, call.number)


def _rerank(call: MockCall, body: dict[str, Any]) -> Simulated:
    """Documents by the share of the query's words that they have."""
    asked = _words(str(body.get("query")))
    documents = [
        str(as_dict(document).get("text") or document) if isinstance(document, dict) else str(document)
        for document in as_list(body.get("documents"))
    ]
    scores = [len(asked & _words(text)) / max(len(asked), 1) for text in documents]
    order = sorted(range(len(documents)), key=lambda place: -scores[place])
    most = body.get("top_n")
    results = [{"index": place, "relevance_score": round(scores[place], 4)} for place in order]
    tokens = sum(map(estimate_tokens, documents))
    usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
    shown = results[:most] if isinstance(most, int) else results
    return json_reply(
        {"id": f"rerank-mock-{call.number}", "object": "rerank", "results": shown, "model": call.model, "usage": usage},
        call.number,
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _read_document(call: MockCall, body: dict[str, Any]) -> Simulated:
    """One page of Markdown for each that is asked for."""
    pages = [page for page in as_list(body.get("pages")) if isinstance(page, int)] or [0]
    read = [{"index": page, "markdown": f"# Page {page}\n\nA mock of what it says.", "images": []} for page in pages]
    return json_reply({"pages": read, "model": call.model, "usage_info": {"pages_processed": len(read)}}, call.number)


MEDIA: tuple[Route, ...] = (
    ("POST", "/images/edits", _edit_image),
    ("POST", "/audio/transcriptions", lambda ask: _transcribe(ask, "transcribe")),
    ("POST", "/audio/translations", lambda ask: _transcribe(ask, "translate")),
    ("POST", "/rerank", lambda ask: ask.operate("rerank", ask.body(), _rerank)),
    ("POST", "/ocr", lambda ask: ask.operate("ocr", ask.body(), _read_document)),
)
"""Forms with files, and JSON."""
