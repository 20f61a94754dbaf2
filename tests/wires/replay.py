"""Replaying recorded traffic through a driver, and comparing what it makes of it with what was expected.

The form of the records is described in the README of the recorded traffic.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from polydriver.data.http import Reply
from polydriver.data.prompt import Prompt
from polydriver.data.responses import AIResponse
from polydriver.driver import Driver
from polydriver.errors import AIError

Record = dict[str, Any]
Splitter = Callable[[bytes], list[bytes]]


@cache
def records(folder: Path, *apis: str) -> list[Record]:
    """Return all records of these APIs."""
    found = []
    for path in sorted(folder.rglob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += [record for line in lines if (record := json.loads(line))["api"] in apis]
    return found


def is_stream(record: Record) -> bool:
    """Tell whether the reply is a stream."""
    headers = record["response"].get("headers") or {}
    kind = str(headers.get("content-type", "")).lower()
    return "event-stream" in kind or "eventstream" in kind or "stream" in record["kind"]


def body_bytes(record: Record) -> bytes:
    """Return the reply's body as bytes."""
    response = record["response"]
    body = response["body"]
    if response.get("encoding") == "base64":
        return base64.b64decode(body)
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def reply_of(record: Record) -> Reply:
    """Return the recorded reply as the engine would hand it to a driver."""
    headers = {name.lower(): str(value) for name, value in (record["response"].get("headers") or {}).items()}
    return Reply(status=record["response"]["status"], headers=headers, body=body_bytes(record))


def whole(data: bytes) -> list[bytes]:
    """Leave the bytes in one piece."""
    return [data]


def at_random(seed: int) -> Splitter:
    """Cut the bytes into pieces of random sizes, the same for the same seed."""

    def split(data: bytes) -> list[bytes]:
        sizes = random.Random(seed)
        pieces = []
        while data:
            size = sizes.choice((1, 2, 7, 100, 5000))
            pieces.append(data[:size])
            data = data[size:]
        return pieces

    return split


def in_two(data: bytes, step: int = 1) -> Iterator[list[bytes]]:
    """Cut the bytes in two, at every position."""
    for position in range(0, len(data) + 1, step):
        yield [data[:position], data[position:]]


def replay(driver: Driver, record: Record, split: Splitter = whole) -> AIResponse | AIError:
    """Return the answer in a recorded reply, or the error that it is mapped to."""
    reply = reply_of(record)
    if not reply.ok:
        return driver.map_error(reply)
    prompt = Prompt(messages=[], model="asked-for", stream=is_stream(record))
    if prompt.stream:
        return read_stream(driver, split(reply.body), prompt)
    try:
        return driver.parse_response(reply, prompt)
    except AIError as error:
        return error


def read_stream(driver: Driver, pieces: list[bytes], prompt: Prompt | None = None) -> AIResponse | AIError:
    """Feed a decoder and return the answer. Checks what holds for every stream: the chunks add up to the answer."""
    decoder = driver.decoder(prompt or Prompt(messages=[], model="asked-for", stream=True))
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    chunks += decoder.finish()
    if decoder.failure is not None:
        assert isinstance(decoder.failure, AIError), decoder.failure
        decoder.failure.partial = decoder.build()
        return decoder.failure
    answer = decoder.build()
    assert isinstance(answer, AIResponse)
    first = [chunk for chunk in chunks if chunk.index == 0]
    assert "".join(chunk.content for chunk in first) == answer.content
    assert "".join(chunk.reasoning for chunk in first) == answer.reasoning
    assert [call for chunk in first for call in chunk.tool_calls] == answer.tool_calls
    assert decoder.complete, "the stream has no end mark"
    return answer


def compare(got: AIResponse | AIError, expected: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ, each as (got, expected)."""
    wanted_error = expected.get("error")
    if isinstance(got, AIError):
        seen = {"message": got.message, "type": got.type, "status": got.status}
        if not wanted_error:
            return {"error": (repr(got), None)}
        message = wanted_error.get("message")
        wrong = {"message": (got.message, message)} if message and message not in got.message else {}
        for name in ("type", "status"):
            wanted = wanted_error.get(name)
            if wanted is not None and seen[name] is not None and str(seen[name]) != str(wanted):
                wrong[name] = (str(seen[name]), wanted)
        return wrong
    if wanted_error:
        return {"error": (None, wanted_error)}
    mine, theirs = _summary(got), _expected(expected)
    for name in ("usage", "calls"):
        if theirs[name] is None:
            mine[name] = None
    if theirs["usage"] and theirs["usage"]["total"] is None:
        mine["usage"]["total"] = None  # the provider gave no total; ours is the sum then
    if mine["calls"] and theirs["calls"] and len(mine["calls"]) == len(theirs["calls"]):
        given = [wanted[0] for wanted in theirs["calls"]]
        mine["calls"] = [
            (call[0] if wanted else None, *call[1:]) for call, wanted in zip(mine["calls"], given, strict=True)
        ]
    return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}


def _summary(got: AIResponse) -> dict[str, Any]:
    usage = got.usage
    return {
        "text": got.content,
        "reasoning": got.reasoning,
        "calls": [(c.id, c.name, c.arguments if c.is_complete else c.arguments_text) for c in got.tool_calls],
        "finish": got.raw_finish_reason,
        "model": got.model,
        "id": got.id,
        "usage": {
            "input_total": usage.input_tokens if usage else None,
            "output_total": usage.output_tokens if usage else None,
            "cached_input": usage.cached_input_tokens if usage else None,
            "cache_write": usage.cache_write_tokens if usage else None,
            "reasoning": usage.reasoning_tokens if usage else None,
            "total": usage.total_tokens if usage else None,
        },
    }


def _expected(expected: dict[str, Any]) -> dict[str, Any]:
    usage = expected.get("usage")
    finish = expected.get("finish_reason")
    calls = expected.get("tool_calls")
    return {
        "text": expected.get("text") or "",
        "reasoning": expected.get("reasoning") or "",
        "calls": None
        if calls is None
        else [
            (
                call.get("id") or None,
                call["name"],
                call["arguments"] if call.get("arguments") is not None else call.get("arguments_text"),
            )
            for call in calls
        ],
        "finish": None if finish in (None, "") else str(finish),
        "model": expected.get("model"),
        "id": expected.get("response_id") or None,
        "usage": None
        if not usage
        else {
            name: usage.get(name)
            for name in ("input_total", "output_total", "cached_input", "cache_write", "reasoning", "total")
        },
    }
