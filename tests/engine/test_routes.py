"""Fallbacks: which errors lead on, who is passed over, what is told of it. In both colours, streamed and not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from polydriver import (
    AI,
    AIError,
    AIMessage,
    AIResponse,
    AsyncAI,
    ConfigurationError,
    ContentFilterError,
    ContextLengthError,
    Event,
    Image,
    InvalidRequestError,
    MessageSent,
    MockDriver,
    ModelNotFoundError,
    ProviderFellBack,
    RequestFailed,
    ResponseGenerated,
    ServerError,
)
from polydriver.data.models import Capabilities
from polydriver.engine.waiting import no_waiting

HOWS = ("blocking", "blocking stream", "async", "async stream")


@pytest.fixture(autouse=True)
def instant() -> Iterator[list[float]]:
    with no_waiting() as waits:
        yield waits


def ask(how: str, provider: Any, message: Any = "Hi", **options: Any) -> AIResponse:
    """Make one call in one of the four ways."""
    if how == "blocking":
        return provider.send_message(message, **options)
    if how == "blocking stream":
        return provider.send_streaming_message(message, **options).until_done()

    async def main() -> AIResponse:
        if how == "async":
            return await provider.asynchronous().send_message(message, **options)
        return await provider.asynchronous().send_streaming_message(message, **options).until_done()

    return asyncio.run(main())


def mock(name: str, *replies: Any, kind: type[MockDriver] = MockDriver, **settings: Any) -> MockDriver:
    return kind({"name": name}, replies=list(replies), default=f"from {name}", **{"retry_attempts": 1, **settings})


def failing(word: Any) -> dict[str, Any]:
    return {"error": word}


class Plain(MockDriver):
    """A mock that does nothing beyond text."""

    name = "plain"
    capabilities = Capabilities(streaming=True)


class Small(MockDriver):
    """A mock with a small context."""

    name = "small"
    capabilities = Capabilities(streaming=True, max_context_length=100)


class Large(MockDriver):
    """A mock with a large context."""

    name = "large"
    capabilities = Capabilities(streaming=True, max_context_length=100_000)


LEADING = ["rate_limit", "server_error", "timeout", "connection", "quota", "credentials", "bad_json", "html", "empty"]
FINAL = ["content_filter", "model_not_found", "invalid_request"]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("word", LEADING)
def test_faults_of_a_provider_lead_on(how: str, word: str) -> None:
    if (word, how.endswith("stream")) == ("bad_json", True):
        pytest.skip("the content before the broken event has been delivered")
    first, second = mock("first", failing(word)), mock("second")
    events: list[Event] = []
    first.on("*", events.append)
    answer = ask(how, first, fallback=[second])
    assert answer.content == "from second"
    assert answer.provider == "second"
    assert [(a.provider, a.outcome) for a in answer.attempts] == [("first", "failure"), ("second", "success")]
    assert answer.attempts[0].error is not None
    assert answer.cost == answer.attempts[1].cost is not None
    (told,) = (event for event in events if isinstance(event, ProviderFellBack))
    assert (told.provider, told.to_provider, told.to_model) == ("first", "second", "mock")
    assert [type(e) for e in events].count(MessageSent) == 1
    (end,) = (event for event in events if isinstance(event, ResponseGenerated))
    assert end.provider == "second"
    assert "second (mock) was asked instead" in answer.warnings[0]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("word", FINAL)
def test_the_callers_mistakes_and_verdicts_do_not(how: str, word: str) -> None:
    first, second = mock("first", failing(word)), mock("second")
    with pytest.raises(InvalidRequestError):
        ask(how, first, fallback=second)
    assert not second.calls


@pytest.mark.parametrize("how", HOWS)
def test_a_content_filter_is_gone_around_only_when_it_is_named(how: str) -> None:
    for asked in (["InvalidRequestError"], [AIError]):
        with pytest.raises(ContentFilterError):
            ask(how, mock("first", failing("content_filter")), fallback=mock("second"), fallback_on=asked)
    named: Any
    for named in ("ContentFilterError", ContentFilterError):
        answer = ask(how, mock("first", failing("content_filter")), fallback=mock("second"), fallback_on=named)
        assert answer.provider == "second"
    answer = ask(how, mock("first", failing("model_not_found")), fallback=mock("b"), fallback_on=[ModelNotFoundError])
    assert answer.provider == "b"


@pytest.mark.parametrize("how", HOWS)
def test_a_target_is_asked_again_first_by_its_own_settings(how: str, instant: list[float]) -> None:
    first = mock("first", *[failing("server_error")] * 3, retry_attempts=3, retry_delay=1.0)
    second = mock("second", failing("server_error"), "done", retry_attempts=2, retry_delay=7.0)
    answer = ask(how, first, fallback=[second])
    assert [a.provider for a in answer.attempts] == ["first"] * 3 + ["second"] * 2
    assert [int(seconds) for seconds in instant if seconds >= 1] == [1, 2, 7]


@pytest.mark.parametrize("how", HOWS)
def test_a_request_that_is_too_long_goes_to_a_model_that_is_known_to_be_larger(how: str) -> None:
    first = mock("first", failing("context_length"), kind=Small)
    small, unknown, large = mock("small", kind=Small), mock("unknown"), mock("large", kind=Large)
    answer = ask(how, first, fallback=[small, unknown, large])
    assert answer.provider == "large"
    assert [a.provider for a in answer.attempts] == ["first", "large"]
    assert any("small (mock) was passed over: its context has 100 tokens" in text for text in answer.warnings)
    with pytest.raises(ContextLengthError) as caught:
        ask(how, mock("first", failing("context_length"), kind=Small), fallback=[small, (unknown, "mock")])
    assert len(caught.value.details["passed_over"]) == 2


@pytest.mark.parametrize("how", HOWS)
def test_without_a_model_that_is_known_to_be_larger_an_unknown_one_is_asked(how: str) -> None:
    first = mock("first", failing("context_length"), kind=Small)
    small, unknown = mock("small", kind=Small), mock("unknown")
    answer = ask(how, first, model="little", fallback=[(small, "little"), (unknown, "big")])
    assert answer.provider == "unknown"
    assert [text for text in answer.warnings if "passed over" in text]


def double(x: int) -> int:
    """Double a number."""
    return 2 * x


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(
    ("needs", "why"),
    [
        ({"tools": [double]}, "tools"),
        ({"response_format": int}, "structured output"),
        ({"message": AIMessage.user(["What?", Image.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")])}, "image input"),
        ({"message": "x" * 4000, "kind": Small}, "about 1004 are needed"),
    ],
)
def test_a_target_that_cannot_is_passed_over_and_named(how: str, needs: dict[str, Any], why: str) -> None:
    given = dict(needs)
    unable = mock("unable", kind=given.pop("kind", Plain))
    answer = ask(how, mock("first", failing("server_error")), **given, fallback=[unable, mock("able", '{"value": 7}')])
    assert answer.provider == "able"
    assert not unable.calls
    assert any("unable (mock) was passed over" in text and why in text for text in answer.warnings)


@pytest.mark.parametrize("how", HOWS)
def test_the_first_target_is_passed_over_as_well(how: str) -> None:
    image = AIMessage.user(["What?", Image.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")])
    for given in ({"tools": [double]}, {"message": image}):
        answer = ask(how, mock("unable", kind=Plain), **given, fallback=[mock("able")])
        assert (answer.provider, len(answer.attempts)) == ("able", 1)
        assert any("unable (mock) was passed over" in text for text in answer.warnings)


@pytest.mark.parametrize("how", HOWS)
def test_models_and_options_belong_to_their_target(how: str) -> None:
    first = mock("first", failing("server_error"))
    second = mock("second", default_model="its-own")
    third = mock("third", failing("server_error"))
    answer = ask(how, first, model="only-here", fallback=[(third, "named"), second], temperature=0.5)
    assert [a.model for a in answer.attempts] == ["only-here", "named", "its-own"]
    assert answer.requested_model == "its-own"
    assert second.calls[0].options["temperature"] == 0.5


@pytest.mark.parametrize("how", HOWS)
def test_when_all_fail_the_last_error_names_all(how: str) -> None:
    first, second = mock("first", failing("rate_limit")), mock("second", failing("server_error"))
    events: list[Event] = []
    first.on(RequestFailed, events.append)
    with pytest.raises(ServerError) as caught:
        ask(how, first, fallback=[second])
    assert caught.value.provider == "second"
    assert [a.provider for a in caught.value.attempts] == ["first", "second"]
    assert caught.value.__notes__[0].startswith("attempt 1: first (mock): MockRateLimitError")
    assert len(events) == 1


@pytest.mark.parametrize("how", HOWS)
def test_a_stream_does_not_fall_back_after_its_first_content(how: str) -> None:
    first, second = mock("first", failing("cut")), mock("second")
    if "stream" not in how:
        pytest.skip("whole answers have no middle")
    with pytest.raises(AIError) as caught:
        ask(how, first, fallback=[second])
    assert caught.value.partial is not None
    assert not second.calls


def test_names_need_a_manager_and_targets_a_model() -> None:
    with pytest.raises(ConfigurationError, match="only a manager knows"):
        mock("first").send_message("Hi", fallback="second")
    with pytest.raises(ConfigurationError, match="a fallback is the name"):
        mock("first").send_message("Hi", fallback=[7])
    with pytest.raises(ConfigurationError, match="fallback_on takes"):
        mock("first").send_message("Hi", fallback=mock("b"), fallback_on=["NoSuchError"])


SETTINGS = {
    "default": "a",
    "providers": {
        "a": {"driver": "mock", "replies": [failing(500)], "retry_attempts": 1, "fallback": ["b/special"]},
        "b": {"driver": "mock", "default": "from b"},
        "c": {"driver": "mock", "default": "from c"},
    },
}


def test_the_settings_name_fallbacks_and_a_call_replaces_them() -> None:
    with AI(SETTINGS, env={}) as ai:
        answer = ai.provider().send_message("Hi")
        assert (answer.content, answer.requested_model) == ("from b", "special")
    with AI(SETTINGS, env={}) as ai:
        assert ai.provider().send_message("Hi", fallback="c").content == "from c"
    with AI(SETTINGS, env={}) as ai, pytest.raises(ServerError):
        ai.provider().send_message("Hi", fallback=[])


async def test_an_async_manager_asks_its_own_providers() -> None:
    async with AsyncAI(SETTINGS, env={}) as ai:
        answer = await ai.provider().send_message("Hi")
        assert answer.content == "from b"
        assert ai.provider("a")._twin(ai.connections.resolve("b", ai)) is ai.provider("b")


def test_a_conversation_with_tools_falls_back_in_the_middle() -> None:
    from polydriver.testing import tool_call

    ai = AI.fake([tool_call("double", x=2), failing(500), "It is 4.", "Yes."], retry_attempts=1)
    chat = ai.conversation().provider("openai").model("gpt-4o-mini").tools(double)
    answer = chat.fallback(("anthropic", "claude-sonnet-4-5")).run_tools("Double 2")
    assert answer.content == "It is 4."
    assert answer.provider == "anthropic"
    assert [message.role for message in chat.history] == ["user", "assistant", "tool", "assistant"]
    assert chat.message("And now?").send().provider == "openai"
