"""The bodies and events of OpenAI's two wires."""

from __future__ import annotations

import base64
import random
from array import array
from collections.abc import Iterator

from .content import INPUT, OUTPUT, TEXT, Event

__all__ = [
    "chat_completions_events", "chat_completions_whole", "embeddings", "responses_events", "responses_whole",
]  # fmt: skip

_CREATED = 1790856000


def chat_completions_whole() -> Event:
    message = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
    return {
        "id": "chatcmpl-CLqYw2v1mT3uXbS8zK5dRf7eNpAoJ",
        "object": "chat.completion",
        "created": _CREATED,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _chat_usage(OUTPUT),
        "service_tier": "default",
        "system_fingerprint": "fp_51db84afab",
    }


def _chat_usage(output: int) -> Event:
    return {
        "prompt_tokens": INPUT,
        "completion_tokens": output,
        "total_tokens": INPUT + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def embeddings(count: int, dimensions: int) -> Event:
    chance = random.Random(1)

    def vector() -> str:
        numbers = array("f", (chance.uniform(-0.1, 0.1) for _ in range(dimensions)))
        return base64.b64encode(numbers.tobytes()).decode()

    data = [{"object": "embedding", "index": index, "embedding": vector()} for index in range(count)]
    usage = {"prompt_tokens": count * 3, "total_tokens": count * 3}
    return {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}


def chat_completions_events(words: list[str]) -> Iterator[Event]:
    def chunk(choices: list[Event], usage: Event | None = None) -> Event:
        return {
            "id": "chatcmpl-CLqYw2v1mT3uXbS8zK5dRf7eNpAoJ",
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": "gpt-4o-mini-2024-07-18",
            "service_tier": "default",
            "system_fingerprint": "fp_51db84afab",
            "choices": choices,
            "usage": usage,
        }

    def choice(delta: Event, finish: str | None = None) -> list[Event]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]

    yield chunk(choice({"role": "assistant", "content": "", "refusal": None}))
    for word in words:
        yield chunk(choice({"content": word}))
    yield chunk(choice({}, "stop"))
    yield chunk([], _chat_usage(len(words)))


def _response(status: str, output: list[Event], tokens: int | None) -> Event:
    usage = {
        "input_tokens": INPUT,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT + (tokens or 0),
    }
    return {
        "id": "resp_68e0f7a0c4d881909f3b",
        "object": "response",
        "created_at": _CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": "gpt-4o-mini-2024-07-18",
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage if tokens else None,
        "metadata": {},
    }


def _output_text(text: str) -> Event:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _output_message(status: str, content: list[Event]) -> Event:
    return {"id": "msg_68e0f7a1b2c3", "type": "message", "status": status, "content": content, "role": "assistant"}


def responses_whole() -> Event:
    return _response("completed", [_output_message("completed", [_output_text(TEXT)])], OUTPUT)


def responses_events(words: list[str]) -> Iterator[Event]:
    text = "".join(words)
    place = {"item_id": "msg_68e0f7a1b2c3", "output_index": 0, "content_index": 0}
    done = _output_message("completed", [_output_text(text)])
    events: list[Event] = [
        {"type": "response.created", "response": _response("in_progress", [], None)},
        {"type": "response.in_progress", "response": _response("in_progress", [], None)},
        {"type": "response.output_item.added", "output_index": 0, "item": _output_message("in_progress", [])},
        {"type": "response.content_part.added", **place, "part": _output_text("")},
        *(
            {"type": "response.output_text.delta", **place, "delta": word, "logprobs": [], "obfuscation": "kVq3bXw9"}
            for word in words
        ),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": _output_text(text)},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": _response("completed", [done], len(words))},
    ]
    for number, event in enumerate(events):
        yield {"type": event.pop("type"), "sequence_number": number, **event}
