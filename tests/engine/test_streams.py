"""Streams in every order of calls: read twice, left early, closed, and by two readers at once."""

from __future__ import annotations

import asyncio

import pytest

from polydriver import AI, AIChunk, AIResponse, AsyncAI, Provider, Stream

STORY = "one two three four five six seven eight nine ten"


@pytest.fixture
def provider() -> Provider:
    return AI.fake(default=STORY, chunk_size=4).provider()


def open_stream(provider: Provider) -> Stream:
    return provider.send_streaming_message("Go on", model="m")


def test_an_unread_stream_has_no_response(provider: Provider) -> None:
    with pytest.raises(RuntimeError, match="iterate over it first"):
        _ = open_stream(provider).response


def test_a_stream_is_read_once(provider: Provider) -> None:
    stream = open_stream(provider)
    assert "".join(chunk.content for chunk in stream) == STORY
    assert list(stream) == []
    assert stream.response.content == STORY


def test_nothing_comes_after_leaving_early(provider: Provider) -> None:
    with open_stream(provider) as stream:
        next(stream)
    assert list(stream) == []
    assert stream.response.finish_reason is None
    stream.close()


def test_closing_inside_the_loop_ends_it(provider: Provider) -> None:
    stream = open_stream(provider)
    seen = []
    for chunk in stream:
        seen.append(chunk)
        stream.close()
    assert len(seen) == 1


def test_a_stream_closed_unread_cannot_be_read(provider: Provider) -> None:
    stream = open_stream(provider)
    stream.close()
    with pytest.raises(RuntimeError, match="closed before it was read"):
        next(stream)


def test_followers_hear_of_the_end_once_with_the_last_chunk(provider: Provider) -> None:
    told: list[AIResponse] = []
    stream = open_stream(provider).then(told.append)
    for chunk in stream:
        assert len(told) == (chunk.finish_reason is not None)
    assert list(stream) == []
    assert [response.content for response in told] == [STORY]


def test_followers_do_not_hear_of_a_stream_left_early(provider: Provider) -> None:
    told: list[AIResponse] = []
    with open_stream(provider).then(told.append) as stream:
        next(stream)
    assert told == []


def test_async_listeners_of_a_blocking_stream_are_waited_for(provider: Provider) -> None:
    seen: list[str] = []

    async def watch(chunk: AIChunk) -> None:
        await asyncio.sleep(0)
        seen.append(chunk.content)

    provider.stream_message("Go on", watch, model="m")
    assert "".join(seen) == STORY


def test_two_readers_of_one_async_stream_are_told() -> None:
    async def read() -> list[AIResponse | BaseException]:
        provider = AsyncAI.fake(default=STORY, chunk_size=4).provider()
        stream = provider.send_streaming_message("Go on", model="m")
        readers = (stream.until_done(), stream.until_done())
        return list(await asyncio.gather(*readers, return_exceptions=True))

    results = asyncio.run(read())
    assert any(isinstance(result, AIResponse) and result.content == STORY for result in results)
    for result in results:
        assert isinstance(result, AIResponse) or "being read elsewhere" in str(result)


def test_awaiting_a_stream_twice_makes_one_request() -> None:
    async def read() -> tuple[str, int]:
        ai = AsyncAI.fake(default=STORY)
        stream = await ai.provider().send_streaming_message("Go on", model="m")
        response = await (await stream).until_done()
        await stream.aclose()
        await stream.aclose()
        return response.content, len(ai.calls)

    assert asyncio.run(read()) == (STORY, 1)
