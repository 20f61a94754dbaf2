"""Messages and histories as plain data: lossless through JSON, and taken wherever messages are."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.test_json_form import messages

from polydriver import AI, AIMessage, Image, ProviderPart, Reasoning, Text, ToolCall, dump_messages, load_messages

HISTORY = [
    AIMessage.user(["Look:", Image(data=b"\x89PNG", media_type="image/png", provider_data={"openai": {"id": "f"}})]),
    AIMessage(
        [
            Reasoning("Hm.", {"anthropic": {"signature": "c2ln"}}),
            Text("Let me see.", citations=[{"url": "https://example.org"}]),
            ToolCall("c1", "weather", {"city": "Paris", "n": 2**70}, provider_data={"gemini": {"signature": "x"}}),
            ToolCall("c2", "weather", None, '{"city": "Par'),
            ProviderPart("openai", "web_search_call", {"id": "ws_1"}),
        ],
        "assistant",
        provider_data={"openai": {"id": "msg_1"}},
    ),
    AIMessage.tool("c1", ["Sunny", Image(url="https://example.org/a.png")], name="weather"),
    AIMessage.tool("c2", "cut off", is_error=True),
    AIMessage.user("Thanks"),
]


@given(st.lists(messages, max_size=4))
def test_nothing_is_lost(history: list[AIMessage]) -> None:
    assert load_messages(json.loads(json.dumps(dump_messages(history)))) == history


def test_a_whole_history() -> None:
    data = dump_messages(HISTORY)
    assert load_messages(json.loads(json.dumps(data))) == HISTORY
    assert [message["role"] for message in data] == ["user", "assistant", "tool", "tool", "user"]


def test_the_sending_methods_and_conversations_take_the_data() -> None:
    history = [*HISTORY[:1], AIMessage.assistant("A cat.", []), AIMessage.user("Thanks")]
    ai = AI.fake(["a", "b"])
    ai.provider().send_messages(dump_messages(history))
    ai.conversation().messages(load_messages(dump_messages(history))).send()
    assert ai.calls[0].messages == ai.calls[1].messages
    assert len(ai.calls[0].messages) == 3


def test_parts_of_both_forms_stand_side_by_side() -> None:
    (message,) = load_messages(
        [{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "image", "url": "https://h/a"}]}]
    )
    assert message == AIMessage([Text("a"), Image(url="https://h/a")])


def test_messages_as_openai_writes_them() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    data = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "5"},
    ]
    assert load_messages(data) == [AIMessage.assistant("", [ToolCall("c1", "f")]), AIMessage.tool("c1", "5")]


@pytest.mark.parametrize("value", [b"x", Decimal("1"), (1,), {1}, float("nan"), float("-inf"), {1: 2}, object()])
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    for message in (
        AIMessage([ToolCall("1", "f", {"a": [value]})], "assistant"),
        AIMessage("Hi", provider_data={"openai": {"a": value}}),
        AIMessage([ProviderPart("openai", "x", {"a": value})]),
    ):
        with pytest.raises(ValueError, match=r"message 1.*JSON cannot carry"):
            dump_messages([AIMessage("Hi"), message])


def test_depth_is_an_error_of_ours() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="nested too deeply"):
        dump_messages([AIMessage([ToolCall("1", "f", deep)], "assistant")])
    call = {"type": "tool_call", "id": "1", "name": "f", "arguments": deep}
    with contextlib.suppress(ValueError):
        load_messages([{"role": "assistant", "content": [call]}])


@pytest.mark.parametrize(
    "data",
    [
        "text",
        {"role": "user", "content": "Hi"},
        [1],
        [{"content": "Hi"}],
        [{"role": "user", "content": [{"type": "image", "source": {"data": "x"}}]}],
        [{"role": "user", "content": [{"type": "image", "data": "%"}]}],
        [{"role": "user", "content": "Hi", "provider_data": {"openai": 1}}],
        [{"role": "robot", "content": "Hi"}],
        [{"role": "assistant", "content": [{"type": "tool_call", "id": "1"}]}],
    ],
)
def test_what_is_no_message_is_told(data: Any) -> None:
    with pytest.raises(ValueError, match=r"messages must be a list|message 0 cannot be read"):
        load_messages(data)


_json = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.sampled_from(["text", "tool_result", "image", "tool_call"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "content", "id", "name", "tool_call_id", "data"]), inner)
    ),
)


@given(st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "tool"]), "content": _json})))
def test_nothing_but_value_errors_escape(data: list[dict[str, Any]]) -> None:
    with contextlib.suppress(ValueError):
        assert all(isinstance(message, AIMessage) for message in load_messages(data))
