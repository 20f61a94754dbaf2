"""What a turn leaves in a conversation: everything when it succeeds, nothing when it fails or is left early."""

from __future__ import annotations

from typing import Any

import pytest

from polydriver import AI, AIError, AsyncAI, Image

PIXEL = Image.from_bytes(b"...", "image/png")


def said(chat: Any) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in chat.history]


def test_a_failed_message_was_never_said() -> None:
    ai = AI.fake([{"error": 400}, "Hello"])
    chat = ai.conversation(provider="openai").model("m")
    with pytest.raises(AIError):
        chat.send("Hi")
    assert said(chat) == []
    chat.send("Hi")
    assert said(chat) == [("user", "Hi"), ("assistant", "Hello")]
    assert len(ai.calls[-1].messages) == 1


def test_what_was_pending_still_is_after_a_failure() -> None:
    ai = AI.fake([{"error": 400}, "Hello"])
    chat = ai.conversation(provider="openai").model("m").message("Hi").attach(PIXEL)
    for attempt in range(2):
        if attempt == 0:
            with pytest.raises(AIError):
                chat.send()
        else:
            chat.send()
    assert said(chat) == [("user", "Hi"), ("assistant", "Hello")]
    assert chat.history[0].parts[0] is PIXEL


def test_attachments_go_with_one_message_only() -> None:
    ai = AI.fake(["One", "Two"])
    chat = ai.conversation(provider="openai").model("m").attach(PIXEL)
    chat.send("Look")
    chat.send("And now?")
    assert [len(message.parts) for message in chat.history if message.role == "user"] == [2, 1]


@pytest.mark.parametrize("reply", ["A long answer that is left early", {"error": "cut", "after": 2}])
def test_a_stream_that_does_not_end_leaves_nothing(reply: Any) -> None:
    chat = AI.fake([reply, "Hello"], chunk_size=4).conversation(provider="openai").model("m")
    try:
        with chat.stream("Hi") as stream:
            next(stream)
            if isinstance(reply, dict):
                stream.until_done()
    except AIError:
        pass
    assert said(chat) == []
    chat.send("Hi")
    assert said(chat) == [("user", "Hi"), ("assistant", "Hello")]


def test_what_is_added_while_a_stream_runs_is_kept() -> None:
    chat = AI.fake(["One", "Two"]).conversation(provider="openai").model("m")
    with chat.stream("First") as stream:
        chat.message("Second")
        stream.until_done()
    chat.send()
    assert said(chat) == [("user", "First"), ("assistant", "One"), ("user", "Second"), ("assistant", "Two")]


async def test_async_turns_behave_the_same() -> None:
    chat = AsyncAI.fake([{"error": 400}, "One", "Two"]).conversation(provider="openai").model("m")
    with pytest.raises(AIError):
        await chat.send("Hi")
    await chat.send("Hi")
    async with chat.stream("More") as stream:
        await stream.until_done()
    assert said(chat) == [("user", "Hi"), ("assistant", "One"), ("user", "More"), ("assistant", "Two")]
