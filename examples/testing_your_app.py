"""Testing your own code: `AI.fake` answers from a script, nothing leaves the process, and calls are asserted on.

Run it with pytest, too: `pytest examples/testing_your_app.py`.
"""

from __future__ import annotations

from polydriver import AI, RateLimitError
from polydriver.testing import tool_call


def summarise(ai: AI, text: str) -> str:
    """The code under test: a summary, or the beginning of the text when the provider is busy."""
    try:
        return ai.provider("openai").send_message(f"Sum up: {text}", model="gpt-4o-mini").content
    except RateLimitError:
        return text[:10] + "..."


def weather_report(ai: AI) -> str:
    """The code under test: an answer that needs a tool."""

    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"rain in {city}"

    return (
        ai.conversation(provider="openai")
        .model("gpt-4o-mini")
        .tools(get_weather)
        .run_tools("Weather in Bergen?")
        .content
    )


def test_summary() -> None:
    """It sends the text and returns the answer."""
    ai = AI.fake(["Short."])
    assert summarise(ai, "A long story.") == "Short."
    ai.assert_sent("Sum up: A long story.", provider="openai")
    ai.assert_done()


def test_summary_while_busy() -> None:
    """A rate limit is not a failure."""
    ai = AI.fake(strict=True).fail("rate_limit", times=3)
    assert summarise(ai, "A long story.") == "A long sto..."


def test_weather_report() -> None:
    """The tool is run, and its result sent back."""
    ai = AI.fake([tool_call("get_weather", city="Bergen"), "Take an umbrella."])
    assert weather_report(ai) == "Take an umbrella."
    ai.assert_sent("rain in Bergen")


if __name__ == "__main__":
    for test in (test_summary, test_summary_while_busy, test_weather_report):
        test()
        print(test.__name__, "passed")
