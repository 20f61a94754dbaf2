"""Replies in the form of OpenAI's Chat Completions, as complete as the real ones.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
import re
from typing import Any

from .server import ScriptedReply

__all__ = ["MODEL", "answer", "calls", "rate_limited", "stream"]

MODEL = "gpt-4o-mini"
_SNAPSHOT = "gpt-4o-mini-2024-07-18"
_CREATED = 1_767_225_600
_HEADERS = {
    "x-request-id": "req_5f1d0c6e2a9b4d37",
    "openai-processing-ms": "412",
    "x-ratelimit-remaining-requests": "9999",
}


def answer(text: str, *, prompt_tokens: int = 24, cached: int = 0, **details: Any) -> ScriptedReply:
    """A whole answer of text."""
    return _whole({"content": text}, "stop", _usage(prompt_tokens, text, cached), **details)


def calls(*wanted: tuple[str, dict[str, Any]]) -> ScriptedReply:
    """A whole answer that calls tools: names and arguments."""
    tool_calls = [
        {
            "id": f"call_Zq3mW8{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for number, (name, arguments) in enumerate(wanted, 1)
    ]
    message = {"content": None, "tool_calls": tool_calls}
    return _whole(message, "tool_calls", _usage(92, json.dumps(tool_calls), 0))


def stream(text: str, *, pause: float = 0.03, until: int | None = None) -> ScriptedReply:
    """A streamed answer, word by word. With `until` the connection breaks after so many words."""
    words = re.findall(r"(?:(?<!\s)\s++)?\S+", text)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += [{"content": word} for word in words[:until]]
    events: list[Any] = [_chunk([_choice(delta)]) for delta in deltas]
    if until is None:
        events += [_chunk([_choice({}, "stop")]), {**_chunk([]), "usage": _usage(31, text, 0)}, b"[DONE]"]
    return ScriptedReply(headers=_HEADERS, events=events, pause=pause, cut=until is not None)


def rate_limited(seconds: int) -> ScriptedReply:
    """A refusal for now."""
    message = f"Rate limit reached for {MODEL} in organization org-demo on requests per min (RPM): Limit 3, Used 3."
    error = {"message": message, "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    return ScriptedReply(status=429, headers={**_HEADERS, "retry-after": str(seconds)}, body={"error": error})


def _whole(message: dict[str, Any], finish: str, usage: dict[str, Any], **details: Any) -> ScriptedReply:
    whole = {"role": "assistant", "refusal": None, "annotations": [], **message}
    choice = {"index": 0, "message": whole, "logprobs": None, "finish_reason": finish}
    body = {**_envelope("chat.completion"), "choices": [choice], "usage": usage}
    return ScriptedReply(headers=_HEADERS, body=body, **details)


def _envelope(kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-CtQ8vJr0Xk2hN5aLw7EoPz4S",
        "object": kind,
        "created": _CREATED,
        "model": _SNAPSHOT,
        "service_tier": "default",
        "system_fingerprint": "fp_06737a9306",
    }


def _chunk(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_envelope("chat.completion.chunk"), "choices": choices, "usage": None}


def _choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _usage(prompt_tokens: int, text: str, cached: int) -> dict[str, Any]:
    written = max(1, len(text) // 4)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": written,
        "total_tokens": prompt_tokens + written,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
