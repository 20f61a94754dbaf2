"""Answers in the form of Chat Completions."""

from __future__ import annotations

from ...data.usage import TokenUsage
from ..replies import WireFixtures
from .expectations import expected_answers
from .framing import sse

__all__ = ["FIXTURES"]

_CHUNK = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1767225600,"model":"m-1","choices":['

_USED = TokenUsage(input_tokens=19, cached_input_tokens=4, output_tokens=10, reasoning_tokens=2)
_WITH_CALLS = TokenUsage(input_tokens=50, output_tokens=20)

FIXTURES = WireFixtures(
    whole_reply=(
        '{"id":"chatcmpl-1","object":"chat.completion","created":1767225600,"model":"m-1",'
        '"choices":[{"index":0,'
        '"message":{"role":"assistant","content":"Grüße, 世界 🌍!","refusal":null},"logprobs":null,'
        '"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,'
        '"prompt_tokens_details":{"cached_tokens":4},'
        '"completion_tokens_details":{"reasoning_tokens":2}}}'
    ).encode(),
    stream_reply=sse(
        _CHUNK + '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}',
        _CHUNK + '{"index":0,"delta":{"content":"Grüße, "},"finish_reason":null}]}',
        _CHUNK + '{"index":0,"delta":{"content":"世界 🌍!"},"finish_reason":null}]}',
        _CHUNK + '{"index":0,"delta":{},"finish_reason":"stop"}]}',
        _CHUNK + '],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,'
        '"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}',
        end="data: [DONE]\n\n",
    ),
    tool_reply=(
        b'{"id":"chatcmpl-2","object":"chat.completion","created":1767225600,"model":"m-1",'
        b'"choices":[{"index":0,'
        b'"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1",'
        b'"type":"function","function":'
        b'{"name":"get_weather","arguments":"{\\"city\\": \\"Paris\\"}"}},{"id":"call_2",'
        b'"type":"function","function":'
        b'{"name":"get_time","arguments":""}}]},"finish_reason":"tool_calls"}],'
        b'"usage":{"prompt_tokens":50,"completion_tokens":20,"total_tokens":70}}'
    ),
    tool_stream_reply=sse(
        _CHUNK + '{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1",'
        '"type":"function","function":{"name":"get_weather","arguments":""}}]},"finish_reason":null}]}',
        _CHUNK + '{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"city\\": "}}]}}]}',
        _CHUNK + '{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\"Paris\\"}"}}]}}]}',
        _CHUNK + '{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function",'
        '"function":{"name":"get_time","arguments":"{}"}}]}}]}',
        _CHUNK + '{"index":0,"delta":{},"finish_reason":"tool_calls"}]}',
        _CHUNK + '],"usage":{"prompt_tokens":50,"completion_tokens":20,"total_tokens":70}}',
        end="data: [DONE]\n\n",
    ),
    models_reply=(
        b'{"object":"list","data":[{"id":"m-1","object":"model","created":1767225600,"owned_by":"acme"},'
        b'{"id":"m-2","object":"model","created":1767225600,"owned_by":"acme"}]}'
    ),
    expected=expected_answers(_USED, _WITH_CALLS, end=("stop", "tool_calls"), model="m-1", ids=("call_1", "call_2")),
    tells_failed_results=False,
    error_replies=(
        (
            401,
            (
                b'{"error":{"message":"Incorrect API key provided","type":"invalid_request_error",'
                b'"param":null,'
                b'"code":"invalid_api_key"}}'
            ),
            "InvalidCredentialsError",
        ),
        (
            429,
            (
                b'{"error":{"message":"You exceeded your current quota",'
                b'"type":"insufficient_quota","param":null,'
                b'"code":"insufficient_quota"}}'
            ),
            "QuotaExceededError",
        ),
        (
            400,
            (
                b'{"error":{"message":"This model\'s maximum context length is 8192 tokens",'
                b'"type":"invalid_request_error",'
                b'"param":"messages","code":"context_length_exceeded"}}'
            ),
            "ContextLengthError",
        ),
        (
            404,
            (
                b'{"error":{"message":"The model `m-9` does not exist",'
                b'"type":"invalid_request_error","param":null,'
                b'"code":"model_not_found"}}'
            ),
            "ModelNotFoundError",
        ),
    ),
)
