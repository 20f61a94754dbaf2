"""Answers in the form of Ollama's own API: JSON lines."""

from __future__ import annotations

from ...data.usage import TokenUsage
from ..replies import WireFixtures
from .expectations import expected_answers

__all__ = ["FIXTURES"]

_HEAD = '"model":"m-1","created_at":"2026-01-01T00:00:00Z"'
_END = '"done_reason":"stop","done":true,"total_duration":5000,"prompt_eval_count":19,"eval_count":10'
_CALLS = (
    '"tool_calls":[{"function":{"name":"get_weather","arguments":{"city":"Paris"}}},'
    '{"function":{"name":"get_time","arguments":{}}}]'
)


def _line(content: str, rest: str) -> str:
    return f'{{{_HEAD},"message":{{"role":"assistant","content":"{content}"}},{rest}}}\n'


_USED = TokenUsage(input_tokens=19, output_tokens=10)

FIXTURES = WireFixtures(
    whole_reply=_line("Grüße, 世界 🌍!", _END).encode(),
    stream_reply=(_line("Grüße, ", '"done":false') + _line("世界 🌍!", '"done":false') + _line("", _END)).encode(),
    tool_reply=f'{{{_HEAD},"message":{{"role":"assistant","content":"",{_CALLS}}},{_END}}}'.encode(),
    tool_stream_reply=(
        f'{{{_HEAD},"message":{{"role":"assistant","content":"",{_CALLS}}},"done":false}}\n' + _line("", _END)
    ).encode(),
    models_reply=(
        b'{"models":[{"name":"m-1","model":"m-1","modified_at":"2026-01-01T00:00:00Z","size":1,'
        b'"digest":"abc",'
        b'"details":{"family":"m","parameter_size":"1B"}}]}'
    ),
    expected=expected_answers(_USED, _USED, end=("stop", "stop"), model="m-1"),
    tells_failed_results=False,
    error_replies=((404, b'{"error":"model \'m-9\' not found"}', "ModelNotFoundError"),),
)
