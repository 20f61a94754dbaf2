"""What Ollama's chat API refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .base import RuleBook, SentRequest
from .shapes import blob, breaches, words

__all__ = ["RULES"]

TYPES = "https://github.com/ollama/ollama/blob/main/api/types.go and https://docs.ollama.com/api"

_CALL = {"id": "string", "type": "string", "function!": {"index": "integer", "name!": "string", "arguments!": "object"}}
_MESSAGE = {
    "role!": words("system", "user", "assistant", "tool"),
    **dict.fromkeys(("content", "thinking", "tool_name", "tool_call_id"), "string"),
    "images": [blob()],
    "tool_calls": [_CALL],
}
_TOOL = {"type": "string", "function!": {"name!": "string", "description": "string", "parameters": "object"}}
_INTEGERS = (
    "num_ctx",
    "num_predict",
    "num_keep",
    "num_gpu",
    "num_thread",
    "num_batch",
    "seed",
    "top_k",
    "repeat_last_n",
)
_NUMBERS = ("temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty")
_OPTIONS = {**dict.fromkeys(_INTEGERS, "integer"), **dict.fromkeys(_NUMBERS, "number"), "stop": ["string"]}
_BODY: dict[str, Any] = {
    "model!": "string",
    "messages": [_MESSAGE],
    "stream": "boolean",
    "tools": [_TOOL],
    "format": (words("json", ""), "object"),
    "options": _OPTIONS,
    "keep_alive": ("string", "number"),
    "think": ("boolean", words("low", "medium", "high", "max")),
    "logprobs": "boolean",
    "top_logprobs": "integer",
}

RULES = RuleBook()


@RULES.rule(
    "ollama.body",
    "a field has the wrong JSON type: arguments of a call are an object, images are base64, format is 'json' or a JSON schema, think is a boolean, or low, medium, high",
    TYPES,
)
def _shape(sent: SentRequest) -> Iterator[str]:
    # Go leaves unknown fields out of account.
    yield from breaches(_BODY, sent.body, unknown=False)
