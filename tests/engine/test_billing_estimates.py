"""What is estimated where a provider did not tell the usage: of all that was sent, and of all that was delivered."""

from __future__ import annotations

from typing import Any

import pytest

from polydriver import AIMessage, AIResponse, MockDriver, StreamAbandoned
from polydriver.data.messages import Image, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from polydriver.data.prompt import OutputFormat, Prompt, ToolSpec
from polydriver.data.usage import TokenUsage
from polydriver.engine.billing import estimate_input, estimate_usage

_PICTURE = Image.from_bytes(b"\x89PNG", "image/png")
_WORD = "fourfour"  # two tokens
_PROMPT = Prompt(messages=[AIMessage(_WORD)], model="m")


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (Text(_WORD), 2),
        (Text("\ud800 é"), 1),
        (Reasoning(_WORD), 2),
        (Refusal(_WORD), 2),
        (ToolCall("1", "look", {"a": "bc"}), 4),
        (ToolCall("1", "look", None, '{"a": "b'), 3),
        (_PICTURE, 1000),
    ],
)
def test_all_that_was_delivered_counts(part: Part, tokens: int) -> None:
    usage = estimate_usage(_PROMPT, AIResponse(parts=[part]), complete=False)
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (6, tokens, True)


def test_the_input_that_was_told_stands() -> None:
    partial = AIResponse(parts=[Text(_WORD)], usage=TokenUsage(input_tokens=9, output_tokens=1))
    usage = estimate_usage(_PROMPT, partial, complete=False)
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (9, 2, True)


def test_of_nothing_there_is_no_estimate() -> None:
    assert estimate_usage(_PROMPT, AIResponse(parts=[]), complete=False) is None


@pytest.mark.parametrize(
    ("more", "tokens"),
    [
        ({"messages": [AIMessage([Text(_WORD), _PICTURE])]}, 1006),
        ({"messages": [AIMessage([ToolResult("1", [Text(_WORD), _PICTURE])], "tool")]}, 1006),
        ({"tools": [ToolSpec(name="look", description="x", parameters={"type": "object"})]}, 14),
        ({"response_format": OutputFormat(schema={"type": "object"})}, 11),
    ],
)
def test_all_that_was_sent_counts(more: dict[str, Any], tokens: int) -> None:
    assert estimate_input(Prompt(**{"messages": [AIMessage(_WORD)], "model": "m", **more})) == tokens


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "async"])
@pytest.mark.parametrize("count", [1, 5, 12])
async def test_each_piece_that_came_is_a_token_at_least(count: int, *, is_async: bool) -> None:
    told: list[StreamAbandoned] = []
    driver = MockDriver(default="0 " * 20, chunk_size=2)
    driver.on(StreamAbandoned, told.append)
    if is_async:
        async with driver.asynchronous().send_streaming_message("Hi", model="m") as later:
            for _ in range(count):
                assert (await anext(later)).content == "0 "
    else:
        with driver.send_streaming_message("Hi", model="m") as stream:
            for _ in range(count):
                assert next(stream).content == "0 "
    (event,) = told
    assert event.response is not None
    usage = event.response.usage
    assert usage is not None
    assert usage.estimated
    assert usage.output_tokens == len(event.response.content) // 2 >= count
