"""Answers in the form of OpenAI's Responses."""

from __future__ import annotations

from ...data.usage import TokenUsage
from ..replies import WireFixtures
from . import chat_completions
from .expectations import expected_answers
from .framing import typed_sse

__all__ = ["FIXTURES"]

_HEAD = '"id":"resp_1","object":"response","created_at":1767225600,"model":"m-1"'
_USAGE = (
    '"usage":{"input_tokens":19,"input_tokens_details":{"cached_tokens":4},"output_tokens":10,'
    '"output_tokens_details":{"reasoning_tokens":2},"total_tokens":29}'
)
_TEXT = (
    '{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text",'
    '"text":"Grüße, 世界 🌍!","annotations":[]}]}'
)
_CALL = (
    '{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"get_weather",'
    '"arguments":"{\\"city\\": \\"Paris\\"}"}'
)
_SECOND = (
    '{"id":"fc_2","type":"function_call","status":"completed","call_id":"call_2","name":"get_time","arguments":"{}"}'
)
_BEGUN = _CALL.replace("completed", "in_progress").replace('{\\"city\\": \\"Paris\\"}', "")
_CREATED = f'{{"type":"response.created","response":{{{_HEAD},"status":"in_progress","output":[]}}}}'


def _whole(*items: str) -> str:
    output = ",".join(items)
    return f'{{{_HEAD},"status":"completed","error":null,"incomplete_details":null,"output":[{output}],{_USAGE}}}'


_USED = TokenUsage(input_tokens=19, cached_input_tokens=4, output_tokens=10, reasoning_tokens=2)

FIXTURES = WireFixtures(
    whole_reply=_whole(_TEXT).encode(),
    stream_reply=typed_sse(
        _CREATED,
        '{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1","type":"message",'
        '"status":"in_progress","role":"assistant","content":[]}}',
        '{"type":"response.content_part.added","item_id":"msg_1","output_index":0,"content_index":0,'
        '"part":{"type":"output_text","text":"","annotations":[]}}',
        '{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Grüße, "}',
        '{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"世界 🌍!"}',
        '{"type":"response.output_text.done","item_id":"msg_1","output_index":0,"content_index":0,'
        '"text":"Grüße, 世界 🌍!"}',
        f'{{"type":"response.output_item.done","output_index":0,"item":{_TEXT}}}',
        f'{{"type":"response.completed","response":{_whole(_TEXT)}}}',
    ),
    tool_reply=_whole(_CALL, _SECOND).encode(),
    tool_stream_reply=typed_sse(
        _CREATED,
        f'{{"type":"response.output_item.added","output_index":0,"item":{_BEGUN}}}',
        '{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"{\\"city\\": "}',
        '{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"\\"Paris\\"}"}',
        f'{{"type":"response.output_item.done","output_index":0,"item":{_CALL}}}',
        f'{{"type":"response.output_item.done","output_index":1,"item":{_SECOND}}}',
        f'{{"type":"response.completed","response":{_whole(_CALL, _SECOND)}}}',
    ),
    models_reply=chat_completions.FIXTURES.models_reply,
    error_replies=chat_completions.FIXTURES.error_replies,
    expected=expected_answers(_USED, _USED, end=(None, None), model="m-1", id="resp_1", ids=("call_1", "call_2")),
    tells_failed_results=False,
)
