"""What callers write, and what is said when it cannot work: before anything is sent."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from polydriver import AI, AIMessage, ConfigurationError, Image, Provider, Text, UnknownOptionError
from polydriver.prompting import _OTHER_NAMES, CALL_LIMITS, PROMPT_OPTIONS, make_messages


@pytest.fixture
def provider() -> Provider:
    return AI.fake().provider()


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        (None, "not NoneType"),
        ([], "give at least one"),
        (5, "not int"),
        (b"Hi", "not bytes: decode it first"),
        ([b"Hi"], "not bytes: decode it first"),
        ({"Hi"}, "not set"),
        ([["Hi"]], "not list"),
        ([None], "not NoneType"),
        (["What is this?", Image.from_url("https://host/a.png")], "beside the text"),
        ({"role": "user", "content": 5}, "text or a list of parts"),
        (AIMessage(None), "its content must be text"),  # type: ignore[arg-type]
        (AIMessage("Hi", "robot"), "its role must be one of"),  # type: ignore[arg-type]
        (AIMessage([5]), "a part must be"),  # type: ignore[list-item]
    ],
)
def test_what_is_no_message_is_told(provider: Provider, messages: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        provider.send_messages(messages, model="m")


def test_an_answer_in_place_of_a_message_is_told(provider: Provider) -> None:
    response = provider.send_message("Hi", model="m")
    with pytest.raises(ConfigurationError, match="to_message"):
        provider.send_message(response, model="m")  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [("a", "b"), iter(["a", "b"]), [AIMessage(("a",)), "b"]])  # type: ignore[arg-type]
def test_any_sequence_of_messages_is_taken(given: Any) -> None:
    assert [message.text for message in make_messages(given)] == ["a", "b"]


def test_parts_become_a_list() -> None:
    message = AIMessage(("a", Text("b")))  # type: ignore[arg-type]
    assert make_messages(message) == [AIMessage([Text("a"), Text("b")])]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "0.5"),
        ("temperature", float("nan")),
        ("presence_penalty", float("nan")),
        ("top_k", "5"),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("stop", 5),
        ("stop", [1]),
        ("seed", "x"),
        ("n", True),
        ("tools", 5),
        ("tools", "add"),
        ("tool_choice", 5),
        ("response_format", 5),
        ("response_format", "yaml"),
        ("reasoning_effort", 5),
        ("modalities", "text"),
        ("logit_bias", 5),
        ("user", 5),
        ("store", "yes"),
        ("extra", 5),
        ("extra", {1: 2}),
        ("extra_headers", {"a": 1}),
        ("extra_headers", {"a": None}),
        ("model", 5),
        ("model", b"m"),
        ("metadata", 5),
        ("conversation_id", 5),
        ("timeout", 0),
        ("deadline", -1),
        ("idle_timeout", "3"),
        ("retry_attempts", 0),
        ("retry_attempts", 1.5),
        ("retry_attempts", "3"),
    ],
)
def test_an_option_of_the_wrong_kind_is_told_by_its_name(provider: Provider, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^(the type )?" + (name if name[:8] != "response" else "")):
        provider.send_message("Hi", **{"model": "m", name: value})


class Models(StrEnum):
    SMALL = "small"


class Number(float):
    """As NumPy's floats are."""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0),
        ("temperature", Number(0.5)),
        ("presence_penalty", Number(0.5)),
        ("stop", ""),
        ("stop", ("a", "b")),
        ("tools", []),
        ("logit_bias", {50256: -100}),
        ("logprobs", 5),
        ("model", Models.SMALL),
        ("response_format", int),
        ("timeout", None),
        ("idle_timeout", None),
        ("deadline", None),
        ("retry_attempts", None),
        ("metadata", None),
    ],
)
def test_an_option_of_a_near_kind_is_taken(provider: Provider, name: str, value: Any) -> None:
    assert provider.send_message("Hi", **{"model": "m", name: value}).finish_reason == "stop"


def test_text_of_a_class_of_its_own_is_taken(provider: Provider) -> None:
    marked = type("Marked", (str,), {})("Hi")
    assert provider.send_message(marked, model="m").content == "Hi"


def test_without_limits_of_its_own_a_call_has_the_connections() -> None:
    ai = AI.fake(retry_attempts=2).fail(503).reply("Hi")
    assert ai.provider().send_message("Hi", model="m", retry_attempts=None, timeout=None).content == "Hi"


def test_a_streaming_option_leads_to_the_method(provider: Provider) -> None:
    with pytest.raises(UnknownOptionError, match="send_streaming_message"):
        provider.send_message("Hi", model="m", stream=True)


@pytest.mark.parametrize("name", ["system", "system_prompt", "instructions"])
def test_instructions_lead_to_the_systems_message(provider: Provider, name: str) -> None:
    own: dict[str, Any] = {name: "Be brief."}
    with pytest.raises(UnknownOptionError, match=rf"{name} is not an option: put AIMessage.system") as caught:
        provider.send_message("Hi", model="m", **own)
    assert "extra" not in str(caught.value)


@pytest.mark.parametrize("other", sorted(_OTHER_NAMES))
def test_names_from_elsewhere_lead_to_ours(provider: Provider, other: str) -> None:
    ours = _OTHER_NAMES[other]
    assert ours in PROMPT_OPTIONS | CALL_LIMITS
    own: dict[str, Any] = {other: 1}
    with pytest.raises(UnknownOptionError, match=f"Did you mean {ours!r}"):
        provider.send_message("Hi", model="m", **own)
