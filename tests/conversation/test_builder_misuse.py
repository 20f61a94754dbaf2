"""Conversations used in the wrong way or at the wrong time: nothing is lost, and the error says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polydriver import AI, AIResponse, ConfigurationError, Conversation, Document, Image
from polydriver.testing import tool_call


def now() -> str:
    """Tell the time."""
    return "noon"


def chat(*replies: Any) -> Conversation:
    return AI.fake(list(replies) or None).conversation().model("m")


@pytest.mark.parametrize(
    ("misuse", "problem"),
    [
        (lambda c: c.send(), "add a message"),
        (lambda c: c.stream(), "add a message"),
        (lambda c: c.run_tools("Hi"), "offer some with tools"),
        (lambda c: c.tools(now).run_tools("Hi", max_rounds=0), "max_rounds must be a whole number"),
        (lambda c: c.tools(now).run_tools("Hi", max_rounds="3"), "max_rounds must be a whole number"),
        (lambda c: c.tools(now).run_tools("Hi", tool_timeout="3"), "tool_timeout must be a number"),
        (lambda c: c.system(5), "takes text or None"),
        (lambda c: c.provider(5).send("Hi"), "the name of a connection"),
        (lambda c: c.attach(5), "a path, not a int"),
        (lambda c: c.attach(b"x"), "a path, not a bytes"),
        (lambda c: c.context_window(-5), "max_tokens must be"),
        (lambda c: c.context_window(max_messages="x"), "max_messages must be"),
        (lambda c: c.on_chunk(None), "takes a function"),
    ],
)
def test_misuse_is_told(misuse: Callable[[Any], object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        misuse(chat())


def test_an_answer_read_to_its_last_chunk_is_kept() -> None:
    conversation = chat("one two three")
    with conversation.stream("Count") as stream:
        for chunk in stream:
            if chunk.finish_reason:
                break
    assert [message.text for message in conversation.history] == ["Count", "one two three"]


def test_a_fork_during_a_stream_knows_nothing_of_it() -> None:
    conversation = chat("one two three", "four")
    stream = conversation.stream("Count")
    next(stream)
    fork = conversation.fork()
    fork.send("Go on")
    stream.until_done()
    assert [message.text for message in conversation.history] == ["Count", "one two three"]
    assert [message.text for message in fork.history] == ["Go on", "four"]


def test_async_listeners_of_a_blocking_conversation_are_waited_for() -> None:
    heard: list[str] = []

    async def hear(response: AIResponse) -> None:
        await asyncio.sleep(0)
        heard.append(response.content)

    chat("Hello").on_response(hear).send("Hi")
    assert heard == ["Hello"]


def test_a_listener_that_raises_loses_no_history() -> None:
    conversation = chat("Hello").on_response(lambda response: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        conversation.send("Hi")
    assert len(conversation.history) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_passes_through_its_tools(error: type[BaseException]) -> None:
    def stop() -> None:
        raise error

    with pytest.raises(error):
        chat([tool_call("stop"), tool_call("stop")], "done").tools(stop).run_tools("Hi")


def test_an_async_tool_runs_in_a_blocking_conversation_inside_a_loop() -> None:
    async def wait() -> str:
        await asyncio.sleep(0)
        return "waited"

    async def main() -> str:
        return chat(tool_call("wait"), "done").tools(wait).run_tools("Hi").content

    assert asyncio.run(main()) == "done"


def test_paths_and_urls_are_attached_by_their_type(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("Remember")
    conversation = chat("Seen").attach(note, "https://host/a.png")
    conversation.send("Look")
    document, image, _ = conversation.history[0].parts
    assert isinstance(document, Document)
    assert document.data == b"Remember"
    assert isinstance(image, Image)
    assert image.url == "https://host/a.png"
