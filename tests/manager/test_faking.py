from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from polydriver import AI, AIMessage, AsyncAI, errors
from polydriver.drivers.mock import UnscriptedCallError, tool_call
from polydriver.drivers.openai.errors import OpenAIRateLimitError


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


class Person(msgspec.Struct):
    name: str
    age: int


class TestScript:
    def test_a_list_is_the_script_of_all_providers(self) -> None:
        ai = AI.fake(["one", "two"])
        assert ai.provider("openai").send_message("x", model="gpt-4o").content == "one"
        assert ai.provider("my-own-name").send_message("x").content == "two"
        ai.assert_done().assert_count(1, provider="openai")

    def test_a_single_reply_answers_everything(self) -> None:
        ai = AI.fake("always")
        assert [ai.provider().send_message("x").content for _ in range(3)] == ["always"] * 3

    def test_a_function_answers_everything(self) -> None:
        assert AI.fake(lambda call: call.text[::-1]).provider().send_message("abc").content == "cba"

    def test_a_dict_holds_patterns(self) -> None:
        ai = AI.fake({"hello": "Hi!", "bye": errors.ServerError("no")})
        assert ai.provider().send_message("Hello there").content == "Hi!"
        with pytest.raises(errors.ServerError):
            ai.provider().send_message("bye")
        with pytest.raises(UnscriptedCallError):
            ai.provider().send_message("else")

    def test_without_a_script_it_echoes_until_there_is_one(self) -> None:
        ai = AI.fake()
        assert ai.provider().send_message("echo").content == "echo"
        ai.reply("scripted").when("pattern", "matched")
        assert ai.provider().send_message("a pattern").content == "matched"
        assert ai.provider().send_message("x").content == "scripted"
        with pytest.raises(UnscriptedCallError, match="call #4 fake/mock: 'too much'"):
            ai.provider().send_message("too much")

    def test_strictness_can_be_chosen(self) -> None:
        ai = AI.fake(["one"], strict=False)
        assert [ai.provider().send_message("x").content for _ in range(2)] == ["one", "x"]
        with pytest.raises(UnscriptedCallError):
            AI.fake(strict=True).provider().send_message("x")

    def test_a_swallowed_lack_of_replies_is_reported_at_the_end(self) -> None:
        ai = AI.fake([])
        with contextlib.suppress(Exception, AssertionError):
            ai.provider().send_message("x")
        with pytest.raises(AssertionError, match="without a reply"):
            ai.assert_done()

    def test_settings_reach_every_connection(self) -> None:
        ai = AI.fake(["abcdef"], provider="openai", chunk_size=2, prices={"x": {"input": 4, "output": 4}})
        assert ai.default_provider == "openai"
        with ai.provider().send_streaming_message("abcd", model="x") as stream:
            assert [chunk.content for chunk in stream if chunk.content] == ["ab", "cd", "ef"]
        assert stream.response.cost is not None
        assert stream.response.cost.total == Decimal("0.000012")

    def test_the_environment_is_not_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_TIMEOUT", "not a number")
        monkeypatch.setenv("MOCK_REPLIES", '["from outside"]')
        assert AI.fake("inside").provider("openai").send_message("x").content == "inside"


class TestLikeness:
    def test_errors_are_of_the_providers_branch(self) -> None:
        ai = AI.fake([errors.RateLimitError("slow")])
        with pytest.raises(OpenAIRateLimitError):
            ai.provider("openai").send_message("x", retry_attempts=1)

    def test_names_and_prices_are_the_providers(self) -> None:
        provider = AI.fake("x").provider("openai")
        answer = provider.send_message("Hi", model="gpt-4o")
        assert (provider.get_name(), answer.provider) == ("openai", "openai")
        assert answer.cost is not None
        assert "genai-prices" in answer.cost.source

    def test_options_of_the_real_driver_are_known(self) -> None:
        ai = AI.fake("x")
        with pytest.raises(errors.UnknownOptionError):
            ai.provider("openai").send_message("x", no_such_option=1)

    def test_events_reach_the_manager(self) -> None:
        ai = AI.fake("x")
        seen: list[str] = []
        ai.on("*", lambda event: seen.append(type(event).__name__))
        ai.provider("openai").send_message("Hi")
        assert seen == ["MessageSent", "AttemptFinished", "ResponseGenerated", "CostCalculated"]

    def test_nothing_waits(self) -> None:
        ai = AI.fake(delay=5.0).fail("rate_limit", retry_after=25).fail("timeout").reply("done")
        assert ai.provider().send_message("x", deadline=1000).content == "done"
        ai.reply("a stream").fail("stall")
        with ai.provider().send_streaming_message("x") as stream:
            assert stream.until_done().content == "a stream"
        with (
            pytest.raises(errors.StreamInterruptedError),
            ai.provider().send_streaming_message("x") as stream,
        ):
            stream.until_done()


