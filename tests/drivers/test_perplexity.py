"""Perplexity: sources, costs, roles in turns, no tools."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage, ToolCall, ToolResult
from polydriver.data.prompt import OutputFormat, Prompt, ToolSpec
from polydriver.drivers.perplexity import PerplexityDriver
from polydriver.errors import UnsupportedFeatureError

DRIVER = PerplexityDriver({"api_key": "pplx-0123456789"})
COST = {"input_tokens_cost": 0.00001, "output_tokens_cost": 0.0004, "request_cost": 0.005, "total_cost": 0.00541}
ANSWER = {
    "id": "a",
    "model": "sonar",
    "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30, "cost": COST},
    "citations": ["https://a.example"],
    "search_results": [{"title": "A", "url": "https://a.example", "date": None}],
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes[1]."}, "finish_reason": "stop"}],
}


def prompt_of(*messages: AIMessage, **options: Any) -> Prompt:
    return Prompt(messages=list(messages) or [AIMessage("Hi")], model="sonar", **options)


def render(prompt: Prompt) -> dict[str, Any]:
    return json.loads(DRIVER.build_request(prompt).body or b"")  # type: ignore[no-any-return]


def parse(payload: dict[str, Any]) -> Any:
    return DRIVER.parse_response(Reply(status=200, headers={}, body=json.dumps(payload).encode()), prompt_of())


def test_sources_and_cost() -> None:
    answer = parse(ANSWER)
    assert answer.parts[0].citations == ANSWER["search_results"]
    assert answer.cost.total == Decimal("0.00541")
    assert answer.cost.items == {"input": Decimal("0.00001"), "output": Decimal("0.0004"), "request": Decimal("0.005")}
    bare = parse({**ANSWER, "search_results": None})
    assert bare.parts[0].citations == [{"url": "https://a.example"}]


def test_sources_of_a_stream() -> None:
    decoder = DRIVER.decoder(prompt_of(stream=True))
    said = {"index": 0, "delta": {"content": "Yes[1]."}, "message": {"content": "Yes[1]."}, "finish_reason": None}
    for choices in ([said], [{**said, "delta": {"content": ""}, "finish_reason": "stop"}]):
        decoder.feed(f"data: {json.dumps({**ANSWER, 'choices': choices})}\r\n\r\n".encode())
    decoder.finish()
    answer = decoder.build()
    assert decoder.complete
    assert answer.content == "Yes[1]."
    assert answer.parts[0].citations == ANSWER["search_results"]  # type: ignore[union-attr]
    assert answer.cost is not None
    assert answer.cost.total == Decimal("0.00541")


def test_turns() -> None:
    prompt = prompt_of(
        AIMessage("One"), AIMessage("Two"), AIMessage.system("Be brief"), AIMessage.assistant("Yes"), AIMessage("Three")
    )
    assert render(prompt)["messages"] == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "One\n\nTwo"},
        {"role": "assistant", "content": "Yes"},
        {"role": "user", "content": "Three"},
    ]
    assert prompt.warnings


def test_tools_of_another_provider_are_told() -> None:
    body = render(
        prompt_of(
            AIMessage("Weather?"),
            AIMessage([ToolCall("c", "weather", {"city": "Paris"})], "assistant"),
            AIMessage([ToolResult("c", "sunny", "weather")], "tool"),
            AIMessage("So?"),
        )
    )
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert "Paris" in body["messages"][1]["content"]
    assert "sunny" in json.dumps(body["messages"][2])
    with pytest.raises(UnsupportedFeatureError):
        DRIVER.build_request(prompt_of(tools=[ToolSpec(name="f")]))


def test_options() -> None:
    body = render(
        prompt_of(stream=True, options={"search_domain_filter": ["a.example"]}, response_format=OutputFormat())
    )
    assert body["search_domain_filter"] == ["a.example"]
    assert "stream_options" not in body
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}


def test_no_model_list() -> None:
    with pytest.raises(UnsupportedFeatureError):
        DRIVER.models_request()
    assert DRIVER.probe_request() is not None


def test_reasoning_beyond_the_output() -> None:
    usage = {"prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196, "reasoning_tokens": 73997}
    assert parse({**ANSWER, "usage": usage}).usage.output_tokens == 7163 + 73997
