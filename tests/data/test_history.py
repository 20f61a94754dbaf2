"""Mending histories: every call gets its one result, right behind it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polydriver.data.history import NO_RESULT, mend_history
from polydriver.data.messages import AIMessage, Image, Part, Text, ToolCall, ToolResult

ASK = AIMessage.user("What is the weather?")


def called(*ids: str) -> AIMessage:
    return AIMessage.assistant("", [ToolCall(id, "weather", {}) for id in ids])


def mend(*messages: AIMessage) -> tuple[list[AIMessage], list[str]]:
    warnings: list[str] = []
    return mend_history(list(messages), warnings.append), warnings


def test_a_sound_history_is_returned_as_it_is() -> None:
    plain = [ASK, AIMessage.assistant("Sunny."), AIMessage.user([Text("Thanks")])]
    assert mend_history(plain, print) is plain


def test_results_get_the_name_of_their_tool() -> None:
    mended, warnings = mend(ASK, called("a"), AIMessage.tool("a", "sunny"))
    assert mended[2].parts == [ToolResult("a", "sunny", "weather")]
    assert not warnings


def test_a_call_without_a_result_is_answered() -> None:
    mended, warnings = mend(ASK, called("a", "b"), AIMessage.tool("b", "rain"), AIMessage.user("Well?"))
    assert mended[2].parts == [ToolResult("a", NO_RESULT, "weather", is_error=True), ToolResult("b", "rain", "weather")]
    assert mended[3].text == "Well?"
    assert len(warnings) == 1


def test_a_result_that_stands_elsewhere_is_moved_behind_its_call() -> None:
    mended, _ = mend(ASK, called("a"), AIMessage.user("Well?"), AIMessage.tool("a", "sunny"))
    assert [message.role for message in mended] == ["user", "assistant", "tool", "user"]


def test_an_orphan_result_becomes_text_and_nothing_is_lost() -> None:
    mended, warnings = mend(AIMessage.tool("lost", "42", name="answer"), ASK)
    assert mended[0] == AIMessage([Text("[Result of answer]: 42")], "user")
    assert warnings


def test_the_second_result_of_a_call_is_left_out() -> None:
    mended, warnings = mend(ASK, called("a"), AIMessage.tool("a", "1"), AIMessage.tool("a", "2"))
    assert [message.role for message in mended] == ["user", "assistant", "tool"]
    assert mended[2].parts == [ToolResult("a", "1", "weather")]
    assert len(warnings) == 1


def test_an_id_that_is_used_again_gets_its_own_result() -> None:
    turns = [ASK, called("a"), AIMessage.tool("a", "1"), called("a"), AIMessage.tool("a", "2")]
    mended, warnings = mend(*turns)
    assert [message.text or message.parts[0] for message in mended][2::2] == [
        ToolResult("a", "1", "weather"),
        ToolResult(mended[3].tool_calls[0].id, "2", "weather"),
    ]
    assert not warnings


def test_parallel_calls_that_share_an_id_get_their_results_in_order() -> None:
    mended, warnings = mend(ASK, called("a", "a"), AIMessage.tool("a", "1"), AIMessage.tool("a", "2"))
    first, second = mended[1].tool_calls
    assert first.id == "a" != second.id
    assert mended[2].parts == [ToolResult("a", "1", "weather"), ToolResult(second.id, "2", "weather")]
    assert not warnings
    assert mend(*[ASK, called("a", "a")])[0][1] == mended[1]  # the same ids at each turn, which caches need


def test_an_orphan_keeps_its_images() -> None:
    image = Image.from_bytes(b"x", "image/png")
    mended, _ = mend(AIMessage.tool("lost", ["See", image], name="camera"), ASK)
    assert mended[0].parts == [Text("[Result of camera]: See"), image]


ids = st.sampled_from(["a", "b", "c"])
parts = st.one_of(st.builds(Text, st.just("text")), st.builds(ToolResult, ids, st.just("result")))
messages = st.one_of(
    st.just(ASK),
    st.builds(lambda found: called(*dict.fromkeys(found)), st.lists(ids, max_size=3)),
    st.builds(lambda found: AIMessage(found, "tool"), st.lists(parts, min_size=1, max_size=3)),
)


@given(st.lists(messages, max_size=8))
def test_whatever_the_history_each_call_is_followed_by_its_results(history: list[AIMessage]) -> None:
    mended, _ = mend(*history)
    waiting: list[str] = []
    for message in mended:
        results = [part.tool_call_id for part in message.parts if isinstance(part, ToolResult)]
        assert results == waiting, "results stand behind their calls, in their order, and nowhere else"
        waiting = [call.id for call in message.tool_calls]
    assert not waiting


@given(st.lists(messages, max_size=8))
def test_mending_twice_changes_nothing_more(history: list[AIMessage]) -> None:
    once, _ = mend(*history)
    twice, warnings = mend(*once)
    assert _flat(twice) == _flat(once)
    assert not warnings


def _flat(history: list[AIMessage]) -> list[Part]:
    return [part for message in history for part in message.parts]
