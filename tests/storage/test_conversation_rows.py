"""Conversations are stored as they go, and come back as they were."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydriver import AI, AIError, AIMessage, ConfigurationError, Conversation, Image, StreamInterruptedError, tool
from polydriver.data.messages import ProviderPart, Reasoning, Text, ToolCall, ToolResult
from polydriver.engine.waiting import no_waiting

PICTURE = Image.from_bytes(b"\x89PNG" + bytes(range(256)) * 40, "image/png")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("CRITICAL", logger="polydriver")
    with no_waiting():
        yield


Open = Callable[..., AI]


@pytest.fixture
def opened(url: str) -> Iterator[Open]:
    """Makes managers over one database, each as a new process would."""
    made: list[AI] = []

    def make(*replies: Any, **more: Any) -> AI:
        values = {"replies": list(replies), "default": "fine", "chunk_size": 4, **more}
        if url == "sqlite://" and made:
            ai = AI(connections=made[0].connections)
        else:
            ai = AI({"default": "mock", "providers": {"mock": {}}, "storage": {"url": url}}, env={})
        ai.extend("mock", lambda config: _mock(values))
        made.append(ai)
        return ai

    yield make
    for ai in made:
        ai.close()
        if ai.storage is not None:
            ai.storage.close()


def _mock(values: dict[str, Any]) -> Any:
    from polydriver import MockDriver

    return MockDriver(**values)


def test_kept_and_gone_on_with(opened: Open) -> None:
    chat = opened("Hello, Ann.").conversation("First steps").system("Be brief.").temperature(0.5).user("ann").tags("x")
    chat.metadata(project="blue", customer=42)
    chat.send(AIMessage.user([Text("I am Ann."), PICTURE]))
    ai = opened("Ann.")
    again = ai.conversations.load(chat.id)
    assert again.history == chat.history
    assert again.send("Who am I?").content == "Ann."
    third = opened().conversations.load(chat.id)
    assert [message.role for message in third.history] == ["user", "assistant"] * 2
    assert third.history == again.history
    (record,) = ai.conversations.list()
    assert (record.title, record.user, record.project, record.tags) == ("First steps", "ann", "blue", ["x"])
    assert record.metadata == {"customer": 42}
    assert record.message_count == 4
    assert record.input_tokens > 0
    assert third._system == "Be brief."
    assert third._options["temperature"] == 0.5


def test_the_message_is_stored_before_the_call(opened: Open) -> None:
    seen: list[Any] = []

    def answer(call: Any) -> str:
        storage = ai.storage
        assert storage is not None
        seen.extend(ai.conversations.messages(chat.id))
        return "Late"

    ai = opened(answer)
    chat = ai.conversation("x")
    chat.send("Hi")
    assert [(stored.state, stored.message.text) for stored in seen] == [("pending", "Hi")]
    assert [stored.state for stored in ai.conversations.messages(chat.id)] == ["done", "done"]


def test_an_interrupted_call_is_pending(opened: Open) -> None:
    ai = opened(KeyboardInterrupt, "Now")
    chat = ai.conversation().message("Hi")
    with pytest.raises(BaseException):  # noqa: B017 - whatever the mock makes of it
        chat.send()
    again = opened("Now").conversations.load(chat.id)
    assert again.history == []
    assert again.send().content == "Now"
    assert [message.text for message in opened().conversations.load(chat.id).history] == ["Hi", "Now"]


def test_a_failed_call_leaves_no_trace_in_the_history(opened: Open) -> None:
    ai = opened("One", {"error": 400}, "Two")
    chat = ai.conversation()
    chat.send("First")
    with pytest.raises(AIError):
        chat.send("Wrong")
    chat.send("Second")
    loaded = ai.conversations.load(chat.id)
    assert [message.text for message in loaded.history] == ["First", "One", "Second", "Two"]
    states = {stored.message.text: stored.state for stored in ai.conversations.messages(chat.id)}
    assert states["Wrong"] == "failed"


@pytest.mark.parametrize("ending", ["broken", "left", "dropped"])
def test_a_cut_stream_is_kept_and_marked(opened: Open, ending: str) -> None:
    reply = {"error": "cut", "text": "A long answer", "after": 2} if ending == "broken" else "A long answer"
    ai = opened(reply, "Whole")
    chat = ai.conversation().message("Tell")
    stream = chat.stream()
    with contextlib.suppress(StreamInterruptedError):
        for count, _ in enumerate(stream):
            if ending != "broken" and count == 1:
                break
    if ending == "left":
        stream.close()
    del stream
    tree = ai.conversations.messages(chat.id)
    assert [stored.state for stored in tree] == ["pending", "partial"]
    assert tree[1].message.text
    loaded = ai.conversations.load(chat.id)
    assert loaded.history == []
    assert loaded.send().content == "Whole"
    assert [message.text for message in ai.conversations.load(chat.id).history] == ["Tell", "Whole"]


def test_tool_results_are_kept_one_by_one(opened: Open) -> None:
    ran: list[str] = []
    ai = opened([ToolCall("1", "work", {"name": "a"}), ToolCall("2", "work", {"name": "b"})], "Done")

    @tool
    def work(name: str) -> str:
        """Work.

        name: what
        """
        ran.append(name)
        return f"result {name}"

    chat = ai.conversation().tools(work)
    assert chat.run_tools("Go").content == "Done"
    assert sorted(ran) == ["a", "b"]
    tree = ai.conversations.messages(chat.id)
    assert [stored.state for stored in tree] == ["done", "done", "result", "result", "done"]
    loaded = opened("And more").conversations.load(chat.id)
    assert loaded.history == chat.history
    loaded.tools(work).run_tools("More")
    assert len(opened().conversations.load(chat.id).history) == 6


def test_killed_between_two_results(opened: Open) -> None:
    ran: list[str] = []

    @tool
    def work(name: str) -> str:
        """Work.

        name: what
        """
        ran.append(name)
        return f"result {name}"

    calls = [ToolCall(str(number), "work", {"name": str(number)}) for number in range(3)]
    ai = opened(calls)
    chat = ai.conversation().tools(work)

    chat.send("Go")
    keeper = chat._keeper
    assert keeper is not None
    storage = ai.storage
    assert storage is not None
    for call in calls[:2]:
        work_ = keeper.result(ToolResult(call.id, f"result {call.id}", "work"))
        assert work_ is not None
        storage.writer.do_blocking(work_, 5)
    loaded = opened("Done").conversations.load(chat.id).tools(work)
    assert len(loaded.history) == 3
    assert loaded.run_tools().content == "Done"
    assert ran == ["2"]
    final = opened().conversations.load(chat.id)
    assert [part.tool_call_id for part in final.history[2].parts if isinstance(part, ToolResult)] == ["0", "1", "2"]
    assert final.history == loaded.history


def test_branches(opened: Open) -> None:
    ai = opened("One", "Two", "Two again", "Else")
    chat = ai.conversation("Tree")
    chat.send("First")
    chat.send("Second")
    assert chat.regenerate().content == "Two again"
    chat.edit("Other", turn=1)
    assert chat.send().content == "Else"
    assert [message.text for message in ai.conversations.load(chat.id).history] == ["First", "One", "Other", "Else"]
    tree = {stored.message.text: stored for stored in ai.conversations.messages(chat.id)}
    assert tree["Two"].parent_id is not None
    earlier = ai.conversations.switch(chat.id, tree["Two"].id)
    assert [message.text for message in earlier.history] == ["First", "One", "Second", "Two"]
    with pytest.raises(ConfigurationError, match="no message"):
        ai.conversations.switch(chat.id, "0" * 32)
    earlier.go_back()
    assert earlier.send("Third").content == "fine"
    assert [message.text for message in ai.conversations.load(chat.id).history] == ["First", "One", "Third", "fine"]


def test_search_and_list(opened: Open) -> None:
    ai = opened()
    ids = []
    for title, text, user in (
        ("Straße", "Der Hund bellt", "ann"),
        ("100%", "a_b \\ c", "bob"),
        ("x", "HUND und Katze", "ann"),
    ):
        chat = ai.conversation(title).user(user)
        chat.send(text)
        ids.append(chat.id.removeprefix("conv_"))
    found = ai.conversations.search
    assert [record.id for record in found("hund")] == [ids[2], ids[0]]
    assert [record.id for record in found("STRASSE hund")] == [ids[0]]
    assert [record.id for record in found("katze bellt")] == []
    assert [record.id for record in found("100%")] == [ids[1]]
    assert [record.id for record in found("a_b")] == [ids[1]]
    assert [record.id for record in found("\\")] == [ids[1]]
    assert [record.id for record in found("hund", user="bob")] == []
    listed = ai.conversations.list(limit=2)
    assert [record.id for record in listed] == [ids[2], ids[1]]
    assert [record.id for record in ai.conversations.list(before=listed[-1].id)] == [ids[0]]


def test_export_and_import(opened: Open) -> None:
    ai = opened("One")
    chat = ai.conversation("Title").system("s").user("ann").context_window(max_messages=9)
    chat.send(AIMessage.user([PICTURE, Text("Hi \0")]))
    for form in ("json", "jsonl"):
        copy = ai.conversations.import_(ai.conversations.export(chat.id, form))
        loaded = ai.conversations.load(copy.id)
        assert loaded.history == chat.history
        assert loaded.id != chat.id
        assert loaded._system == "s"
        assert copy._window == loaded._window == (None, 9)
    assert "# Title" in ai.conversations.export(chat.id, "markdown")
    for wrong in ("", "{}", "[1]", '{"format": "polydriver.conversation.v1", "messages": [{"a": 1}]}'):
        with pytest.raises(ConfigurationError, match="not an exported"):
            ai.conversations.import_(wrong)


def test_deleted_with_its_files(opened: Open) -> None:
    ai = opened()
    first, second = ai.conversation(), ai.conversation()
    for chat in (first, second):
        chat.send(AIMessage.user([PICTURE]))
    assert ai.conversations.delete(first.id)
    assert not ai.conversations.delete(first.id)
    assert ai.conversations.load(second.id).history == second.history
    with pytest.raises(ConfigurationError, match="no conversation"):
        ai.conversations.load(first.id)


ANY = st.text(st.characters()) | st.text(st.sampled_from("\ud83d\ude00\x1a\U0001f600\u2028\0"))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PARTS: Any = st.one_of(
    st.builds(Text, ANY),
    st.builds(Reasoning, st.text(), st.just({"anthropic": {"signature": "s=="}})),
    st.builds(lambda data: Image.from_bytes(data, "image/png"), st.binary(max_size=200)),
    st.builds(ToolCall, st.text(min_size=1), st.text(min_size=1), st.dictionaries(st.text(), st.integers())),
    st.builds(lambda data: ToolResult("c", [Image.from_bytes(data, "image/png"), Text("t")]), st.binary(max_size=50)),
    st.builds(
        ProviderPart,
        st.just("openai"),
        st.text(),
        st.dictionaries(ANY, NUMBERS),
    ),
)
ROLES = st.sampled_from(["user", "assistant", "tool"])
MESSAGES = st.lists(
    st.builds(
        AIMessage,
        ANY | st.lists(PARTS, max_size=4),
        st.sampled_from(["user", "assistant", "tool"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MESSAGES)
def test_anything_comes_back(history: list[AIMessage]) -> None:
    ai = AI({"default": "mock", "providers": {"mock": {}}, "storage": {"url": "sqlite://"}}, env={})
    chat = ai.conversation()
    chat.history = list(history)
    storage = ai.storage
    assert storage is not None
    for work in chat._keeper_of(storage).catch_up(chat.history):
        storage.writer.do_blocking(work, 5)
    assert ai.conversations.load(chat.id).history == history
    for form in ("json", "jsonl"):
        assert ai.conversations.import_(ai.conversations.export(chat.id, form)).history == history
    storage.close()


def test_four_writers_lose_nothing(opened: Open) -> None:
    ai = opened()
    first = ai.conversation("Shared")
    first.send("Begin")

    def write(name: str) -> None:
        chat = ai.conversations.load(first.id)
        for number in range(10):
            chat.send(f"{name} {number}")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [message.text for message in ai.conversations.load(first.id).history]
    assert len(texts) == 82
    for name in "abcd":
        assert [text for text in texts if text.startswith(f"{name} ")] == [f"{name} {number}" for number in range(10)]


async def test_async(opened: Open) -> None:
    ai = opened([ToolCall("1", "work", {"name": "a"})], "Done", "Streamed").asynchronous()

    @tool
    async def work(name: str) -> str:
        """Work.

        name: what
        """
        await asyncio.sleep(0)
        return name

    chat = ai.conversation("Async").tools(work)
    assert (await chat.run_tools("Go")).content == "Done"
    async with chat.stream("More") as stream:
        async for _ in stream:
            pass
    loaded = await ai.conversations.load(chat.id)
    assert loaded.history == chat.history
    assert [record.title for record in await ai.conversations.search("more")] == ["Async"]
    copy = await ai.conversations.import_(await ai.conversations.export(chat.id))
    assert (await ai.conversations.load(copy.id)).history == chat.history
    async with chat.stream("Left") as stream:
        await anext(stream)
    assert [stored.state for stored in (await ai.conversations.messages(chat.id))[-2:]] == ["failed", "partial"]
    assert await ai.conversations.delete(copy.id)


def test_without_a_database() -> None:
    ai = AI({"default": "mock", "providers": {"mock": {}}}, env={})
    assert isinstance(ai.conversation("Title"), Conversation)
    with pytest.raises(ConfigurationError, match="storage"):
        _ = ai.conversations
