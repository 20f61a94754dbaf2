"""`continue_with`: where a stream breaks in its middle, another target goes on from what came. In both colours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.server import AGAIN, READ, Script, Server, reply

from polydriver import (
    AI,
    AIChunk,
    AIResponse,
    AttemptFinished,
    CostCalculated,
    Event,
    MessageSent,
    MockDriver,
    ProviderFellBack,
    RequestFailed,
    ResponseGenerated,
    StreamAbandoned,
    StreamInterruptedError,
    ToolCall,
)
from polydriver.drivers.anthropic import AnthropicDriver
from polydriver.engine.waiting import no_waiting

COLOURS = ("blocking", "async")
BREAKS = ("cut", "stall", "unfinished", "stream_error", "bad_json")
TEXT = "One two three four five six seven eight."
ENDINGS = (ResponseGenerated, RequestFailed, StreamAbandoned)


@pytest.fixture(autouse=True)
def instant() -> Iterator[list[float]]:
    with no_waiting() as waits:
        yield waits


def broken(word: str = "cut", after: int | None = None, text: str = TEXT) -> dict[str, Any]:
    return {"error": word, "text": text} if after is None else {"error": word, "text": text, "after": after}


def mock(name: str, *replies: Any, kind: type[MockDriver] = MockDriver, **settings: Any) -> MockDriver:
    return kind({"name": name}, replies=list(replies), default=f"from {name}", **{"retry_attempts": 1, **settings})


def stream(colour: str, provider: Any, message: Any = "Hi", **options: Any) -> tuple[list[AIChunk], AIResponse]:
    """The chunks and the answer of one streamed call."""
    chunks: list[AIChunk] = []
    if colour == "blocking":
        with provider.send_streaming_message(message, **options) as opened:
            chunks += opened
        return chunks, opened.response

    async def main() -> AIResponse:
        async with provider.asynchronous().send_streaming_message(message, **options) as opened:
            async for chunk in opened:
                chunks.append(chunk)
        return opened.response

    return chunks, asyncio.run(main())


def text_of(chunks: list[AIChunk]) -> str:
    return "".join(chunk.content for chunk in chunks)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("word", BREAKS)
def test_another_target_goes_on(colour: str, word: str) -> None:
    first, second = mock("first", broken(word)), mock("second", "and the rest.")
    events: list[Event] = []
    first.on("*", events.append)
    chunks, answer = stream(colour, first, continue_with=second)
    (mark,) = answer.continuations
    assert (mark.provider, mark.model) == ("second", "mock")
    assert mark.at > 0
    assert answer.content[: mark.at] == TEXT[: mark.at]
    assert answer.content[mark.at :] == "and the rest."
    assert text_of(chunks) == answer.content
    assert chunks[-1].finish_reason == answer.finish_reason == "stop"
    assert chunks[-1].usage == answer.usage
    assert answer.provider == "second"
    assert [(one.provider, one.outcome) for one in answer.attempts] == [("first", "interrupted"), ("second", "success")]
    assert f"first (mock) broke off after {mark.at} characters" in answer.warnings[0]
    costs = [one.cost for one in answer.attempts]
    assert answer.cost is not None
    assert answer.cost.total == sum(cost.total for cost in costs if cost is not None)
    usages = [one.usage for one in answer.attempts]
    assert answer.usage is not None
    assert answer.usage.output_tokens == sum(usage.output_tokens or 0 for usage in usages if usage is not None)
    kinds = [type(event) for event in events]
    assert kinds.count(MessageSent) == 1
    assert [kind for kind in kinds if kind in ENDINGS] == [ResponseGenerated]
    assert kinds.count(AttemptFinished) == 2
    (told,) = (event for event in events if isinstance(event, ProviderFellBack))
    assert (told.provider, told.to_provider) == ("first", "second")
    assert isinstance(told.error, StreamInterruptedError)
    (paid,) = (event for event in events if isinstance(event, CostCalculated))
    assert (paid.cost, paid.usage) == (answer.cost, answer.usage)
    assert answer.to_message().text == answer.content


def test_who_is_asked_to_go_on_gets_what_came() -> None:
    first, second = mock("first", broken()), mock("second", "rest")
    _, answer = stream("blocking", first, "Hi", continue_with=second)
    at = answer.continuations[0].at
    (call,) = second.calls
    told = [(message["role"], message["content"]) for message in call.messages]
    assert told[0] == ("user", "Hi")
    assert told[1] == ("assistant", TEXT[:at].rstrip())
    assert told[2][0] == "user"
    assert "Go on from exactly there" in told[2][1]
    assert len(told) == 3


PREFILLED = b"".join(
    b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode())
    for event in (
        {
            "type": "message_start",
            "message": {
                "id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [],
                "usage": {"input_tokens": 9, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " rest"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    )
)  # fmt: skip


@pytest.mark.parametrize("colour", COLOURS)
def test_a_model_that_goes_on_from_the_start_of_an_answer_gets_that(colour: str) -> None:
    script: Script = [READ, reply(PREFILLED, headers={"content-type": "text/event-stream"}), AGAIN]
    with Server(script) as server:
        claude = AnthropicDriver({"api_key": "sk-ant-0123456789abcdef", "base_url": server.url})
        first = mock("first", broken(text="It is a long and white day"))
        _, answer = stream(colour, first, "Tell me", continue_with=(claude, "claude-sonnet-4-5"))
        claude.close()
    (request,) = server.requests
    at = answer.continuations[0].at
    came = answer.content[:at]
    assert "It is a long and white day".startswith(came)
    assert json.loads(request.body)["messages"] == [
        {"role": "user", "content": "Tell me"},
        {"role": "assistant", "content": came.rstrip()},
    ]
    assert answer.content == came.rstrip() + " rest"


@given(text=st.text("ab .\n\t", min_size=3, max_size=40), data=st.data())
def test_white_space_at_the_break_is_there_once(text: str, data: st.DataObject) -> None:
    """Wherever the answer breaks, and whether or not the second part begins with white space."""
    after = data.draw(st.integers(0, len(text)))
    rest = data.draw(st.sampled_from(["rest", " rest", "\n\nrest of it "]))
    first = mock("first", broken("cut", after, text), chunk_size=1)
    second = mock("second", rest, chunk_size=2)
    chunks, answer = stream("blocking", first, continue_with=second, fallback=second)
    assert text_of(chunks) == answer.content
    if not answer.continuations:  # nothing had come
        assert answer.content == rest
        return
    came = answer.content[: answer.continuations[0].at]
    assert text.startswith(came)
    assert answer.content == came + (rest if came == came.rstrip() else rest.lstrip())


@pytest.mark.parametrize("colour", COLOURS)
def test_who_goes_on_may_break_too(colour: str) -> None:
    first, second = mock("first", broken()), mock("second", broken(text=" and more words than will ever come"))
    third = mock("third", "the end")
    events: list[Event] = []
    first.on("*", events.append)
    chunks, answer = stream(colour, first, continue_with=[second, third])
    assert [mark.provider for mark in answer.continuations] == ["second", "third"]
    assert answer.content.endswith("the end")
    assert text_of(chunks) == answer.content
    assert [one.outcome for one in answer.attempts] == ["interrupted", "interrupted", "success"]
    assert sum(isinstance(event, ENDINGS) for event in events) == 1


@pytest.mark.parametrize("colour", COLOURS)
def test_when_all_break_the_error_holds_all_that_came(colour: str) -> None:
    first, second = mock("first", broken()), mock("second", broken(text="more words than will ever come"))
    events: list[Event] = []
    first.on("*", events.append)
    with pytest.raises(StreamInterruptedError) as caught:
        stream(colour, first, continue_with=second)
    partial = caught.value.partial
    assert partial is not None
    (mark,) = partial.continuations
    assert partial.content == TEXT[: mark.at] + "more words than will ever come"[: len(partial.content) - mark.at]
    assert len(partial.content) > mark.at
    assert [one.outcome for one in caught.value.attempts] == ["interrupted", "interrupted"]
    assert [type(event) for event in events if isinstance(event, ENDINGS)] == [RequestFailed]


@pytest.mark.parametrize("colour", COLOURS)
def test_who_cannot_answer_leaves_the_error_as_it_was(colour: str) -> None:
    first, second = mock("first", broken()), mock("second", {"error": "server_error"}, {"error": "server_error"})
    second = mock("second", {"error": "server_error"}, retry_attempts=1)
    with pytest.raises(StreamInterruptedError) as caught:
        stream(colour, first, continue_with=second)
    assert caught.value.provider == "first"
    assert caught.value.partial is not None
    assert TEXT.startswith(caught.value.partial.content)
    assert [one.outcome for one in caught.value.attempts] == ["interrupted", "failure"]
    assert any("Nobody could go on" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("colour", COLOURS)
def test_those_who_go_on_are_retried_and_followed_like_any(colour: str) -> None:
    first = mock("first", broken())
    second = mock("second", {"error": "server_error"}, {"error": "server_error"}, retry_attempts=2)
    third = mock("third", "the end")
    _, answer = stream(colour, first, continue_with=[second, third])
    assert [one.provider for one in answer.attempts] == ["first", "second", "second", "third"]
    assert [mark.provider for mark in answer.continuations] == ["third"]


def never(**options: Any) -> Callable[[str], None]:
    def check(colour: str) -> None:
        first, second = mock("first", options.pop("reply", broken())), mock("second", "never")
        with pytest.raises(StreamInterruptedError):
            stream(colour, first, continue_with=second, **options)
        assert not second.calls

    return check


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    "options",
    [
        {"n": 2},
        {"response_format": dict},
        {"reply": {"error": "stream_error", "text": TEXT, "code": "content_filter", "type": "invalid_request_error"}},
    ],
    ids=["several answers", "a schema", "a filter"],
)
def test_what_cannot_be_gone_on_with_is_not(colour: str, options: dict[str, Any]) -> None:
    never(**options)(colour)


def test_calls_are_not_gone_on_with() -> None:
    from polydriver.engine.continuing import can_go_on
    from polydriver.prompting import build_prompt

    prompt, _ = build_prompt(mock("a"), "Hi", {})
    assert can_go_on(AIResponse.from_text("some"), prompt)
    assert not can_go_on(AIResponse(parts=[ToolCall(id="1", name="look", arguments={})]), prompt)


@pytest.mark.parametrize("colour", COLOURS)
def test_without_it_and_for_whole_answers_nothing_changes(colour: str) -> None:
    first, second = mock("first", broken()), mock("second", "never")
    with pytest.raises(StreamInterruptedError):
        stream(colour, first, fallback=second)
    assert not second.calls
    assert mock("whole", "all of it").send_message("Hi", continue_with=second).continuations == []


def test_an_answer_that_is_left_while_it_is_gone_on_with_ends_once() -> None:
    long = "word " * 50
    for taken in range(0, 40, 3):
        first, second = mock("first", broken(), chunk_size=5), mock("second", long, chunk_size=5)
        events: list[Event] = []
        first.on("*", events.append)
        with first.send_streaming_message("Hi", continue_with=second) as opened:
            got = [chunk for chunk, _ in zip(opened, range(taken), strict=False)]
        (end,) = (event for event in events if isinstance(event, ENDINGS))
        assert isinstance(end, StreamAbandoned)
        assert end.response is not None
        assert end.response.content.startswith(text_of(got))
        finished = [event for event in events if isinstance(event, AttemptFinished)]
        assert [event.attempt.outcome for event in finished][-1] == "abandoned"
        assert not first.connection.outstanding
        assert not second.connection.outstanding
        assert len(first.connection.running) == len(second.connection.running) == 0


async def test_a_task_cancelled_anywhere_ends_the_call_once() -> None:
    for steps in range(40):
        first, second = mock("first", broken(), chunk_size=5), mock("second", "word " * 20, chunk_size=5)
        events: list[Event] = []
        first.on("*", events.append)

        async def read(first: MockDriver = first, second: MockDriver = second) -> None:
            async with first.asynchronous().send_streaming_message("Hi", continue_with=second) as opened:
                async for _ in opened:
                    await asyncio.sleep(0)

        task = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        sent = sum(isinstance(event, MessageSent) for event in events)
        assert sum(isinstance(event, ENDINGS) for event in events) == sent
        assert not first.connection.outstanding
        assert not second.connection.outstanding
        assert len(first.connection.running) == len(second.connection.running) == 0


def test_settings_and_conversations_name_who_goes_on() -> None:
    ai = AI.fake([broken(), "rest", broken(), "end"], continue_with=["anthropic"])
    _, answer = stream("blocking", ai.provider("openai"), model="m")
    assert [mark.provider for mark in answer.continuations] == ["anthropic"]
    told = ai.conversation().provider("openai").model("m").continue_with("gemini").message("Hi").stream()
    assert [mark.provider for mark in told.until_done().continuations] == ["gemini"]


def test_the_answer_of_several_models_is_not_kept_in_the_cache() -> None:
    first = mock("first", broken(), "whole", cache={"enabled": True})
    second = mock("second", "rest")
    assert stream("blocking", first, continue_with=second)[1].continuations
    assert stream("blocking", first, continue_with=second)[1].content == "whole"
