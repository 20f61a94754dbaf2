"""Answers in the form of Gemini's generateContent."""

from __future__ import annotations

from ...data.usage import TokenUsage
from ..replies import WireFixtures
from .expectations import expected_answers
from .framing import sse

__all__ = ["FIXTURES"]

_USAGE_METADATA = (
    '"usageMetadata":{"promptTokenCount":19,"candidatesTokenCount":8,"thoughtsTokenCount":2,"totalTokenCount":29}'
)

_USED = TokenUsage(input_tokens=19, output_tokens=10, reasoning_tokens=2)

FIXTURES = WireFixtures(
    whole_reply=(
        '{"candidates":[{"content":{"parts":[{"text":"Grüße, 世界 🌍!"}],"role":"model"},'
        '"finishReason":"STOP","index":0}],' + _USAGE_METADATA + ',"modelVersion":"m-1","responseId":"r-1"}'
    ).encode(),
    stream_reply=sse(
        '{"candidates":[{"content":{"parts":[{"text":"Grüße, "}],"role":"model"},"index":0}],'
        '"modelVersion":"m-1",'
        '"responseId":"r-1"}',
        '{"candidates":[{"content":{"parts":[{"text":"世界 🌍!"}],"role":"model"},'
        '"finishReason":"STOP","index":0}],' + _USAGE_METADATA + ',"modelVersion":"m-1","responseId":"r-1"}',
    ),
    tool_reply=(
        '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"get_weather","args":{"city":"Paris"}}},'
        '{"functionCall":{"name":"get_time","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],'
        + _USAGE_METADATA
        + ',"modelVersion":"m-1","responseId":"r-2"}'
    ).encode(),
    tool_stream_reply=sse(
        '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"get_weather","args":{"city":"Paris"}}},'
        '{"functionCall":{"name":"get_time","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],'
        + _USAGE_METADATA
        + ',"modelVersion":"m-1","responseId":"r-2"}',
    ),
    models_reply=(
        b'{"models":[{"name":"models/m-1","displayName":"M 1","inputTokenLimit":8192,"outputTokenLimit":2048}]}'
    ),
    expected=expected_answers(_USED, _USED, end=("STOP", "STOP"), model="m-1"),
    error_replies=(
        (
            400,
            (
                b'{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.",'
                b'"status":"INVALID_ARGUMENT"}}'
            ),
            "InvalidCredentialsError",
        ),
        (
            503,
            b'{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}',
            "ServerError",
        ),
    ),
)
