"""What streams of compatible services do differently, each with bytes of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydriver.data.http import Reply
from polydriver.data.messages import Image, ProviderPart, Reasoning, Text
from polydriver.data.prompt import Prompt
from polydriver.data.responses import AIResponse
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.drivers.compatible import openai_compatible
from polydriver.errors import AIError, ServerError

from .mutations import mutated
from .replay import in_two, read_stream

ACME: Driver = openai_compatible("acme", "https://llm.acme.example/v1")({"api_key": "0123456789abcdef"})
THINKS: Driver = openai_compatible("thinks", "https://llm.acme.example/v1", think_tags=True)({"api_key": "0123456789"})
GROQ: Driver = driver_class("groq")({"api_key": "0123456789abcdef"})
OPENROUTER: Driver = driver_class("openrouter")({"api_key": "0123456789abcdef"})

STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
CALLS = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}


def sse(*events: Any, done: bool = True) -> bytes:
    lines = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    return ("\n\n".join([*lines, "data: [DONE]"] if done else lines) + "\n\n").encode()


def delta(_index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"id": "c-1", "model": "m-1", "choices": [{"index": _index, "delta": fields, "finish_reason": None}]}


def call(index: Any = None, call_id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = {"function": {}}
    for holder, key, value in (
        (made, "index", index),
        (made, "id", call_id),
        (made["function"], "name", name),
        (made["function"], "arguments", arguments),
    ):
        if value is not None:
            holder[key] = value
    return made


def read(*events: Any, driver: Driver = ACME, done: bool = True, prompt: Prompt | None = None) -> AIResponse:
    answer = read_stream(driver, [sse(*events, done=done)], prompt)
    assert isinstance(answer, AIResponse), answer
    return answer


def calls_of(*events: Any, **how: Any) -> list[tuple[str, Any]]:
    return [(made.name, made.arguments) for made in read(*events, CALLS, **how).tool_calls]


@pytest.mark.parametrize(
    "deltas",
    [
        [[call(0, "a", "f", "")], [call(0, arguments='{"x"')], [call(0, arguments=": 1}")]],
        [[call(0, "a", "f", '{"x"')], [call(0, "a", "f", ": 1}")]],  # id and name repeated
        [[call(0, "a", "f", '{"x"')], [call(0, "", "", ": 1}")]],
        [[call(0, "a", "f", '{"x"')], [call(0, "null", "", ": 1}")]],
        [[call(None, "a", "f", '{"x": 1}')]],  # whole, without an index
        [[call(None, "a", "f", '{"x"')], [call(None, "a", None, ": 1}")]],
        [[call(None, "a", "f", '{"x"')], [call(arguments=": 1}")]],
        [[call(None, "", "f", '{"x"')], [call(None, "", "f", ": 1}")]],  # the name repeated, without an id
        [[call(None, None, "f", "")], [call(None, None, "f", '{"x": 1}')]],
        [[call(0, None, "f", {"x": 1})]],  # an object instead of its text
        [[call(0, "a", "f", '{"x": 1}')], [call(0, "a", "f", "")]],
        [[call(0, "a", "f", '{"x": 1}')], [{}], [call()]],
    ],
)
def test_one_call(deltas: list[list[dict[str, Any]]]) -> None:
    assert calls_of(*(delta(tool_calls=entry) for entry in deltas)) == [("f", {"x": 1})]


@pytest.mark.parametrize(
    "deltas",
    [
        [[call(0, "a", "f", '{"x": 1}'), call(1, "b", "g", '{"y": 2}')]],
        [
            [call(0, "a", "f", "")],
            [call(1, "b", "g", "")],
            [call(0, arguments='{"x": 1}')],
            [call(1, arguments='{"y": 2}')],
        ],
        [
            [call(0, "a", "f", '{"x"')],
            [call(0, arguments=": 1}")],
            [call(0, "b", "g", '{"y"')],
            [call(0, arguments=": 2}")],
        ],
        [[call(0, None, "f", '{"x": 1}')], [call(0, None, "g", '{"y": 2}')]],  # Gemini: the same index, no ids
        [[call(0, "", "f", '{"x": 1}'), call(0, "", "g", '{"y": 2}')]],
        [[call(None, "", "f", '{"x": 1}'), call(None, "", "g", '{"y": 2}')]],  # neither index nor id
        [[call(None, None, "f", '{"x": 1}')], [call(None, None, "g", '{"y"')], [call(arguments=": 2}")]],
        [[call(None, "0", "f", '{"x": 1}')], [call(None, "0", "g", '{"y": 2}')]],  # one id for all
    ],
)
def test_parallel_calls(deltas: list[list[dict[str, Any]]]) -> None:
    assert calls_of(*(delta(tool_calls=entry) for entry in deltas)) == [("f", {"x": 1}), ("g", {"y": 2})]


def test_parallel_calls_of_one_tool_without_ids() -> None:
    whole = [call(None, None, "f", '{"x": 1}'), call(None, None, "f", '{"x": 2}')]
    assert calls_of(delta(tool_calls=whole)) == [("f", {"x": 1}), ("f", {"x": 2})]
    assert calls_of(*(delta(tool_calls=[one]) for one in whole)) == [("f", {"x": 1}), ("f", {"x": 2})]
    answer = read(delta(tool_calls=whole), CALLS)
    assert len({made.id for made in answer.tool_calls}) == 2
    assert all(made.id for made in answer.tool_calls)


@pytest.mark.parametrize("arguments", [None, "", "null", "{}"])
def test_calls_without_arguments(arguments: str | None) -> None:
    assert calls_of(delta(tool_calls=[call(0, "a", "f", arguments)])) == [("f", {})]


def test_a_legacy_call_without_a_name_is_none() -> None:
    nothing = {"name": "", "arguments": ""}
    assert read(delta(content="Hi", function_call=nothing), STOP).tool_calls == []
    assert calls_of(delta(function_call={"name": "f", "arguments": '{"x"'}), delta(function_call={"arguments": ": 1}"}))
    whole = {"choices": [{"message": {"content": "Hi", "function_call": nothing}, "finish_reason": "stop"}]}
    reply = Reply(status=200, headers={}, body=json.dumps(whole).encode())
    assert ACME.parse_response(reply, Prompt(messages=[], model="m")).tool_calls == []


def test_calls_of_a_stream_that_says_only_done() -> None:
    answer = read(delta(tool_calls=[call(0, "a", "f", '{"x": 1}')]), {"choices": [{"delta": {}, "finish_reason": ""}]})
    assert [(made.name, made.arguments) for made in answer.tool_calls] == [("f", {"x": 1})]
    assert answer.finish_reason is None


def test_a_call_cut_by_the_limit_is_incomplete() -> None:
    answer = read(
        delta(tool_calls=[call(0, "a", "f", '{"x"')]),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]},
    )
    assert [made.is_complete for made in answer.tool_calls] == [False]


def test_what_is_repeated_is_not_said_twice() -> None:
    said = {"role": "assistant", "content": "Hello"}
    chunk = {
        "id": "c-1",
        "choices": [{"index": 0, "message": said, "delta": {"content": "Hello"}, "finish_reason": None}],
    }
    last = {"id": "c-2", "choices": [{"index": 0, "message": said, "delta": {}, "finish_reason": "stop"}]}
    again = {"id": "c-3", "choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
    answer = read(chunk, last, again)
    assert answer.content == "Hello"
    assert answer.id == "c-1"


def test_a_message_instead_of_deltas() -> None:
    said = {"content": "Hello", "tool_calls": [call(0, "a", "f", "{}")]}
    answer = read({"choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}]})
    assert answer.content == "Hello"
    assert [made.name for made in answer.tool_calls] == ["f"]


def test_odd_first_events_and_padding() -> None:
    answer = read(
        ": OPENROUTER PROCESSING",
        {"id": "", "model": "", "choices": [], "prompt_filter_results": []},
        {"id": "", "model": "", "choices": [{"index": 0}]},
        {
            "id": "c-1",
            "model": "m-1",
            "p": "abcdef",
            "choices": [{"index": 0, "delta": {"content": None, "role": "assistant"}}],
        },
        {"id": "c-2", "model": "m-1", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": ""}]},
        STOP,
        STOP,
    )
    assert (answer.content, answer.model, answer.id, answer.finish_reason) == ("Hi", "m-1", "c-1", "stop")


@pytest.mark.parametrize("late", [{"output_tokens": 0}, {"prompt_tokens": 0, "completion_tokens": 0}, {"x": None}])
def test_usage_that_counts_nothing_takes_nothing_back(late: dict[str, Any]) -> None:
    """https://github.com/langchain-ai/langchain/issues/27886"""
    answer = read(delta(content="x"), {**STOP, "usage": {"prompt_tokens": 5, "completion_tokens": 28}}, {"usage": late})
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (5, 28)


