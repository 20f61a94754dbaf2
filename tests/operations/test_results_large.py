"""Results of batches in files of any size: read line by line, whole or one item after the other."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.server import Server, reply
from tests.operations.asking import Colour, ask, json_reply, one_by_one, openai
from tests.wires.operations.test_batches import MODELS, both, connect, each, mock

from polydriver import BatchItem, InvalidResponseError
from polydriver.data.http import Request
from polydriver.driver import Driver
from polydriver.engine.collecting import Collected, Spooled
from polydriver.operations.files import ResultFile
from polydriver.operations.results import BatchResults

__all__ = ["mock"]

LARGE = 2000
"""`max_response_bytes` of the connections here: less than the files, more than a line."""


def take(colour: Colour, driver: Driver, batch_id: str, most: int | None = None) -> list[BatchItem]:
    """The first items of a stream of results, which is closed after them."""
    if colour == "blocking":
        stream = driver.stream_batch_results(batch_id)
        try:
            return list(islice(stream, most))
        finally:
            stream.close()
            driver.close()

    async def call() -> list[BatchItem]:
        provider = driver.asynchronous()
        found: list[BatchItem] = []
        try:
            async with aclosing(provider.stream_batch_results(batch_id)) as items:
                async for item in items:
                    found.append(item)
                    if len(found) == most:
                        break
        finally:
            await provider.aclose()
        return found

    return asyncio.run(call())


def line(name: str, text: str = "Hi") -> bytes:
    body = {
        "id": "g", "model": "gpt-4o-mini", "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
    }  # fmt: skip
    return json.dumps({"custom_id": name, "response": {"status_code": 200, "body": body}}).encode()


def batch(**more: Any) -> bytes:
    return json_reply({"id": "batch_1", "status": "completed", "output_file_id": "file_1", **more})


@both
@each
def test_every_provider_streams_its_results(name: str, colour: Colour, mock: str) -> None:
    ids = [f"item-{number}" for number in range(12)]
    made = ask(colour, connect(name, mock), "create_batch", ids, custom_ids=ids, model=MODELS[name])
    ask(colour, connect(name, mock), "get_batch", made.id)
    whole = ask(colour, connect(name, mock), "get_batch_results", made.id)
    streamed = take(colour, connect(name, mock), made.id)
    assert sorted(item.custom_id for item in streamed) == sorted(ids)
    for item in streamed:
        twin = whole[item.custom_id].response
        assert item.response is not None
        assert twin is not None
        assert (item.response.content, item.response.cost) == (item.custom_id, twin.cost)
        assert item.response.provider == twin.provider == name


@both
def test_a_file_may_be_larger_than_a_reply(colour: Colour) -> None:
    lines = [line(f"p-{number}") for number in range(100, 0, -1)]
    failed = json.dumps({"custom_id": "p-0", "error": {"code": "batch_expired", "message": "late"}}).encode()
    replies = [batch(error_file_id="file_2"), reply(b"\n".join(lines) + b"\n"), reply(failed)] * 3
    with Server(*one_by_one(*replies)) as server:
        results = ask(colour, openai(server, max_response_bytes=LARGE), "get_batch_results", "batch_1")
        assert [item.custom_id for item in results.items] == [f"p-{number}" for number in range(101)]
        found = take(colour, openai(server, max_response_bytes=LARGE), "batch_1")
        assert [item.custom_id for item in found] == [f"p-{number}" for number in (*range(100, 0, -1), 0)]
        assert found[-1].unsent
        costs = [item.response.cost for item in found if item.response is not None]
        assert sum((cost.total for cost in costs if cost is not None), Decimal(0)) == results.cost.total
        assert [item.custom_id for item in take(colour, openai(server), "batch_1", 2)] == ["p-100", "p-99"]


@both
@pytest.mark.parametrize("text", [b"{" + b"x" * LARGE + b"}", b"no JSON"])
def test_a_line_that_cannot_be_read(colour: Colour, text: bytes) -> None:
    replies = [batch(), reply(line("a") + b"\n" + text + b"\n" + line("b"))] * 2
    expected = "more than 2,000 bytes" if len(text) > LARGE else "a line of the results"
    with Server(*one_by_one(*replies)) as server:
        with pytest.raises(InvalidResponseError, match=expected):
            ask(colour, openai(server, max_response_bytes=LARGE, retry_attempts=1), "get_batch_results", "batch_1")
        with pytest.raises(InvalidResponseError, match=expected):
            take(colour, openai(server, max_response_bytes=LARGE, retry_attempts=1), "batch_1")


@both
def test_a_file_that_breaks_is_fetched_again_from_its_beginning(colour: Colour) -> None:
    whole = reply(b"\n".join(line(f"p-{number}") for number in range(50)))
    replies = [batch(), whole[: len(whole) // 2], whole] * 2
    with Server(*one_by_one(*replies)) as server:
        results = ask(colour, openai(server, retry_attempts=2), "get_batch_results", "batch_1")
        found = take(colour, openai(server, retry_attempts=2), "batch_1")
    assert [item.custom_id for item in results.items] == [item.custom_id for item in found]
    assert len(found) == 50
    assert [one.outcome for one in results.attempts] == ["success", "failure", "success"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.binary(max_size=9).filter(lambda one: b"\n" not in one)), st.integers(0, 9))))
def test_what_came_of_a_try_that_broke_is_dropped(files: list[tuple[list[bytes], int]]) -> None:
    def read(text: bytes) -> BatchItem:
        return BatchItem(custom_id=text.hex())

    file = ResultFile(Request(method="GET", url="http://host"), read)
    wanted = [text.rstrip(b"\n").hex() for lines, _ in files for text in lines]
    for collected in (Collected(), Spooled()):
        for lines, broken_at in files:
            for tried in (lines[:broken_at], lines):
                collected.begin(file)
                for text in tried:
                    collected.add(file, text)
            collected.end(file)
        results = BatchResults()
        collected.finish(results)
        assert sorted(item.custom_id for item in results.items) == sorted(wanted)
        if isinstance(collected, Spooled):
            with collected:
                assert [item.custom_id for item in collected.items(None, results)] == wanted  # type: ignore[arg-type]
