"""Answers in the form of Bedrock's Converse; its streams are AWS event streams, binary frames with check sums.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

from __future__ import annotations

import struct
import zlib

from ..fixtures import WireFixtures

__all__ = ["FIXTURES", "frame"]

_STRING = 7
_USAGE = '"usage":{"inputTokens":19,"outputTokens":10,"totalTokens":29},"metrics":{"latencyMs":100}'


def frame(event: str, payload: str) -> bytes:
    """One frame: a JSON event of this type."""
    headers = b"".join(
        struct.pack(f"!B{len(name)}sBH{len(value)}s", len(name), name, _STRING, len(value), value)
        for name, value in (
            (b":event-type", event.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    body = payload.encode()
    prelude = struct.pack("!II", len(headers) + len(body) + 16, len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack("!I", zlib.crc32(message))


def _frames(*events: tuple[str, str]) -> bytes:
    return b"".join(frame(event, payload) for event, payload in events)


FIXTURES = WireFixtures(
    whole_reply=(
        '{"output":{"message":{"role":"assistant","content":[{"text":"Grüße, 世界 🌍!"}]}},'
        f'"stopReason":"end_turn",{_USAGE}}}'
    ).encode(),
    stream_reply=_frames(
        ("messageStart", '{"role":"assistant","p":"abcd"}'),
        ("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"text":"Grüße, "},"p":"ab"}'),
        ("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"text":"世界 🌍!"},"p":"abc"}'),
        ("contentBlockStop", '{"contentBlockIndex":0}'),
        ("messageStop", '{"stopReason":"end_turn"}'),
        ("metadata", f"{{{_USAGE}}}"),
    ),
    tool_reply=(
        '{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"t_1","name":"get_weather",'
        '"input":{"city":"Paris"}}},{"toolUse":{"toolUseId":"t_2","name":"get_time","input":{}}}]}},'
        f'"stopReason":"tool_use",{_USAGE}}}'
    ).encode(),
    tool_stream_reply=_frames(
        ("messageStart", '{"role":"assistant"}'),
        (
            "contentBlockStart",
            '{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t_1","name":"get_weather"}}}',
        ),
        ("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\\"city\\":"}}}'),
        ("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"toolUse":{"input":"\\"Paris\\"}"}}}'),
        ("contentBlockStop", '{"contentBlockIndex":0}'),
        (
            "contentBlockStart",
            '{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t_2","name":"get_time"}}}',
        ),
        ("contentBlockStop", '{"contentBlockIndex":1}'),
        ("messageStop", '{"stopReason":"tool_use"}'),
        ("metadata", f"{{{_USAGE}}}"),
    ),
    models_reply=b'{"modelSummaries":[{"modelId":"m-1","modelName":"M 1","providerName":"Acme"}]}',
    error_replies=((429, b'{"message":"Too many requests"}', "RateLimitError"),),
)
