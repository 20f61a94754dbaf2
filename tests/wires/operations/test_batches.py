"""Batches of each provider that has them, over a mock that keeps them; and the forms that no mock shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults.server import Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json

from polydriver import (
    AI,
    AIError,
    BatchItem,
    ConfigurationError,
    InvalidRequestError,
    ServerError,
    UnsupportedFeatureError,
)
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.operations.kinds import CREATE_BATCH
from polydriver.operations.requests import RUN_LABEL
from polydriver.testing import MockServer

both = pytest.mark.parametrize("colour", ["blocking", "async"])

KEYS = {
    "openai": "sk-mock", "anthropic": "sk-mock", "azure": "k" * 32, "gemini": "k" * 39, "mistral": "k" * 32,
    "groq": "gsk_" + "k" * 32, "xai": "xai-" + "k" * 80, "together": "k" * 64, "fireworks": "fw_" + "k" * 24,
    "bedrock": "k" * 40, "vertexai": "k" * 39, "openrouter": "sk-or-v1-" + "k" * 64,
}  # fmt: skip
MODELS = {
    "openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5", "gemini": "gemini-2.5-flash",
    "mistral": "mistral-small-latest", "groq": "llama-3.1-8b-instant", "azure": "gpt-4o-mini",
    "xai": "grok-4.20", "together": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "fireworks": "accounts/fireworks/models/deepseek-v3p1", "bedrock": "amazon.nova-lite-v1:0",
    "vertexai": "gemini-2.5-flash", "openrouter": "openai/gpt-4o-mini",
}  # fmt: skip
PATHS = {
    "anthropic": "", "bedrock": "", "gemini": "/v1beta", "azure": "/openai/v1", "xai": "/xai/v1",
    "together": "/together/v1", "vertexai": "", "openrouter": "/api/v1",
}  # fmt: skip
NO_COUNTS = {"together"}
each = pytest.mark.parametrize("name", sorted(KEYS))


def more(name: str, url: str) -> dict[str, str]:
    """What the connections of some need beyond a key."""
    if name == "bedrock":
        keys = {"region": "us-east-1", "access_key": "AKIAMOCK", "secret_key": "s", "s3_url": f"{url[:-3]}/s3"}
        return {**keys, "batch_role": "arn:aws:iam::123456789012:role/b", "batch_location": "s3://bucket/night"}
    if name == "vertexai":
        where = {"project": "p", "location": "us-central1", "batch_location": "gs://bucket/night"}
        return {**where, "access_token": "ya29.mock", "gcs_url": url.removesuffix("/v1")}
    return {"account_id": "acme"} if name == "fireworks" else {}


def connect(name: str, url: str) -> Driver:
    base_url = url.removesuffix("/v1") + PATHS.get(name, "/v1")
    settings = {"api_key": KEYS[name], "base_url": base_url, "retry_delay": 0.001, "retry_attempts": 1}
    settings |= more(name, url)
    provider = AI({"providers": {name: settings}}, env={}).provider(name)
    assert isinstance(provider, Driver)
    return provider


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with MockServer() as url:
        yield url


def test_every_provider_with_batches_is_here() -> None:
    from polydriver.drivers import driver_names

    having = {name for name in driver_names() if has_batches(name)}
    assert having - {"mock"} == set(KEYS)


def test_the_guide_names_the_bounds_of_each_provider() -> None:
    guide = (Path(__file__).parents[3] / "docs/guide/batches.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in guide.splitlines() if line[:3] == "| `"]
    told = {row[0].strip("`"): row[1:3] for row in rows}
    for name in KEYS:
        part: Any = next(part for part in driver_class(name).operations if CREATE_BATCH in part.kinds)
        prompts, size = part.max_prompts, part.max_bytes
        assert told.pop(name) == [f"{prompts:,}" if prompts else "any number", f"{size // 1_000_000:,} MB"], name
    assert not told


def has_batches(name: str) -> bool:
    parts = getattr(driver_class(name), "operations", ())
    return any(CREATE_BATCH in part.kinds for part in parts)


@both
@each
def test_the_life_of_a_batch(name: str, colour: Colour, mock: str) -> None:
    batch = ask(colour, connect(name, mock), "create_batch", ["one", "two"], custom_ids=["b", "a"], model=MODELS[name])
    assert batch.status in ("pending", "running")
    assert not batch.done
    batch = ask(colour, connect(name, mock), "get_batch", batch.id)
    assert (batch.status, batch.done) == ("completed", True)
    assert (batch.counts.total, batch.counts.completed) == ((None, None) if name in NO_COUNTS else (2, 2))
    results = ask(colour, connect(name, mock), "get_batch_results", batch.id)
    assert {item.custom_id: item.response.content for item in results.items} == {"b": "one", "a": "two"}
    assert all(item.response.cost is not None for item in results.items)
    listed = ask(colour, connect(name, mock), "list_batches")
    assert batch.id in [found.id for found in listed]
    assert ask(colour, connect(name, mock), "list_batches", limit=1)[0].id == listed[0].id
    if name == "openrouter":
        with pytest.raises(UnsupportedFeatureError, match="cancelling batches"):
            ask(colour, connect(name, mock), "cancel_batch", batch.id)
        return
    cancelled = ask(colour, connect(name, mock), "cancel_batch", batch.id).status
    assert cancelled in (("completed",) if name == "fireworks" else ("cancelling", "cancelled"))
    with pytest.raises(AIError):
        ask(colour, connect(name, mock), "get_batch", "nowhere")


@each
def test_a_batch_is_found_again_by_its_label(name: str, mock: str) -> None:
    """By which `run_batch` finds one that a process made that was killed before it could note the id."""
    part: Any = next(part for part in driver_class(name).operations if CREATE_BATCH in part.kinds)
    label = f"{'a1' * 15}{sorted(KEYS).index(name):02}-0"
    batch = ask("blocking", connect(name, mock), "create_batch", ["x"], model=MODELS[name], labels={RUN_LABEL: label})
    listed = ask("blocking", connect(name, mock), "list_batches")
    found = [one.id for one in listed if one.metadata.get(RUN_LABEL) == label]
    assert found == ([batch.id] if part.keeps_labels else [])


@both
@each
def test_a_prompt_that_fails_does_not_spoil_the_others(name: str, colour: Colour) -> None:
    from polydriver import MockDriver

    with MockServer(MockDriver({"replies": ["fine", {"error": 400}, "fine too"]})) as url:
        driver = connect(name, url)
        kept = {"custom_ids": ["a", "b", "c"], "model": MODELS[name]}
        batch = ask(colour, driver, "create_batch", ["1", "2", "3"], **kept)
        results = ask(colour, driver, "get_batch_results", batch.id)
    assert [item.response and item.response.content for item in results.items] == ["fine", None, "fine too"]
    assert isinstance(results["b"].error, InvalidRequestError)


@pytest.mark.parametrize("name", ["gemini", "mistral"])
def test_a_batch_for_one_model_has_one(name: str, mock: str) -> None:
    driver: Any = connect(name, mock)
    part = driver.operation(CREATE_BATCH)
    assert part.one_model([item_of("m")]) == "m"
    with pytest.raises(ConfigurationError, match="has one model, not 2"):
        part.one_model([item_of("m"), item_of("n")])


def item_of(model: str) -> Any:
    from polydriver.data.prompt import Prompt
    from polydriver.operations.requests import BatchPrompt

    return BatchPrompt(custom_id="a", prompt=Prompt(messages=[], model=model))


def gemini(url: str, inline_bytes: int) -> Driver:
    """The driver of Gemini, with another bound for what is sent inside the request."""

    class Bounded(driver_class("gemini")):  # type: ignore[misc]
        operations = tuple(
            msgspec.structs.replace(part, inline_bytes=inline_bytes) if CREATE_BATCH in part.kinds else part
            for part in driver_class("gemini").operations
        )

    return Bounded({"api_key": KEYS["gemini"], "base_url": url.removesuffix("/v1") + "/v1beta"})  # type: ignore[no-any-return]


@both
def test_many_prompts_go_to_gemini_in_a_file(colour: Colour, mock: str) -> None:
    driver = gemini(mock, 10)
    batch = ask(colour, driver, "create_batch", ["one", "two"], custom_ids=["x", "y"], model="gemini-2.5-flash")
    batch = ask(colour, driver, "get_batch", batch.id)
    assert batch.output_id.startswith("files/")
    results = ask(colour, driver, "get_batch_results", batch.id)
    assert {item.custom_id: item.response.content for item in results.items} == {"x": "one", "y": "two"}


OPERATION = {
    "name": "batches/1",
    "metadata": {"name": "batches/1", "model": "models/gemini-2.5-flash", "state": "BATCH_STATE_SUCCEEDED"},
    "done": True,
}


def operation(state: str = "SUCCEEDED", **more: Any) -> dict[str, Any]:
    return {**OPERATION, "metadata": {**OPERATION["metadata"], "state": f"BATCH_STATE_{state}"}, **more}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("PENDING", "pending"), ("RUNNING", "running"), ("SUCCEEDED", "completed"), ("FAILED", "failed"),
        ("CANCELLED", "cancelled"), ("EXPIRED", "expired"), ("UNSPECIFIED", "pending"), ("A_NEW_ONE", "running"),
    ],
)  # fmt: skip
def test_the_states_of_gemini(state: str, status: str) -> None:
    with Server(*one_by_one(json_reply(operation(state)))) as server:
        assert ask("blocking", connect("gemini", server.url), "get_batch", "1").status == status
        assert server.requests[0].target == "/v1beta/batches/1"


def test_errors_of_gemini_have_the_word_of_their_code() -> None:
    inlined = [
        {"error": {"code": 14, "message": "busy"}},
        {"error": {"code": 3, "message": "no"}, "metadata": {"key": "b"}},
    ]
    done = operation(response={"inlinedResponses": {"inlinedResponses": inlined}})
    with Server(*one_by_one(json_reply(done))) as server:
        results = ask("blocking", connect("gemini", server.url), "get_batch_results", "batches/1")
    assert [item.custom_id for item in results.items] == ["prompt-0", "b"]
    assert isinstance(results["prompt-0"].error, ServerError)
    assert isinstance(results["b"].error, InvalidRequestError)


def test_a_batch_of_gemini_that_failed_says_why() -> None:
    failed = operation("FAILED", error={"code": 3, "message": "The input is not valid."})
    with Server(*one_by_one(json_reply(failed), json_reply(failed))) as server:
        driver = connect("gemini", server.url)
        (problem,) = ask("blocking", driver, "get_batch", "1").errors
        assert (problem.message, problem.code) == ("The input is not valid.", "INVALID_ARGUMENT")
        with pytest.raises(InvalidRequestError, match="The input is not valid"):
            ask("blocking", driver, "get_batch_results", "1")


def job(**more: Any) -> dict[str, Any]:
    return {"id": "j", "status": "SUCCESS", "model": "m", "output_file": None, "error_file": None, **more}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("QUEUED", "pending"), ("RUNNING", "running"), ("SUCCESS", "completed"), ("FAILED", "failed"),
        ("TIMEOUT_EXCEEDED", "expired"), ("CANCELLATION_REQUESTED", "cancelling"), ("CANCELLED", "cancelled"),
    ],
)  # fmt: skip
def test_the_states_of_mistral(word: str, status: str) -> None:
    with Server(*one_by_one(json_reply(job(status=word)))) as server:
        assert ask("blocking", connect("mistral", f"{server.url}/v1"), "get_batch", "j").status == status


def test_the_jobs_of_mistral_come_in_pages_of_one_size() -> None:
    pages = [
        {"data": [job(id=f"j{start + number}") for number in range(count)]} for start, count in ((0, 100), (100, 7))
    ]
    with Server(*one_by_one(*map(json_reply, pages))) as server:
        found = ask("blocking", connect("mistral", f"{server.url}/v1"), "list_batches", limit=105)
        assert [batch.id for batch in found] == [f"j{number}" for number in range(105)]
        assert [request.target for request in server.requests] == [
            "/v1/batch/jobs?page=0&page_size=100",
            "/v1/batch/jobs?page=1&page_size=100",
        ]


def test_a_line_for_mistral_leaves_the_model_to_the_job() -> None:
    with Server(*one_by_one(json_reply({"id": "file-1"}), json_reply(job(status="QUEUED")))) as server:
        driver = connect("mistral", f"{server.url}/v1")
        ask(
            "blocking",
            driver,
            "create_batch",
            ["Hi"],
            custom_ids=["a"],
            labels={"night": "1"},
            model="mistral-small-latest",
        )
        uploaded, created = server.requests
    line = json.loads(next(line for line in uploaded.body.splitlines() if line.startswith(b"{")))
    assert line == {"custom_id": "a", "body": {"messages": [{"role": "user", "content": "Hi"}]}}
    assert sent_json(created) == {
        "input_files": ["file-1"], "endpoint": "/v1/chat/completions", "model": "mistral-small-latest",
        "metadata": {"night": "1"},
    }  # fmt: skip


def test_what_a_batch_never_came_to_is_marked() -> None:
    expired = {"id": "b", "status": "expired", "output_file_id": None, "error_file_id": "f"}
    line = {"custom_id": "a", "response": None, "error": {"code": "batch_expired", "message": "too late"}}
    with Server(*one_by_one(json_reply(expired), json_reply(line))) as server:
        (item,) = ask("blocking", connect("openai", f"{server.url}/v1"), "get_batch_results", "b").items
    assert item.unsent
    results = [{"custom_id": kind, "result": {"type": kind}} for kind in ("expired", "canceled", "errored")]
    with Server(*one_by_one(*[json_reply(result) for result in results])) as server:
        driver = connect("anthropic", server.url)
        found: list[BatchItem] = [
            item for _ in results for item in ask("blocking", driver, "get_batch_results", "b").items
        ]
    assert {item.custom_id: item.unsent for item in found} == {"expired": True, "canceled": True, "errored": False}
