"""Answers in the form of Anthropic's Messages."""

from __future__ import annotations

from ...data.usage import TokenUsage
from ..replies import WireFixtures
from .expectations import expected_answers
from .framing import named_sse

__all__ = ["FIXTURES"]

_MESSAGE = (
    '{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
    '"model":"m-1","content":[],'
    '"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":15,"cache_read_input_tokens":4,'
    '"cache_creation_input_tokens":0,"output_tokens":1}}}'
)
_MODELS = (
    b'{"data":[{"type":"model","id":"m-1","display_name":"M 1","created_at":"2026-01-01T00:00:00Z"}],"has_more":false}'
)

_USED = TokenUsage(input_tokens=19, cached_input_tokens=4, cache_write_tokens=0, output_tokens=10)
_WITH_CALLS = TokenUsage(input_tokens=19, cached_input_tokens=4, cache_write_tokens=0, output_tokens=20)

FIXTURES = WireFixtures(
    whole_reply=(
        '{"id":"msg_1","type":"message","role":"assistant","model":"m-1","content":[{"type":"text",'
        '"text":"Grüße, 世界 🌍!"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":15,'
        '"cache_read_input_tokens":4,"cache_creation_input_tokens":0,"output_tokens":10}}'
    ).encode(),
    stream_reply=named_sse(
        ("message_start", _MESSAGE),
        (
            "content_block_start",
            '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        ),
        ("ping", '{"type":"ping"}'),
        (
            "content_block_delta",
            '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße, "}}',
        ),
        (
            "content_block_delta",
            '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"世界 🌍!"}}',
        ),
        ("content_block_stop", '{"type":"content_block_stop","index":0}'),
        (
            "message_delta",
            (
                '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
                '"usage":{"output_tokens":10}}'
            ),
        ),
        ("message_stop", '{"type":"message_stop"}'),
    ),
    tool_reply=(
        b'{"id":"msg_2","type":"message","role":"assistant","model":"m-1",'
        b'"content":[{"type":"tool_use","id":"toolu_1",'
        b'"name":"get_weather","input":{"city":"Paris"}},{"type":"tool_use","id":"toolu_2",'
        b'"name":"get_time","input":{}}],'
        b'"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":15,"cache_read_input_tokens":4,'
        b'"cache_creation_input_tokens":0,"output_tokens":20}}'
    ),
    tool_stream_reply=named_sse(
        ("message_start", _MESSAGE),
        (
            "content_block_start",
            (
                '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1",'
                '"name":"get_weather","input":{}}}'
            ),
        ),
        (
            "content_block_delta",
            (
                '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta",'
                '"partial_json":"{\\"city\\": "}}'
            ),
        ),
        (
            "content_block_delta",
            (
                '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta",'
                '"partial_json":"\\"Paris\\"}"}}'
            ),
        ),
        ("content_block_stop", '{"type":"content_block_stop","index":0}'),
        (
            "content_block_start",
            (
                '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_2",'
                '"name":"get_time","input":{}}}'
            ),
        ),
        ("content_block_stop", '{"type":"content_block_stop","index":1}'),
        (
            "message_delta",
            '{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":20}}',
        ),
        ("message_stop", '{"type":"message_stop"}'),
    ),
    models_reply=_MODELS,
    expected=expected_answers(
        _USED, _WITH_CALLS, end=("end_turn", "tool_use"), model="m-1", ids=("toolu_1", "toolu_2")
    ),
    error_replies=(
        (
            401,
            b'{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}',
            "InvalidCredentialsError",
        ),
        (
            429,
            b'{"type":"error","error":{"type":"rate_limit_error","message":"too many requests"}}',
            "RateLimitError",
        ),
        (529, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "ServerError"),
    ),
)
