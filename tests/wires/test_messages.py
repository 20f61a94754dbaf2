"""The Messages wire against recorded traffic: replies replayed, requests rendered again and validated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.hooks import hook
from tests.wires.messages_reader import read_request
from tests.wires.replay import (
    Record,
    at_random,
    body_bytes,
    compare,
    in_two,
    is_stream,
    read_stream,
    records,
    replay,
    reply_of,
)
from tests.wires.specs import validate_request

from polydriver.data.http import Reply
from polydriver.data.messages import AIMessage
from polydriver.data.prompt import Prompt
from polydriver.data.responses import AIResponse
from polydriver.drivers.anthropic import AnthropicDriver
from polydriver.errors import InvalidCredentialsError, ModelNotFoundError
from polydriver.operations.requests import ItemRequest

API = "anthropic-messages"
SPEC = "anthropic/openapi.yml"
DRIVER = AnthropicDriver({"api_key": "sk-ant-test-0123456789"})

CUT = {
    # The recording holds the first event alone; the oracle reports what had come, without minding the missing end.
    "anthropic-vercel-cb12f7d9fa",
}


def replayable(wire_dir: Path) -> list[Record]:
    """Return the records whose reply is whole."""
    return [record for record in records(wire_dir, API) if record["id"] not in CUT]


def test_replies_are_read_as_expected(wire_dir: Path) -> None:
    found = records(wire_dir, API)
    wrong = {
        record["id"]: differences
        for record in replayable(wire_dir)
        if (differences := compare(replay(DRIVER, record), record["expected"]))
    }
    assert found
    assert wrong == {}


@pytest.mark.parametrize("seed", [1, 2])
def test_streams_are_read_alike_however_they_are_cut(wire_dir: Path, seed: int) -> None:
    for record in replayable(wire_dir):
        if is_stream(record) and record["response"]["status"] == 200:
            assert compare(replay(DRIVER, record, at_random(seed)), record["expected"]) == {}, record["id"]


def test_a_stream_is_read_alike_cut_at_every_position(wire_dir: Path) -> None:
    streams = [record for record in replayable(wire_dir) if is_stream(record) and record["expected"].get("tool_calls")]
    record = min(streams, key=lambda record: len(body_bytes(record)))
    for pieces in in_two(body_bytes(record)):
        assert compare(read_stream(DRIVER, pieces), record["expected"]) == {}


def test_a_stream_that_was_cut_is_not_complete_and_keeps_what_came(wire_dir: Path) -> None:
    for record in records(wire_dir, API):
        if record["id"] in CUT:
            decoder = DRIVER.decoder(Prompt(messages=[], model="m", stream=True))
            decoder.feed(body_bytes(record))
            decoder.finish()
            assert not decoder.complete
            assert compare(decoder.build(), record["expected"]) == {}


def test_every_cut_before_the_end_mark_leaves_a_stream_incomplete(wire_dir: Path) -> None:
    for record in replayable(wire_dir):
        if is_stream(record) and record["response"]["status"] == 200:
            body = body_bytes(record)
            decoder = DRIVER.decoder(Prompt(messages=[], model="m", stream=True))
            decoder.feed(body[: body.index(b"message_stop")])
            decoder.finish()
            assert not decoder.complete, record["id"]
            assert isinstance(decoder.build(), AIResponse)


def test_errors_keep_type_and_request_id(wire_dir: Path) -> None:
    failed = [record for record in records(wire_dir, API) if record["response"]["status"] == 401]
    for record in failed:
        error = DRIVER.map_error(reply_of(record))
        assert isinstance(error, InvalidCredentialsError)
        assert error.request_id == record["expected"]["error"].get("request_id", error.request_id)
        assert error.request_id


def test_recorded_requests_are_rendered_validly(wire_dir: Path) -> None:
    """What other libraries sent, read as a conversation and rendered again, is valid and says the same."""
    read = 0
    for record in records(wire_dir, API):
        body = (record["request"] or {}).get("body")
        if isinstance(body, dict) and not _is_refused(body):
            prompt = read_request(body)
            rendered = json.loads(DRIVER.build_request(prompt).body or b"")
            validate_request(SPEC, "BetaCreateMessageParams", rendered)
            assert _gist(rendered) == _gist(body), record["id"]
            read += 1
    assert read > 100


def test_answers_can_be_sent_back(wire_dir: Path) -> None:
    """Every recorded answer, put into the history, makes a valid request with all its blocks in it."""
    for record in replayable(wire_dir):
        if record["response"]["status"] != 200:
            continue
        answer = replay(DRIVER, record)
        assert isinstance(answer, AIResponse)
        prompt = Prompt(
            messages=[AIMessage("Hi"), answer.to_message(), AIMessage("Go on")], model="claude-sonnet-4-5", max_tokens=9
        )
        rendered = json.loads(DRIVER.build_request(prompt).body or b"")
        validate_request(SPEC, "BetaCreateMessageParams", rendered)


def test_a_failed_count_names_the_model(wire_dir: Path) -> None:
    for record in records(wire_dir, "anthropic-count-tokens"):
        error = DRIVER.map_error(reply_of(record))
        assert isinstance(error, ModelNotFoundError)
        assert error.message == record["expected"]["error"]["message"]
        assert error.request_id == record["expected"]["error"]["request_id"]


def test_files_are_read(wire_dir: Path) -> None:
    for record in records(wire_dir, "anthropic-files"):
        reply: Reply = reply_of(record)
        request = ItemRequest(id="file_1")
        payload = json.loads(reply.body)
        if record["request"]["method"] == "DELETE":
            assert hook(DRIVER, "parse_file_deletion")(reply, request).id == payload["id"]
        else:
            stored = hook(DRIVER, "parse_file_upload")(reply, request)
            assert (stored.id, stored.size) == (payload["id"], payload["size_bytes"])
            assert stored.created is not None


def _is_refused(body: dict[str, Any]) -> bool:
    """Tell whether the API would refuse the request: one of the recordings sends no `max_tokens`."""
    return "max_tokens" not in body


def _gist(body: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a conversation says, without how: blocks in order, strings as text blocks, neighbours of a role together."""
    said: list[tuple[Any, ...]] = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            said.append(
                (message["role"], block["type"], block.get("text") or block.get("id") or block.get("signature"))
            )
    return said
