"""The testing kit, as users' tests see it."""

from __future__ import annotations

from typing import assert_type

from polydriver import AI, AIError, AIResponse, AsyncAI, Provider, RateLimitError
from polydriver.testing import (
    Cassette,
    DriverConformance,
    FakeAI,
    FakeAsyncAI,
    MockCall,
    MockDriver,
    MockServer,
    tool_call,
)


def faking() -> None:
    ai = AI.fake(["Hello!", tool_call("weather", city="Paris"), RateLimitError("slow down")])
    assert_type(ai, FakeAI)
    assert_type(ai.provider("openai"), Provider)
    assert_type(ai.reply("Bye").when("hello", "Hi!").fail("rate_limit", retry_after=2), FakeAI)
    assert_type(ai.assert_sent("Hi", provider="openai"), MockCall)
    assert_type(ai.assert_sent(lambda call: call.text == "Hi"), MockCall)
    assert_type(ai.assert_count(2).assert_not_sent("Bye").assert_done(), FakeAI)
    assert_type(ai.calls, list[MockCall])
    assert_type(ai.asynchronous(), FakeAsyncAI)
    taken_for_real: AI = ai
    print(taken_for_real)


async def faking_async() -> None:
    aio = AsyncAI.fake({"weather": "Sunny."})
    assert_type(aio, FakeAsyncAI)
    assert_type(await aio.provider().send_message("weather?"), AIResponse)
    taken_for_real: AsyncAI = aio
    print(taken_for_real)


def mocking(mock_driver: MockDriver) -> None:
    assert_type(mock_driver.reply("Hi").fail(500), MockDriver)
    assert_type(mock_driver.calls, list[MockCall])
    assert_type(mock_driver.send_message("Hi"), AIResponse)


def serving() -> None:
    with MockServer() as url:
        assert_type(url, str)


def test_recorded(cassette: Cassette) -> None:
    driver = MockDriver(transport=cassette)
    try:
        driver.send_message("Hi")
    except AIError as error:
        print(error)


class TestMyDriver(DriverConformance):
    driver = MockDriver
    model = "mock-large"
