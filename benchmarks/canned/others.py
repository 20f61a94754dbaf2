"""The bodies and events of the other wires. An event's `type` may be its name in the framing."""

from __future__ import annotations

from collections.abc import Iterator

from .content import INPUT, OUTPUT, TEXT, Event

__all__ = [
    "cohere_events",
    "cohere_whole",
    "converse_events",
    "converse_whole",
    "generate_content_events",
    "generate_content_whole",
    "messages_events",
    "messages_whole",
    "ollama_events",
    "ollama_whole",
]


def _message(content: list[Event], output: int, stop: str | None) -> Event:
    return {
        "model": "claude-sonnet-4-5-20250929",
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": INPUT,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "service_tier": "standard",
        },
    }


def messages_whole() -> Event:
    return _message([{"type": "text", "text": TEXT}], OUTPUT, "end_turn")


def messages_events(words: list[str]) -> Iterator[Event]:
    yield {"type": "message_start", "message": _message([], 1, None)}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "ping"}
    for word in words:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    yield {"type": "content_block_stop", "index": 0}
    usage = {"input_tokens": INPUT, "output_tokens": len(words)}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage}
    yield {"type": "message_stop"}


def _generated(text: str, output: int, finish: str | None) -> Event:
    candidate: Event = {"content": {"parts": [{"text": text}], "role": "model"}}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [{**candidate, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": INPUT,
            "candidatesTokenCount": output,
            "totalTokenCount": INPUT + output,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT}],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "oPfgaKXmN9mGz7IPs6mZ8Ac",
    }


def generate_content_whole() -> Event:
    return _generated(TEXT, OUTPUT, "STOP")


def generate_content_events(words: list[str]) -> Iterator[Event]:
    for number, word in enumerate(words, 1):
        yield _generated(word, number, "STOP" if number == len(words) else None)


def _converse_usage(output: int) -> Event:
    return {
        "usage": {
            "inputTokens": INPUT,
            "outputTokens": output,
            "totalTokens": INPUT + output,
            "cacheReadInputTokens": 0,
            "cacheWriteInputTokens": 0,
        },
        "metrics": {"latencyMs": 1234},
    }


def converse_whole() -> Event:
    message = {"role": "assistant", "content": [{"text": TEXT}]}
    return {"output": {"message": message}, "stopReason": "end_turn", **_converse_usage(OUTPUT)}


def converse_events(words: list[str]) -> Iterator[Event]:
    yield {"type": "messageStart", "role": "assistant", "p": "abcdefgh"}
    for word in words:
        yield {"type": "contentBlockDelta", "contentBlockIndex": 0, "delta": {"text": word}, "p": "abcdefghijklm"}
    yield {"type": "contentBlockStop", "contentBlockIndex": 0, "p": "abcdefghijklmnop"}
    yield {"type": "messageStop", "stopReason": "end_turn", "p": "abcdef"}
    yield {"type": "metadata", **_converse_usage(len(words)), "p": "abcdefghij"}


def _cohere_usage(output: int) -> Event:
    tokens = {"input_tokens": INPUT, "output_tokens": output}
    return {"billed_units": tokens, "tokens": tokens}


def cohere_whole() -> Event:
    return {
        "id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4",
        "message": {"role": "assistant", "content": [{"type": "text", "text": TEXT}]},
        "finish_reason": "COMPLETE",
        "usage": _cohere_usage(OUTPUT),
    }


def cohere_events(words: list[str]) -> Iterator[Event]:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4", "type": "message-start", "delta": {"message": start}}
    text = {"type": "text", "text": ""}
    yield {"type": "content-start", "index": 0, "delta": {"message": {"content": text}}}
    for word in words:
        yield {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": word}}}}
    yield {"type": "content-end", "index": 0}
    yield {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": _cohere_usage(len(words))}}


def _ollama_line(text: str, output: int | None) -> Event:
    line = {
        "model": "llama3.2",
        "created_at": "2026-10-01T12:00:00.123456Z",
        "message": {"role": "assistant", "content": text},
    }
    if output is None:
        return {**line, "done": False}
    return {
        **line,
        "done": True,
        "done_reason": "stop",
        "total_duration": 1234567890,
        "load_duration": 12345678,
        "prompt_eval_count": INPUT,
        "prompt_eval_duration": 23456789,
        "eval_count": output,
        "eval_duration": 1198765432,
    }


def ollama_whole() -> Event:
    return _ollama_line(TEXT, OUTPUT)


def ollama_events(words: list[str]) -> Iterator[Event]:
    for word in words:
        yield _ollama_line(word, None)
    yield _ollama_line("", len(words))
