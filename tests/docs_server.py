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
    ("POST", "/files"): _FILE,
    ("GET", "/files"): {"object": "list", "data": [_FILE]},
    ("GET", "/files/file-1"): _FILE,
    ("DELETE", "/files/file-1"): {"id": "file-1", "object": "file", "deleted": True},
    ("GET", "/files/file-out/content"): "\n".join(map(json.dumps, _BATCH_LINES)).encode(),
    ("POST", "/batches"): _BATCH,
    ("GET", "/batches/batch_1"): _BATCH,
}


class DocsDriver(MockDriver):
    """The mock, which also answers operations that it has no script for."""

    def simulate(self, request: Request) -> Simulated:
        path = urlsplit(request.url).path.removeprefix("/v1")
        if (found := _REPLIES.get((request.method, path))) is not None:
            return _reply(found)
        answer: Simulated = super().simulate(request)
        return answer


def environment(url: str) -> dict[str, str]:
    """The variables with which every provider is found at `url`, which ends in /v1."""
    root = url.removesuffix("/v1")
    keys = {f"{name}_API_KEY": f"sk-{name.lower()}-for-the-examples" for name in SETTINGS}
    return {**keys, **{f"{name}_BASE_URL": root if name in ("ANTHROPIC", "GEMINI") else url for name in SETTINGS}}


def _reply(body: Any) -> Simulated:
    if not isinstance(body, bytes):
        return Simulated(headers={"content-type": "application/json"}, chunks=[json.dumps(body).encode()])
    return Simulated(headers={"content-type": "audio/mpeg"}, chunks=[body])
