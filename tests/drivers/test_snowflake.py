"""Snowflake Cortex: an address of one's own, kinds of tokens, blank fields everywhere."""

from __future__ import annotations

import json

from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage
from polydriver.data.prompt import Prompt
from polydriver.drivers.snowflake import SnowflakeDriver

DRIVER = SnowflakeDriver({"api_key": "0123456789abcdef", "account": "myorg-myaccount"})
BLANK = {"audio": {"data": "", "id": ""}, "function_call": {"arguments": "", "name": ""}, "refusal": ""}


def test_address_and_headers() -> None:
    request = DRIVER.build_request(Prompt(messages=[AIMessage("Hi")], model="m", max_tokens=5))
    assert request.url == "https://myorg-myaccount.snowflakecomputing.com/api/v2/cortex/v1/chat/completions"
    assert "x-snowflake-authorization-token-type" not in request.headers
    assert json.loads(request.body or b"")["max_completion_tokens"] == 5
    jwt = SnowflakeDriver({"api_key": "0123456789abcdef", "account": "a", "token_type": "KEYPAIR_JWT"})
    assert jwt.headers()["x-snowflake-authorization-token-type"] == "KEYPAIR_JWT"


def test_blank_fields_are_nothing() -> None:
    call = {
        "custom": {"input": "", "name": ""},
        "function": {"arguments": '{"city":"Paris"}', "name": "weather"},
        "id": "toolu_1",
        "type": "function",
    }
    message = {"content": "", "role": "assistant", "tool_calls": [call], **BLANK}
    payload = {"id": "", "model": "m", "choices": [{"finish_reason": "", "index": 0, "message": message}]}
    reply = Reply(status=200, headers={}, body=json.dumps(payload).encode())
    answer = DRIVER.parse_response(reply, Prompt(messages=[], model="m"))
    assert [(made.name, made.arguments) for made in answer.tool_calls] == [("weather", {"city": "Paris"})]
    assert (answer.parts[0], answer.finish_reason, answer.id) == (answer.tool_calls[0], None, None)


def test_reasoning_stands_in_the_details() -> None:
    detail = {"type": "reasoning.text", "text": "15 * 27", "index": 0}
    event = {"choices": [{"index": 0, "delta": {"content": "", "reasoning_details": [detail], "refusal": ""}}]}
    last = {"choices": [{"index": 0, "delta": {"content": "405"}}]}
    decoder = DRIVER.decoder(Prompt(messages=[], model="m", stream=True))
    chunks = decoder.feed(f"data: {json.dumps(event)}\n\ndata: {json.dumps(last)}\n\ndata: [DONE]\n\n".encode())
    assert [chunk.reasoning or chunk.content for chunk in chunks] == ["15 * 27", "405"]
    answer = decoder.build()
    assert (answer.reasoning, answer.content) == ("15 * 27", "405")
    sent = json.loads(DRIVER.build_request(Prompt(messages=[answer.to_message()], model="m")).body or b"")
    assert sent["messages"][0]["reasoning_details"] == [detail]