def test_usage_is_cumulative() -> None:
    counts = [{"prompt_tokens": 9, "completion_tokens": n, "total_tokens": 9 + n} for n in (1, 2, 3)]
    events = [{**delta(content="x"), "usage": count} for count in counts[:2]]
    answer = read(*events, STOP, {"choices": [], "usage": counts[2]})
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (9, 3, 12)


@pytest.mark.parametrize(
    "event",
    [
        {"error": {"code": 502, "message": "upstream broke"}},
        {
            "choices": [{"delta": {"content": ""}, "finish_reason": "error"}],
            "error": {"code": 502, "message": "upstream broke"},
        },
        {"choices": [{"delta": {}, "finish_reason": "error", "error": {"code": 502, "message": "upstream broke"}}]},
        {"choices": [], "error": {"message": "upstream broke", "type": "server_error"}},
        'event: error\ndata: {"message": "upstream broke", "type": "server_error"}',
    ],
)
def test_errors_inside_a_stream(event: Any) -> None:
    failure = read_stream(ACME, [sse(delta(content="Hel"), event)])
    assert isinstance(failure, ServerError), failure
    assert "upstream broke" in failure.message
    assert failure.partial is not None
    assert failure.partial.content == "Hel"


def test_groq_says_errors_in_an_object_of_its_own() -> None:
    failure = read_stream(
        GROQ, [sse(delta(content="a"), {"choices": [], "x_groq": {"error": {"message": "no such tool"}}})]
    )
    assert isinstance(failure, AIError)
    assert "no such tool" in failure.message


