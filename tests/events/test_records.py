"""The events of calls hold what their callers gave."""

from __future__ import annotations

from polydriver import AI, MessageSent, ToolFailed
from polydriver.testing import tool_call


def test_what_is_sent_is_told_with_the_options_that_were_given() -> None:
    ai = AI.fake()
    with ai.bus.capture(MessageSent) as sent:
        ai.provider().send_message("Hi", model="m", temperature=0, stop="end", metadata={"job": 7})
    assert sent[0].options == {"temperature": 0, "stop": ["end"]}
    assert sent[0].metadata == {"job": 7}


def test_a_failed_tool_call_is_told_with_its_error() -> None:
    def weather() -> str:
        raise LookupError("no city")

    ai = AI.fake([tool_call("weather"), "Sorry"])
    with ai.bus.capture(ToolFailed) as failed:
        ai.conversation().model("m").tools(weather).run_tools("Hi")
    assert [str(event.error) for event in failed] == ["no city"]
