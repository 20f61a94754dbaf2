"""Dicts as OpenAI writes messages, read into ours."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import AI, AIMessage, Audio, Document, Image, Refusal, Text, ToolCall, ToolResult
from polydriver.data.openai_messages import read_message, read_part

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def test_text_and_names_are_taken() -> None:
    assert read_message({"role": "user", "content": "Hi", "name": "ann"}) == AIMessage("Hi", "user", "ann")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("Hi", Text("Hi")),
        (Text("Hi"), Text("Hi")),
        ({"type": "text", "text": "Hi"}, Text("Hi")),
        ({"type": "input_text", "text": "Hi"}, Text("Hi")),
        ({"type": "output_text", "text": "Hi", "annotations": []}, Text("Hi")),
        ({"type": "refusal", "refusal": "No"}, Refusal("No")),
        (
            {"type": "image_url", "image_url": {"url": "https://host/a.png", "detail": "low"}},
            Image(url="https://host/a.png", media_type="image/png", detail="low"),
        ),
        ({"type": "image_url", "image_url": PIXEL}, Image(data=b"\x89PNG\r\n\x1a\n", media_type="image/png")),
        ({"type": "input_image", "image_url": PIXEL}, Image(data=b"\x89PNG\r\n\x1a\n", media_type="image/png")),
        ({"type": "input_image", "file_id": "file-1"}, Image(file_id="file-1")),
        (
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
            Audio(data=b"hi", media_type="audio/mpeg"),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, Document(file_id="file-1")),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
            Document(data=b"hi", media_type="application/pdf", name="a.pdf"),
        ),
        (
            {"type": "input_file", "file_url": "https://host/a.pdf"},
            Document(url="https://host/a.pdf", media_type="application/pdf"),
        ),
    ],
)
def test_each_part_has_its_form(part: object, expected: object) -> None:
    assert read_part(part) == expected


def test_calls_and_results_are_read() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    asked = read_message({"role": "assistant", "content": None, "tool_calls": [call], "refusal": None})
    assert asked == AIMessage([ToolCall("c1", "add", {"a": 1})], "assistant")
    assert read_message({"role": "assistant", "content": "Wait.", "tool_calls": [call]}).parts[0] == Text("Wait.")
    answered = read_message({"role": "tool", "tool_call_id": "c1", "content": "5"})
    assert answered == AIMessage([ToolResult("c1", "5")], "tool")


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"content": "Hi"}, "'role' must be one of"),
        ({"role": ["user"], "content": "Hi"}, "'role' must be one of"),
        ({"role": "user"}, "no 'content'"),
        ({"role": "user", "content": 5}, "text or a list of parts, not int"),
        ({"role": "user", "content": [5]}, "a part must be"),
        ({"role": "user", "content": [{"type": "hologram"}]}, "'hologram' is unknown"),
        ({"role": "user", "content": [{"type": ["text"]}]}, "is unknown"),
        ({"role": "user", "content": [{"type": "text"}]}, "lacks what belongs to it"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, "lacks what belongs to it"),
        ({"role": "tool", "content": "5"}, "tool_call_id"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}, "'id' and a 'function'"),
        ({"role": "assistant", "tool_calls": 5}, "must be a list"),
        ({"role": "user", "content": "Hi", "name": 5}, "'name' must be text"),
    ],
)
def test_what_cannot_be_read_is_told(message: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_message(message)


_keys = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "image_url",
        "url",
        "file",
        "file_data",
        "file_id",
        "input_audio",
        "data",
        "format",
        "tool_calls",
        "tool_call_id",
        "id",
        "function",
        "name",
        "arguments",
        "refusal",
        "detail",
    ]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["text", "file", "tool", "user"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(_keys, _json), st.sampled_from(["user", "assistant", "tool"]))
def test_nothing_but_value_errors_escape(message: dict[str, Any], role: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read_message({**message, "role": role}), AIMessage)


def test_a_pasted_conversation_is_sent() -> None:
    ai = AI.fake(["Five."])
    pasted: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "2 + 3?"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "5"},
    ]
    response = ai.provider().send_messages(pasted, model="m")
    assert response.content == "Five."
    assert response.warnings == []