def test_several_choices_are_several_texts() -> None:
    ends = [{"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]} for index in (0, 1)]
    answer = read(delta(0, content="A"), delta(1, content="B"), delta(0, content="a"), *ends)
    assert (answer.content, [other.content for other in answer.alternatives]) == ("Aa", ["B"])


def test_a_stream_of_several_choices_is_not_whole_before_all_began() -> None:
    prompt = Prompt(messages=[], model="m", n=2, stream=True)
    decoder = ACME.decoder(prompt)
    decoder.feed(sse(delta(0, content="A"), STOP, done=False))
    decoder.finish()
    assert not decoder.complete


def test_content_lists() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    answer = read(delta(content=[thinking]), delta(content=[{"type": "text", "text": "Hi"}]), delta(content="!"), STOP)
    assert (answer.reasoning, answer.content) == ("Hm", "Hi!")


@pytest.mark.parametrize(
    ("text", "reasoning", "content"),
    [
        ("<think>\nHm</think>\n\nHi", "Hm", "Hi"),
        ("<think>\n\n</think>\nHi <think>", "", "Hi <think>"),
        ("<thin", "", "<thin"),
        ("<think>cut", "cut", ""),
        ("Hi <think>x</think>", "", "Hi <think>x</think>"),
    ],
)
def test_think_tags(text: str, reasoning: str, content: str) -> None:
    for pieces in in_two(text.encode()):
        events = [delta(content=piece.decode()) for piece in pieces]
        answer = read(*events, STOP, driver=THINKS)
        assert (answer.reasoning, answer.content) == (reasoning, content)
    whole = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
    reply = Reply(status=200, headers={}, body=json.dumps(whole).encode())
    response = THINKS.parse_response(reply, Prompt(messages=[], model="m"))
    assert (response.reasoning, response.content) == (reasoning, content)


def test_reasoning_details_are_put_together() -> None:
    first = {"type": "reasoning.text", "text": "a", "index": 0, "format": "f"}
    answer = read(
        delta(reasoning="a", reasoning_details=[first]),
        delta(reasoning="b", reasoning_details=[{"type": "reasoning.text", "text": "b", "index": 0}]),
        delta(reasoning_details=[{"type": "reasoning.text", "signature": "s", "index": 0}]),
        delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "x", "index": 1}]),
        delta(content="Hi"),
        STOP,
        driver=OPENROUTER,
    )
    assert answer.reasoning == "ab"
    (thought,) = [part for part in answer.parts if isinstance(part, Reasoning)]
    assert thought.provider_data["openrouter"]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "ab", "index": 0, "format": "f", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "x", "index": 1},
    ]


