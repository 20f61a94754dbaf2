"""Batches that fail as a whole, and why."""

from __future__ import annotations

from typing import Any

import pytest
from tests.faults.server import Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, openai

from polydriver import AIError, BatchProblem, InvalidRequestError
from polydriver.drivers.openai import OpenAIDriver

both = pytest.mark.parametrize("colour", ["blocking", "async"])

WORDS = "Line 3 is not valid JSON"

FORMS = [
    (
        {"object": "list", "data": [{"code": "invalid_json_line", "message": WORDS, "param": "body", "line": 3}]},
        [BatchProblem(message=WORDS, code="invalid_json_line", param="body", line=3)],
    ),
    (
        {"data": [{"code": "a", "message": None, "param": None, "line": None}, {"message": WORDS}]},
        [BatchProblem(message="a", code="a"), BatchProblem(message=WORDS)],
    ),
    ([{"message": WORDS, "count": 2}], [BatchProblem(message=WORDS)]),
    ({"message": WORDS, "code": 400}, [BatchProblem(message=WORDS, code="400")]),
    (WORDS, [BatchProblem(message=WORDS)]),
    ([WORDS], [BatchProblem(message=WORDS)]),
    (None, []),
    ({"object": "list", "data": None}, []),
    ([7, [], {}], []),
]


def record(errors: Any, status: str = "failed", **more: Any) -> dict[str, Any]:
    """A batch as OpenAI tells it."""
    return {"id": "batch_1", "object": "batch", "status": status, "errors": errors, "input_file_id": "file-1", **more}


@both
@pytest.mark.parametrize(("errors", "problems"), FORMS)
def test_a_batch_says_why_it_failed(colour: Colour, errors: Any, problems: list[BatchProblem]) -> None:
    with Server(*one_by_one(json_reply(record(errors)))) as server:
        batch = ask(colour, openai(server), "get_batch", "batch_1")
    assert batch.status == "failed"
    assert batch.errors == problems
    with Server(*one_by_one(json_reply({"data": [record(errors)]}))) as server:
        (listed,) = ask(colour, openai(server), "list_batches")
    assert listed.errors == problems


@both
@pytest.mark.parametrize(("errors", "problems"), FORMS)
def test_results_that_never_came_are_an_error_that_says_why(
    colour: Colour, errors: Any, problems: list[BatchProblem]
) -> None:
    with Server(*one_by_one(json_reply(record(errors)))) as server:
        with pytest.raises(AIError) as caught:
            ask(colour, openai(server), "get_batch_results", "batch_1")
        assert len(server.requests) == 1
    assert isinstance(caught.value, InvalidRequestError)
    assert "batch_1 failed" in caught.value.message
    assert all(problem.message in caught.value.message for problem in problems)
    assert caught.value.code == (problems[0].code if problems else None)
    assert caught.value.details["body"]["status"] == "failed"


@both
def test_a_batch_without_errors_has_none(colour: Colour) -> None:
    with Server(*one_by_one(json_reply(record(None, "in_progress")))) as server:
        assert ask(colour, openai(server), "get_batch", "batch_1").errors == []


@both
@pytest.mark.parametrize(
    ("record", "length"),
    [
        ({"max_model_len": 32768}, 32768),
        ({"meta": {"n_ctx": 4096, "n_ctx_train": 131072, "n_vocab": 32000}}, 4096),
        ({"context_length": 8192}, 8192),
        ({"context_window": 131072}, 131072),
        ({"max_context_length": 32768, "loaded_context_length": 4096}, 4096),
        ({"max_input_tokens": 200000}, 200000),
        ({"context_length": None, "max_model_len": 7}, 7),
        ({"context_length": 0, "meta": {"n_ctx": 9}}, 9),
        ({"meta": None}, None),
        ({"meta": {"n_ctx": "4096"}, "max_model_len": True}, None),
        ({}, None),
    ],
)
def test_servers_tell_the_context_of_their_models(colour: Colour, record: dict[str, Any], length: int | None) -> None:
    with Server(*one_by_one(json_reply({"object": "list", "data": [{"id": "my-own-model", **record}]}))) as server:
        (model,) = ask(colour, OpenAIDriver({"api_key": "sk-x", "base_url": server.url}), "get_available_models")
    assert model.context_length == length
