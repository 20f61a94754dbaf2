"""Voyage and Jina: services of embeddings and reranking, without a chat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.faults.server import Server
from tests.hooks import hook
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json
from tests.wires.replay import records, reply_of

from polydriver.data.http import Reply
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.errors import InvalidRequestError, UnsupportedFeatureError
from polydriver.operations.requests import EmbeddingRequest


def make(name: str, server: Server | None = None) -> Driver:
    url = {"base_url": server.url} if server is not None else {}
    return driver_class(name)({"api_key": "test-0123456789abcdef", "retry_delay": 0.001, **url})


def test_recorded_vectors_are_read(wire_dir: Path) -> None:
    driver: Any = make("voyage")
    found = [record for record in records(wire_dir, "openai-embeddings") if record["provider"] == "voyage"]
    for record in found:
        expected = record["expected"]
        got = hook(driver, "parse_embeddings")(
            reply_of(record), EmbeddingRequest(model="voyage-4", input=["Hello, world!"])
        )
        assert got.embedding[:3] == expected["embeddings"]["head"]
        assert len(got.embedding) == expected["embeddings"]["dims"]
        assert (got.usage.input_tokens, got.usage.total_tokens, got.model) == (3, 3, expected["model"])
    assert found


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("voyage", {"input_type": "query", "output_dimension": 2, "truncation": False}),
        ("jina", {"task": "retrieval.query", "dimensions": 2, "truncate": False}),
    ],
)
def test_texts_are_embedded(name: str, fields: dict[str, Any], colour: Colour) -> None:
    own = {key: value for key, value in fields.items() if key.startswith("trunc")}
    body = {"data": [{"index": 0, "embedding": [0.5, 1]}], "model": "m", "usage": {"total_tokens": 3}}
    with Server(*one_by_one(json_reply(body))) as server:
        got = ask(colour, make(name, server), "embed", "a", model="m", input_type="query", dimensions=2, **own)
    assert server.requests[0].target == "/embeddings"
    assert sent_json(server.requests[0]) == {"model": "m", "input": ["a"], **fields}
    assert got.embedding == [0.5, 1.0]
    assert got.usage.input_tokens == 3


@pytest.mark.parametrize(("name", "limit", "items"), [("voyage", "top_k", "data"), ("jina", "top_n", "results")])
def test_documents_are_ordered(name: str, limit: str, items: str) -> None:
    body = {items: [{"index": 1, "relevance_score": 0.9}], "model": "m", "usage": {"total_tokens": 3}}
    with Server(*one_by_one(json_reply(body))) as server:
        got = ask("blocking", make(name, server), "rerank", "q", ["a", "b"], model="m", top_n=1)
    assert sent_json(server.requests[0]) == {"model": "m", "query": "q", "documents": ["a", "b"], limit: 1}
    assert [(result.index, result.document) for result in got.results] == [(1, "b")]
    assert got.usage.total_tokens == 3


@pytest.mark.parametrize("name", ["voyage", "jina"])
def test_there_is_no_chat(name: str) -> None:
    driver = make(name)
    assert driver.get_capabilities().chat is False
    assert driver.get_capabilities().embeddings is True
    assert driver.get_capabilities().supports("rerank")
    with pytest.raises(UnsupportedFeatureError):
        driver.send_message("Hi", model="m")
    with pytest.raises(UnsupportedFeatureError):
        list(driver.send_streaming_message("Hi", model="m"))


def test_a_detail_is_the_message_of_an_error() -> None:
    error = make("voyage").map_error(Reply(status=400, body=b'{"detail": "input is empty"}'))
    assert isinstance(error, InvalidRequestError)
    assert error.message == "input is empty"
    assert type(error).__name__ == "VoyageInvalidRequestError"
