"""Answers in the form of Amazon Bedrock's Converse, whose streams are binary."""

from __future__ import annotations

import struct
from zlib import crc32

from ...data.usage import TokenUsage
from ..replies import WireFixtures
from .expectations import expected_answers

__all__ = ["FIXTURES"]

_USAGE = (
    '"usage":{"inputTokens":15,"outputTokens":10,"totalTokens":29,"cacheReadInputTokens":4,'
    '"cacheWriteInputTokens":0},"metrics":{"latencyMs":420}'
)


def _frame(kind: str, payload: str) -> bytes:
    """One event: length, length of the headers, checksum, headers, payload, checksum."""
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
    body = payload.encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    prelude += struct.pack("!I", crc32(prelude))
    message = prelude + headers + body
    return message + struct.pack("!I", crc32(message))


def _stream(*events: tuple[str, str]) -> bytes:
    whole = [("messageStart", '{"role":"assistant"}'), *events, ("metadata", f"{{{_USAGE}}}")]
    return b"".join(_frame(kind, payload) for kind, payload in whole)


def _delta(index: int, delta: str) -> tuple[str, str]:
    return "contentBlockDelta", f'{{"contentBlockIndex":{index},"delta":{delta},"p":"abcd"}}'


def _stop(index: int) -> tuple[str, str]:
    return "contentBlockStop", f'{{"contentBlockIndex":{index}}}'


def _call(index: int, name: str) -> tuple[str, str]:
    return (
        "contentBlockStart",
        f'{{"contentBlockIndex":{index},"start":{{"toolUse":{{"toolUseId":"tooluse_{index}","name":"{name}"}}}}}}',
    )


_USED = TokenUsage(input_tokens=19, cached_input_tokens=4, cache_write_tokens=0, output_tokens=10)

FIXTURES = WireFixtures(
    whole_reply=(
        '{"output":{"message":{"role":"assistant","content":[{"text":"Grüße, 世界 🌍!"}]}},'
        f'"stopReason":"end_turn",{_USAGE}}}'
    ).encode(),
    stream_reply=_stream(
        _delta(0, '{"text":"Grüße, "}'),
        _delta(0, '{"text":"世界 🌍!"}'),
        _stop(0),
        ("messageStop", '{"stopReason":"end_turn"}'),
    ),
    tool_reply=(
        '{"output":{"message":{"role":"assistant","content":['
        '{"toolUse":{"toolUseId":"tooluse_0","name":"get_weather","input":{"city":"Paris"}}},'
        '{"toolUse":{"toolUseId":"tooluse_1","name":"get_time","input":{}}}]}},'
        f'"stopReason":"tool_use",{_USAGE}}}'
    ).encode(),
    tool_stream_reply=_stream(
        _call(0, "get_weather"),
        _delta(0, '{"toolUse":{"input":"{\\"city\\":"}}'),
        _delta(0, '{"toolUse":{"input":"\\"Paris\\"}"}}'),
        _stop(0),
        _call(1, "get_time"),
        _delta(1, '{"toolUse":{"input":""}}'),
        _stop(1),
        ("messageStop", '{"stopReason":"tool_use"}'),
    ),
    models_reply=b'{"modelSummaries":[{"modelId":"m-1","modelName":"M 1","outputModalities":["TEXT"]}]}',
    expected=expected_answers(_USED, _USED, end=("end_turn", "tool_use"), ids=("tooluse_0", "tooluse_1")),
    error_replies=(
        (400, b'{"message":"The provided model identifier is invalid."}', "ModelNotFoundError"),
        (400, b'{"message":"Input is too long for requested model."}', "ContextLengthError"),
        (403, b'{"message":"The security token included in the request is invalid."}', "InvalidCredentialsError"),
        (429, b'{"message":"Too many requests, please wait before trying again."}', "RateLimitError"),
        (429, b'{"__type":"ModelNotReadyException","message":"Model is not ready."}', "ServerError"),
        (503, b'{"message":"Bedrock is unable to process your request."}', "ServerError"),
    ),
)