class TestConversations:
    def test_history_and_providers(self) -> None:
        ai = AI.fake(["Hello Ada", "You are Ada"])
        chat = ai.conversation(provider="openai").system("Be brief.")
        chat.message("I am Ada").send()
        assert chat.provider("anthropic").message("Who am I?").send().content == "You are Ada"
        last = ai.assert_sent("Who am I?", provider="anthropic")
        assert [message["role"] for message in last.messages] == ["system", "user", "assistant", "user"]
        assert chat.total_cost is not None

    @pytest.mark.parametrize("stream", [False, True])
    def test_the_tool_loop(self, stream: bool) -> None:
        calls: list[Any] = [tool_call("get_weather", city="Paris"), tool_call("get_weather", city="Rome")]
        ai = AI.fake([calls, lambda call: f"It is {call.text}."])
        chat = ai.conversation().tools(get_weather)
        if stream:
            chat.on_chunk(lambda chunk: None)
        assert chat.run_tools("Weather?").content == "It is sunny in Rome."
        ai.assert_tool_offered("get_weather")
        ai.assert_sent("sunny in Paris")

    def test_structured_answers(self) -> None:
        ai = AI.fake([{"name": "Ada", "age": 36}, Person("Bob", 4)])
        chat = ai.conversation().response_format(Person)
        assert chat.message("Who?").send().parsed == Person("Ada", 36)
        assert chat.message("Who?").send().parsed == Person("Bob", 4)


class TestAsync:
    async def test_the_twin_shares_script_and_log(self) -> None:
        ai = AI.fake(["one", "two", "three"], provider="openai")
        twin = ai.asynchronous()
        assert ai.provider().send_message("x").content == "one"
        assert (await twin.provider().send_message("x")).content == "two"
        async with twin.conversation().message("y").stream() as stream:
            assert (await stream.until_done()).content == "three"
        ai.assert_count(3)
        twin.assert_done().assert_sent("y", provider="openai")

    async def test_by_itself(self) -> None:
        ai = AsyncAI.fake([errors.RateLimitError("slow", retry_after=20), tool_call("get_weather", city="Oslo")])
        ai.reply("Fine.")
        async with ai:
            answer = await ai.conversation().tools(get_weather).run_tools("Weather?")
        assert answer.content == "Fine."
        ai.assert_count(3).assert_done()

    async def test_many_tasks(self) -> None:
        ai = AsyncAI.fake([str(number) for number in range(50)])
        answers = await asyncio.gather(*(ai.provider().send_message("x") for _ in range(50)))
        assert sorted(int(answer.content) for answer in answers) == list(range(50))


def test_messages_of_any_form_are_logged() -> None:
    ai = AI.fake("x")
    ai.provider().send_messages([AIMessage.system("rules"), "question"])
    assert ai.assert_sent("rules").text == "question"


def test_waits_for_room_in_a_limit_have_passed_at_once() -> None:
    limits = {"requests_per_minute": 2, "max_concurrent": 1}
    ai = AI.fake(default="fine", rate_limiting=limits)
    waited = [ai.provider().send_message("Hi", model="m").attempts[0].waited for _ in range(5)]
    assert [seconds > 50 for seconds in waited] == [False, False, True, False, True]
    ai.provider().send_message("Hi", model="m")
    with pytest.raises(errors.LimitReachedError):
        ai.provider().send_message("Hi", model="m", deadline=20)

    async def ask() -> list[float]:
        provider = AsyncAI.fake(default="fine", rate_limiting=limits).provider()
        answers = await asyncio.gather(*(provider.send_message("Hi", model="m") for _ in range(5)))
        return [answer.attempts[0].waited for answer in answers]

    assert max(asyncio.run(ask())) > 50
