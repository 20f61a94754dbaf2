"""Many texts to embed: split to what a service takes, joined in order; vectors that others read without a copy."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import pickle
from array import array
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.server import AGAIN, READ, Script, Server, reply

from polydriver import AI, AIError, AttemptFinished, EmbeddingResponse, InvalidRequestError, MessageSent, MockDriver
from polydriver.contract import OperationPart
from polydriver.data.vectors import Vector
from polydriver.drivers import driver_class
from polydriver.engine.splitting import split
from polydriver.operations.kinds import EMBED
from polydriver.operations.requests import EmbeddingLimits, EmbeddingRequest
from polydriver.wires.operations import Embeddings

floats = st.lists(st.floats(allow_nan=False, width=32), min_size=1, max_size=20)
texts = st.lists(st.one_of(st.text(max_size=40), st.lists(st.integers(0, 9), max_size=40)), min_size=1, max_size=50)


@given(floats)
def test_a_vector_is_a_sequence_of_floats_and_a_buffer(numbers: list[float]) -> None:
    packed = base64.b64encode(array("f", numbers).tobytes()).decode()
    for vector in (Vector(numbers), Vector.from_base64(packed)):
        assert vector == numbers
        assert numbers == vector
        assert (vector != numbers) is False
        assert vector != [*numbers, 1.0]
        assert list(vector) == vector.tolist() == numbers
        assert all(type(number) is float for number in vector)
        assert vector[1:] == numbers[1:]
        assert (vector[0], vector[-1], len(vector)) == (numbers[0], numbers[-1], len(numbers))
        assert memoryview(vector).tolist() == numbers
        for twin in (pickle.loads(pickle.dumps(vector)), copy.copy(vector), copy.deepcopy(vector)):
            assert (type(twin), twin, twin.typecode) == (Vector, vector, vector.typecode)
        assert eval(repr(vector), {"Vector": Vector, "inf": float("inf")}) == vector


def test_who_changes_a_buffer_changes_the_vector() -> None:
    vector = Vector([1.0, 2.0])
    memoryview(vector)[0] = 5.0
    assert vector == [5.0, 2.0]


@given(texts, st.one_of(st.none(), st.integers(1, 10)), st.one_of(st.none(), st.integers(1, 50)))
def test_pieces_are_as_large_as_they_may_be(inputs: list[Any], most: int | None, tokens: int | None) -> None:
    request = EmbeddingRequest(model="m", input=inputs)
    part = OperationPart(limits={"": EmbeddingLimits(most, tokens)})

    def count(piece: list[Any]) -> int:
        return sum(len(one) if isinstance(one, list) else len(one.encode()) // 3 + 1 for one in piece)

    pieces = [piece.input for piece in split(part, request)]
    assert [one for piece in pieces for one in piece] == inputs
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        assert most is None or len(piece) <= most
        assert tokens is None or len(piece) == 1 or count(piece) <= tokens
        if following is not None:  # the next text did not fit
            full = most is not None and len(piece) == most
            assert full or (tokens is not None and count([*piece, following[0]]) > tokens)


@pytest.mark.parametrize(
    ("provider", "model", "most", "tokens"),
    [
        ("bedrock", "amazon.titan-embed-text-v2:0", 1, None),
        ("bedrock", "us.cohere.embed-v4:0", 96, None),
        ("vertexai", "gemini-embedding-001", 1, None),
        ("vertexai", "text-embedding-005", 250, 20_000),
        ("voyage", "voyage-4-large", 1000, 120_000),
        ("voyage", "voyage-4-lite", 1000, 1_000_000),
        ("voyage", "voyage-4", 1000, 320_000),
        ("alibaba", "text-embedding-v1", 25, None),
        ("alibaba", "text-embedding-v4", 10, None),
        ("together", "any", None, None),
    ],
)
def test_how_much_a_request_takes_depends_on_the_model(
    provider: str, model: str, most: int | None, tokens: int | None
) -> None:
    parts = [part for part in driver_class(provider).operations if EMBED in part.kinds]
    assert [part.embedding_limits(model) for part in parts] == [EmbeddingLimits(most, tokens)]


def ask(colour: str, ai: AI, provider: str, inputs: list[str], model: str) -> Any:
    if colour == "blocking":
        return ai.provider(provider).embed(inputs, model=model)

    async def main() -> Any:
        async with ai.asynchronous() as other:
            return await other.provider(provider).embed(inputs, model=model)

    return asyncio.run(main())


def openai(body: dict[str, Any]) -> dict[str, Any]:
    """A service's answer to some texts: each vector has the number that is its text."""
    assert body["encoding_format"] == "base64"
    data = [
        {"index": place, "embedding": base64.b64encode(array("f", [float(text), 0.5]).tobytes()).decode()}
        for place, text in enumerate(body["input"])
    ]
    tokens = len(data)
    return {"data": data[::-1], "model": body["model"], "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def cohere(body: dict[str, Any]) -> dict[str, Any]:
    vectors = [[float(text), 0.5] for text in body["texts"]]
    return {"id": "e", "embeddings": {"float": vectors}, "meta": {"billed_units": {"input_tokens": len(vectors)}}}


def gemini(body: dict[str, Any]) -> dict[str, Any]:
    return {"embeddings": [{"values": [float(one["content"]["parts"][0]["text"]), 0.5]} for one in body["requests"]]}


SERVICES: list[tuple[str, str, int, Callable[[dict[str, Any]], dict[str, Any]], str]] = [
    ("openai", "text-embedding-3-small", 2048, openai, "sk-0123456789abcdef"),
    ("cohere", "embed-v4.0", 96, cohere, "0123456789abcdef"),
    ("gemini", "gemini-embedding-001", 100, gemini, "AIza0123456789abcdef"),
]


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize(("provider", "model", "most", "answer", "key"), SERVICES, ids=[one[0] for one in SERVICES])
def test_more_texts_than_a_request_takes(
    colour: str, provider: str, model: str, most: int, answer: Callable[[Any], Any], key: str
) -> None:
    inputs = [str(number) for number in range(2 * most + 1)]
    pieces = [inputs[:most], inputs[most : 2 * most], inputs[2 * most :]]
    if provider == "openai":
        bodies = [answer({"input": piece, "model": model, "encoding_format": "base64"}) for piece in pieces]
    elif provider == "cohere":
        bodies = [answer({"texts": piece}) for piece in pieces]
    else:
        bodies = [answer({"requests": [{"content": {"parts": [{"text": one}]}} for one in piece]}) for piece in pieces]
    steps: Script = [step for body in bodies for step in (READ, reply(json.dumps(body).encode()))]
    finished: list[AttemptFinished] = []
    with Server([*steps, AGAIN]) as server:
        ai = AI({"providers": {provider: {"api_key": key, "base_url": server.url}}})
        ai.on(AttemptFinished, finished.append)
        got = ask(colour, ai, provider, inputs, model)
        ai.close()
        sent = [json.loads(request.body) for request in server.requests]
    told = [body.get("input") or body.get("texts") or body.get("requests") for body in sent]
    assert [len(piece) for piece in told] == [most, most, 1]
    assert got.embeddings == [[float(number), 0.5] for number in range(len(inputs))]
    assert isinstance(got.embedding, Vector)
    assert len(got.raw) == len(got.attempts) == len(finished) == 3
    if provider != "gemini":
        assert got.usage.input_tokens == len(inputs)
        costs = [one.attempt.cost.total for one in finished if one.attempt.cost is not None]
        assert got.cost is not None
        assert got.cost.total == sum(costs, Decimal(0)) > 0


def test_a_piece_that_is_refused_ends_the_call() -> None:
    good = json.dumps(openai({"input": ["1"] * 2048, "model": "m", "encoding_format": "base64"})).encode()
    bad = reply(b'{"error": {"message": "too long", "type": "invalid_request_error"}}', status="400 Bad Request")
    with Server([READ, reply(good), READ, bad, AGAIN]) as server:
        ai = AI({"providers": {"openai": {"api_key": "sk-0123456789abcdef", "base_url": server.url}}})
        events: list[Any] = []
        ai.on("*", events.append)
        with pytest.raises(InvalidRequestError, match="too long") as caught:
            ai.provider("openai").embed(["1"] * 5000, model="text-embedding-3-small")
        ai.close()
        assert len(server.requests) == 2
    assert [one.outcome for one in caught.value.attempts] == ["success", "failure"]
    assert sum(isinstance(event, MessageSent) for event in events) == 0


class Lists(Embeddings, kw_only=True, eq=False):
    """Reads lists, as an author of a driver may find natural."""

    def parse_embeddings(self, reply: Any, request: EmbeddingRequest) -> EmbeddingResponse:
        vectors: Any = [["a"]] if request.model == "broken" else [[1, 2.5] for _ in request.input]
        return EmbeddingResponse(embeddings=vectors)


class Listing(MockDriver):
    operations = (Lists(),)


def test_lists_of_a_driver_become_vectors() -> None:
    driver = Listing()
    found = driver.embed(["a", "b"], model="m")
    assert [type(vector) for vector in found.embeddings] == [Vector, Vector]
    assert found.embedding == [1.0, 2.5]
    with pytest.raises(AIError):
        driver.embed("a", model="broken")
