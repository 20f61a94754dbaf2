"""Every wire of the mock server, asked by our own drivers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.testing.server.services import WIRES, ask, served

from polydriver import AI, AIMessage, MockDriver, Provider, TokenUsage, errors
from polydriver.drivers.mock import FAILURES, tool_call

wire = pytest.mark.parametrize("wire", WIRES)
streamed = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])

CLASSES = {
    "rate_limit": errors.RateLimitError,
    "quota": errors.QuotaExceededError,
    "credentials": errors.InvalidCredentialsError,
    "forbidden": errors.InvalidCredentialsError,
    "context_length": errors.ContextLengthError,
    "model_not_found": errors.ModelNotFoundError,
    "server_error": errors.ServerError,
    "unavailable": errors.ServerError,
    "overloaded": errors.ServerError,
    "timeout": errors.APITimeoutError,
    "connection": errors.APIConnectionError,
}


@dataclass
class City:
    """A city."""

    name: str
    inhabitants: int


def mock(*replies: Any, **config: Any) -> MockDriver:
    return MockDriver(replies=list(replies), env={}, **config)


@wire
@streamed
class TestAnswers:
    def test_an_echo(self, wire: str, streamed: bool) -> None:
        with served(wire, mock(chunk_size=3)) as provider:
            answer = ask(provider, streamed, "Hello, 世界 🌍!")
        assert (answer.content, answer.finish_reason, answer.model) == ("Hello, 世界 🌍!", "stop", "mock")
        assert answer.usage is not None
        assert answer.usage.input_tokens
        assert answer.request_id

    def test_all_parts(self, wire: str, streamed: bool) -> None:
        reply = {"reasoning": "Let me think.", "content": "Look:", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]}
        usage = TokenUsage(input_tokens=100, output_tokens=30, reasoning_tokens=10, cached_input_tokens=40)
        with served(wire, mock({**reply, "usage": usage})) as provider:
            answer = ask(provider, streamed, "x")
        assert (answer.reasoning, answer.content, answer.finish_reason) == ("Let me think.", "Look:", "tool_calls")
        assert [(call.name, call.arguments) for call in answer.tool_calls] == [("f", {"a": 1})]
        assert answer.usage is not None
        counts = (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cached_input_tokens)
        assert counts == (100, 30, 40)

    @pytest.mark.parametrize("finish", ["length", "content_filter"])
    def test_ends(self, wire: str, streamed: bool, finish: str) -> None:
        with served(wire, mock({"content": "so far", "finish_reason": finish})) as provider:
            assert ask(provider, streamed, "x").finish_reason == finish

    def test_structured_output(self, wire: str, streamed: bool) -> None:
        with served(wire, mock({"name": "Lyon", "inhabitants": 3})) as provider:
            assert ask(provider, streamed, "x", response_format=City).parsed == City("Lyon", 3)
            assert ask(provider, streamed, "x", response_format=City).parsed == City("mock", 0)

    def test_a_tool_that_must_be_called(self, wire: str, streamed: bool) -> None:
        def weather(city: str) -> str:
            """The weather."""
            return city

        with served(wire, mock()) as provider:
            for choice in ("required", "weather"):
                answer = ask(provider, streamed, "x", tools=[weather], tool_choice=choice)
                assert [(call.name, call.arguments) for call in answer.tool_calls] == [("weather", {"city": "mock"})]

    def test_a_tool_loop(self, wire: str, streamed: bool) -> None:
        def weather(city: str) -> str:
            """The weather."""
            return f"rain in {city}"

        driver = mock(tool_call("weather", city="Bergen"))
        with served(wire, driver) as provider:
            ai = AI({"default": "x", "providers": {"x": {}}})
            ai.extend("x", lambda config: provider)
            chat = ai.conversation().model("mock").system("Be brief.").tools(weather)
            if streamed:
                chat.on_chunk(lambda chunk: None)
            assert chat.run_tools("What is the weather?").content == "rain in Bergen"
        first, second = driver.calls
        assert first.says("Be brief.")
        assert first.tool_names == ["weather"]
        assert [message["role"] for message in second.messages][-3:] == ["user", "assistant", "tool"]

    @pytest.mark.parametrize("kind", [*FAILURES, "418"])
    def test_failures(self, wire: str, streamed: bool, kind: str) -> None:
        limits = {"retry_attempts": 1, "timeout": 0.2, "idle_timeout": 0.1}
        with served(wire, mock()) as provider:
            with pytest.raises(CLASSES.get(kind, errors.ProviderError)):
                ask(provider, streamed, "x", model=f"mock-error-{kind}", **limits)
            assert ask(provider, streamed, "still there").content == "still there"

    def test_a_strict_server(self, wire: str, streamed: bool) -> None:
        models = {
            "chat": "gpt-4o-mini",
            "responses": "gpt-5",
            "anthropic": "claude-haiku-4-5",
            "gemini": "gemini-2.5-flash",
        }
        with served(wire, mock(), strict=True) as provider:
            assert ask(provider, streamed, "fine", model=models[wire]).content == "fine"
            with pytest.raises(errors.InvalidRequestError):
                ask(provider, streamed, "x", model=models[wire], extra={"temperature": "hot", "generationConfig": 3})


@wire
def test_a_scripted_history(wire: str) -> None:
    history = [AIMessage.user("My name is Ada."), AIMessage.assistant("Hello!"), AIMessage.user("And now?")]
    driver = mock()
    with served(wire, driver) as provider:
        assert provider.send_messages(history, model="mock").content == "And now?"
    assert driver.calls[0].says("My name is Ada.")
    assert driver.calls[0].says("Hello!")


@wire
def test_the_lists_of_models(wire: str) -> None:
    with served(wire, mock(models=["one", "two"])) as provider:
        assert [model.id for model in provider.get_available_models()] == ["one", "two"]


@pytest.mark.parametrize("wire", [name for name in WIRES if name != "chat"])
def test_token_counts(wire: str) -> None:
    driver = mock()
    with served(wire, driver) as provider:
        short = provider.count_tokens("Hi", model="mock").input_tokens
        assert provider.count_tokens("A text that is quite a bit longer", model="mock").input_tokens > short > 0
        with pytest.raises(errors.RateLimitError):
            provider.count_tokens("Hi", model="mock-error-429", retry_attempts=1)
    assert {call.operation for call in driver.calls} == {"count_tokens"}


def test_answers_in_the_background() -> None:
    with served("responses", mock()) as provider:
        started = provider.send_message("later", model="mock", background=True)
        assert started.finish_reason is None
        assert provider.get_response(str(started.id)).content == "later"
        stopped = provider.send_message("never", model="mock", background=True)
        assert provider.cancel_response(str(stopped.id)).content == ""
        with pytest.raises(errors.InvalidRequestError, match="not found"):
            provider.get_response("resp_unknown")


def _check(provider: Provider, text: str, thought: str, arguments: dict[str, Any], driver: MockDriver) -> None:
    parts = {"reasoning": thought, "content": text, "tool_calls": [{"name": "f", "arguments": arguments}]}
    driver.reply(parts, parts)
    whole, piecemeal = (ask(provider, streamed, "x") for streamed in (False, True))
    assert whole.content == piecemeal.content == text
    assert whole.reasoning == piecemeal.reasoning == thought
    assert [call.arguments for call in (*whole.tool_calls, *piecemeal.tool_calls)] == [arguments, arguments]
    assert whole.usage is not None
    assert piecemeal.usage is not None
    assert whole.usage.output_tokens == piecemeal.usage.output_tokens


texts = st.text(st.characters(codec="utf-8"), max_size=40)


@wire
def test_what_is_scripted_arrives(wire: str) -> None:
    driver = mock(chunk_size=3)
    with served(wire, driver) as provider:

        @settings(max_examples=25, deadline=None)
        @given(texts, texts, st.dictionaries(texts, st.integers(-(2**40), 2**40) | texts, max_size=3))
        def check(text: str, thought: str, arguments: dict[str, Any]) -> None:
            _check(provider, text, thought, arguments, driver)

        check()