def test_citations_and_pictures() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "https://example.org"}}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    answer = read(delta(content="Hi"), delta(annotations=[note]), delta(images=[picture, {"image_url": 3}]), STOP)
    text, image = answer.parts
    assert isinstance(text, Text)
    assert text.citations == [note]
    assert isinstance(image, Image)
    assert image.data == b"hi"


def test_tools_that_the_service_ran_itself() -> None:
    begun, done = {"index": 0, "type": "search"}, {"index": 0, "type": "search", "output": "found"}
    answer = read(delta(executed_tools=[begun]), delta(executed_tools=[done]), delta(content="Hi"), STOP, driver=GROQ)
    assert answer.parts[0] == ProviderPart(provider="groq", kind="executed_tools", data=done)
    assert answer.tool_calls == []


FIXTURES = Path(__file__).parent.parent / "drivers" / "real_replies.jsonl"
REAL = [
    record["response"]["body"]
    for record in map(json.loads, FIXTURES.read_text("utf-8").splitlines())
    if record["api"] == "openai-chat"
]
WHOLE = [
    json.loads(body) if isinstance(body, str) else body for body in REAL if not str(body).startswith(("data", ":"))
]
STREAMS = [
    [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    for body in REAL
    if isinstance(body, str) and body.startswith(("data", ":"))
]


@given(payload=mutated(*WHOLE), driver=st.sampled_from([ACME, GROQ, OPENROUTER, THINKS]))
@settings(max_examples=200)
def test_damaged_replies_end_in_our_errors(payload: Any, driver: Driver) -> None:
    reply = Reply(status=200, headers={}, body=json.dumps(payload).encode())
    try:
        response = driver.parse_response(reply, Prompt(messages=[], model="m"))
    except AIError:
        return
    driver.build_request(Prompt(messages=[response.to_message()], model="m"))


@given(events=mutated(*(stream[:3] + stream[-4:] for stream in STREAMS)), driver=st.sampled_from([ACME, GROQ, THINKS]))
@settings(max_examples=200)
def test_damaged_streams_end_in_our_errors(events: Any, driver: Driver) -> None:
    decoder = driver.decoder(Prompt(messages=[], model="m", stream=True))
    decoder.feed(sse(*events) if isinstance(events, list) else sse(events))
    decoder.finish()
    assert decoder.failure is None or isinstance(decoder.failure, AIError), repr(decoder.failure)
    driver.build_request(Prompt(messages=[decoder.build().to_message()], model="m"))
