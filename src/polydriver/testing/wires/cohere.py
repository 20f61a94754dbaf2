"""Answers in the form of Cohere's Chat, version 2."""

from __future__ import annotations

from ...data.usage import TokenUsage
from ..replies import WireFixtures
from .expectations import expected_answers
from .framing import typed_sse

__all__ = ["FIXTURES"]

_USAGE = (
    '"usage":{"billed_units":{"input_tokens":12,"output_tokens":8},"tokens":{"input_tokens":19,"output_tokens":10}}'
)
_START = (
    '{"type":"message-start","id":"c-1","delta":{"message":{"role":"assistant","content":[],"tool_plan":"",'
    '"tool_calls":[],"citations":[]}}}'
)


def _end(reason: str) -> str:
    return f'{{"type":"message-end","id":"c-1","delta":{{"finish_reason":"{reason}",{_USAGE}}}}}'


def _call_start(index: int, name: str, arguments: str) -> str:
    return (
        f'{{"type":"tool-call-start","index":{index},"delta":{{"message":{{"tool_calls":{{"id":"{name}_1",'
        f'"type":"function","function":{{"name":"{name}","arguments":"{arguments}"}}}}}}}}}}'
    )


def _call_delta(arguments: str) -> str:
    return (
        '{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":'
        f'{{"arguments":"{arguments}"}}}}}}}}}}'
    )


_USED = TokenUsage(input_tokens=19, output_tokens=10)

FIXTURES = WireFixtures(
    whole_reply=(
        '{"id":"c-1","message":{"role":"assistant","content":[{"type":"text","text":"Grüße, 世界 🌍!"}]},'
        f'"finish_reason":"COMPLETE",{_USAGE}}}'
    ).encode(),
    stream_reply=typed_sse(
        _START,
        '{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}',
        '{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"Grüße, "}}}}',
        '{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"世界 🌍!"}}}}',
        '{"type":"content-end","index":0}',
        _end("COMPLETE"),
    ),
    tool_reply=(
        '{"id":"c-1","message":{"role":"assistant","tool_plan":"I will look.",'
        '"tool_calls":[{"id":"get_weather_1",'
        '"type":"function","function":{"name":"get_weather",'
        '"arguments":"{\\"city\\":\\"Paris\\"}"}},{"id":"get_time_1",'
        '"type":"function","function":{"name":"get_time","arguments":"{}"}}]},'
        f'"finish_reason":"TOOL_CALL",{_USAGE}}}'
    ).encode(),
    tool_stream_reply=typed_sse(
        _START,
        '{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"I will look."}}}',
        _call_start(0, "get_weather", ""),
        _call_delta('{\\"city\\":'),
        _call_delta('\\"Paris\\"}'),
        '{"type":"tool-call-end","index":0}',
        _call_start(1, "get_time", "{}"),
        '{"type":"tool-call-end","index":1}',
        _end("TOOL_CALL"),
    ),
    models_reply=b'{"models":[{"name":"m-1","endpoints":["chat"],"context_length":8192}]}',
    expected=expected_answers(
        _USED, _USED, end=("COMPLETE", "TOOL_CALL"), id="c-1", ids=("get_weather_1", "get_time_1")
    ),
    tells_failed_results=False,
    error_replies=((401, b'{"message":"invalid api token"}', "InvalidCredentialsError"),),
)
