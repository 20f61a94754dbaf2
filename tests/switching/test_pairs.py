"""Every ordered pair of wires: what the first one answered is sent on by the second."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from polydriver.data.messages import AIMessage, ProviderPart
from polydriver.drivers import driver_class, driver_names
from polydriver.errors import UnsupportedFeatureError
from polydriver.prompting import build_prompt

from .checks import check_calls, check_turns, render
from .histories import DOCUMENT, IMAGE, answer_calls, first_turn, full_history
from .wires import NAMES, WIRES, Wire

OPAQUE = "b3BhcXVl"
"""How all signatures, encrypted reasoning and ids of items begin in the replies of these tests."""

PAIRS = [
    pytest.param(WIRES[first], WIRES[second], id=f"{first}-{second}")
    for first, second in itertools.permutations(NAMES, 2)
]
EACH = [pytest.param(wire, id=name) for name, wire in WIRES.items()]


def check_nothing_foreign(body: dict[str, Any]) -> None:
    text = json.dumps(body)
    assert OPAQUE not in text
    assert "Thoughts of" not in text


@pytest.mark.parametrize(("first", "second"), PAIRS)
class TestPairs:
    """The second wire goes on with what the first one said."""

    def test_tools_images_and_reasoning(self, first: Wire, second: Wire) -> None:
        body, warnings = render(second, [*first_turn(first), AIMessage.user("And tomorrow?")])
        assert len(check_calls(second, body)) == 2
        check_turns(second, body)
        check_nothing_foreign(body)
        text = json.dumps(body)
        for said in ("Be brief.", "What of the weather there?", "rain", "Rain in Paris.", "And tomorrow?"):
            assert said in text
        assert ("I look both up." in text) is (first.name != "cohere")
        sees = second.driver.supports_vision()
        assert (IMAGE.base64 in text) is sees
        assert any("image input is not read here" in warning for warning in warnings) is not sees
        assert any("tool_plan" in warning for warning in warnings) is (first.name == "cohere")

    def test_in_the_middle_of_tool_calls(self, first: Wire, second: Wire) -> None:
        """The second model gets the results of calls that the first one made, with its own reasoning asked for."""
        calls = first.message("calls")
        body, _ = render(second, [AIMessage.user("Weather?"), calls, *answer_calls(calls)], reasoning_effort="medium")
        assert len(check_calls(second, body)) == 2
        check_nothing_foreign(body)
        if second.name == "messages":
            assert "thinking" not in body
        if second.name == "converse":
            assert "thinking" not in body.get("additionalModelRequestFields", {})
        if second.name == "thinking_chat":  # DeepSeek refuses calls without any reasoning
            assert [turn["reasoning_content"] for turn in body["messages"] if "tool_calls" in turn] == [" "]

    def test_everything_that_can_be_in_a_history(self, first: Wire, second: Wire) -> None:
        body, warnings = render(second, full_history(first))
        calls = check_calls(second, body)
        assert len(calls) == 6
        check_turns(second, body)
        check_nothing_foreign(body)
        text = json.dumps(body)
        assert ("odd.name:x" in text) is (second.name in ("generate_content", "cohere", "ollama"))
        for said in (
            "Hello, I speak first.",
            "From now on, be long.",
            "Second of two.",
            "I will not say that.",
            "stray",
        ):
            assert said in text
        assert sum("had no result" in warning for warning in warnings) == 2
        assert any("unknown tool call 'never-called'" in warning for warning in warnings)
        own = [part for message in full_history(first) for part in message.parts if isinstance(part, ProviderPart)]
        for part in own:
            if second.driver.origin != part.provider:
                assert any(part.kind in warning for warning in warnings), part.kind

    def test_there_and_back(self, first: Wire, second: Wire) -> None:
        """What the first one signed goes back to it; what the second one signed in between does not."""
        between = second.message("calls")
        history = [
            *first_turn(first),
            AIMessage.user("Again."),
            between,
            *answer_calls(between),
            second.message("answer"),
            AIMessage.user("And once more."),
        ]
        body, _ = render(first, history)
        assert len(check_calls(first, body)) == 4
        text = json.dumps(body)
        alone = json.dumps(render(first, [*first_turn(first), AIMessage.user("And once more.")])[0])
        assert text.count(OPAQUE) == alone.count(OPAQUE)
        assert text.count("Thoughts of") == alone.count("Thoughts of")


OWN_VALUES = {
    "chat_completions": [],
    "thinking_chat": ["Thoughts of Chat. Twice the weather."],
    "responses": [f"rs_{OPAQUE}Responses1", f"{OPAQUE}Responses1x", f"rs_{OPAQUE}Responses2", f"fc_{OPAQUE}Responses1"],
    "messages": [f"{OPAQUE}Messages1", f"{OPAQUE}Messages2", "Thoughts of Messages"],
    "generate_content": [f"{OPAQUE}Gemini1", f"{OPAQUE}Gemini2"],
    "converse": [f"{OPAQUE}Converse1", f"{OPAQUE}Converse2", "Thoughts of Converse"],
    "cohere": ["I plan to look both up.", "Thoughts of Cohere"],
    "ollama": ["Thoughts of Ollama"],
}


@pytest.mark.parametrize("wire", EACH)
def test_a_wire_gets_back_what_it_signed(wire: Wire) -> None:
    text = json.dumps(render(wire, [*first_turn(wire), AIMessage.user("And tomorrow?")])[0])
    assert [value for value in OWN_VALUES[wire.name] if value not in text] == []


@pytest.mark.parametrize("name", ["messages", "converse"])
def test_claude_goes_on_thinking_on_its_own_calls(name: str) -> None:
    calls = WIRES[name].message("calls")
    body, warnings = render(WIRES[name], [AIMessage("Hi"), calls, *answer_calls(calls)], reasoning_effort="medium")
    assert body.get("additionalModelRequestFields", body)["thinking"]["type"] == "enabled"
    assert not warnings


@pytest.mark.parametrize("wire", EACH)
def test_a_document_is_read_or_refused_before_the_request_or_noted(wire: Wire) -> None:
    asked = AIMessage.user(["What does it say?", DOCUMENT])
    history = [asked, AIMessage.assistant("Nothing."), AIMessage.user("Are you sure?")]
    body, warnings = render(wire, history)
    if wire.driver.get_capabilities().supports("document"):
        render(wire, [asked])
        assert DOCUMENT.base64 in json.dumps(body)
        assert not warnings
    else:
        with pytest.raises(UnsupportedFeatureError, match="document input"):
            render(wire, [asked])
        assert "[document left out: report.pdf]" in json.dumps(body)
        assert warnings == ["document input is not read here; a note took its place in the history."]


def test_mistral_takes_ids_of_nine_characters() -> None:
    if "mistral" not in driver_names():
        pytest.skip("there is no driver for Mistral")
    driver = driver_class("mistral")({"api_key": "test-0123456789abcdef"})
    wire = WIRES["messages"]
    prompt, _ = build_prompt(driver, [*first_turn(wire), AIMessage.user("And?")], {"model": "mistral-large-latest"})
    body = json.loads(driver.build_request(prompt).body or b"")
    calls = [call["id"] for message in body["messages"] for call in message.get("tool_calls", [])]
    results = [message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"]
    assert calls == results
    assert all(len(call) == 9 and call.isalnum() for call in calls)
