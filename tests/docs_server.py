"""What the documentation's examples talk to: the mock driver, and canned replies for what it does not speak."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from polydriver import MockDriver
from polydriver.data.http import Request, Simulated

__all__ = ["PIXEL", "SETTINGS", "DocsDriver", "environment"]

SETTINGS = ("OPENAI", "GROQ", "ANTHROPIC", "GEMINI", "MISTRAL", "DEEPSEEK", "TOGETHER", "OPENROUTER")
"""The prefixes of the providers that a user of the examples has keys for."""

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_SOUND = b"ID3 sound"
_STORED = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5", "output": []}
_SAID = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "42", "annotations": []}],
}
_FILE = {"id": "file-1", "object": "file", "bytes": 120, "filename": "prompts.jsonl", "purpose": "user_data"}
_BATCH = {
    "id": "batch_1",
    "object": "batch",
    "status": "completed",
    "output_file_id": "file-out",
    "request_counts": {"total": 1, "completed": 1, "failed": 0},
}
_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}
_BATCH_LINES = [
    {"id": f"batch_req_{name}", "custom_id": name, "response": {"status_code": 200, "body": _ANSWER}, "error": None}
    for name in ("sum", "product")
]
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 12, "output_tokens": 3},
}
_GENERATED = {
    "responseId": "gen_1",
    "modelVersion": "gemini-2.5-flash",
    "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 3, "totalTokenCount": 15},
}

_REPLIES: dict[tuple[str, str], Any] = {
    ("POST", "/images/generations"): {"created": 1, "data": [{"b64_json": PIXEL}]},
    ("POST", "/images/edits"): {"created": 1, "data": [{"b64_json": PIXEL}]},
    ("POST", "/audio/speech"): _SOUND,
    ("POST", "/audio/transcriptions"): {"text": "Hello there.", "duration": 1.5, "language": "english"},
    ("POST", "/audio/translations"): {"text": "Hello there."},
    ("POST", "/rerank"): {
        "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
        "model": "rerank",
    },
    ("POST", "/responses/input_tokens"): {"object": "response.input_tokens", "input_tokens": 11},
    ("POST", "/responses"): {**_STORED, "status": "queued"},
    ("GET", "/responses/resp_1"): {**_STORED, "output": [_SAID], "usage": {"input_tokens": 9, "output_tokens": 1}},
    ("POST", "/files"): _FILE,
    ("GET", "/files"): {"object": "list", "data": [_FILE]},
    ("GET", "/files/file-1"): _FILE,
    ("DELETE", "/files/file-1"): {"id": "file-1", "object": "file", "deleted": True},
    ("GET", "/files/file-out/content"): "\n".join(map(json.dumps, _BATCH_LINES)).encode(),
    ("POST", "/batches"): _BATCH,
    ("GET", "/batches/batch_1"): _BATCH,
}


class DocsDriver(MockDriver):
    """The mock, which also answers operations that it has no script for, and two other wires, in their own forms."""

    def simulate(self, request: Request) -> Simulated:
        path = urlsplit(request.url).path.removeprefix("/v1")
        if (found := _REPLIES.get((request.method, path))) is not None:
            return _reply(found)
        body = json.loads(request.body or b"{}")
        if path.endswith("/messages"):
            text = self._answer(request, body["model"], body["messages"])
            return _reply(_message_events(text) if body.get("stream") else {**_MESSAGE, "content": [_text_block(text)]})
        if "models/" in path and ":" in path:
            said = [{"role": "user", "content": turn["parts"]} for turn in body["contents"]]
            text = self._answer(request, "gemini", said)
            content = {"role": "model", "parts": [{"text": text}]}
            whole = {**_GENERATED, "candidates": [{"content": content, "finishReason": "STOP"}]}
            return _reply(f"data: {json.dumps(whole)}\n\n".encode() if ":stream" in path else whole)
        answer: Simulated = super().simulate(request)
        return answer

    def _answer(self, request: Request, model: str, messages: list[Any]) -> str:
        """What the script says to a call on another wire: texts only."""
        body = json.dumps({"model": model, "messages": messages}).encode()
        url = "http://localhost/v1/chat/completions"
        answer = super().simulate(Request(method="POST", url=url, headers=request.headers, body=body))
        return str(json.loads(b"".join(answer.chunks))["choices"][0]["message"]["content"])


def _message_events(text: str) -> bytes:
    """A stream of Anthropic's, with the text in one piece."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**_MESSAGE, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": _text_block("")},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def _text_block(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def environment(url: str) -> dict[str, str]:
    """The variables with which every provider is found at `url`."""
    keys = {f"{name}_API_KEY": f"sk-{name.lower()}-for-the-examples" for name in SETTINGS}
    return {**keys, **{f"{name}_BASE_URL": url for name in SETTINGS}}


def _reply(body: Any) -> Simulated:
    if not isinstance(body, bytes):
        return Simulated(headers={"content-type": "application/json"}, chunks=[json.dumps(body).encode()])
    kind = "text/event-stream" if body.startswith((b"data:", b"event:")) else "audio/mpeg"
    return Simulated(headers={"content-type": kind}, chunks=[body])
