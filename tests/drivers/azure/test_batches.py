"""Azure's batches where they are not OpenAI's: names of endpoints, deployments, states and moments, prices."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.faults.server import Received, Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one, sent_json

from polydriver import ConfigurationError, InvalidRequestError
from polydriver.data.prompt import Prompt
from polydriver.drivers.azure import AzureOpenAIDriver
from polydriver.operations.kinds import CREATE_BATCH
from polydriver.operations.requests import BatchPrompt, BatchRequest

UPLOADED = json_reply({"id": "file-1", "status": "processed"})
VALIDATING = {
    "id": "batch_1",
    "status": "Validating",
    "created_at": "2024-07-19T17:33:29.1619286+00:00",
    "expires_at": 1721496809,
    "errors": None,
    "output_file_id": None,
    "error_file_id": None,
    "request_counts": {"total": None, "completed": None, "failed": None},
}


def azure(server: Server, **settings: Any) -> AzureOpenAIDriver:
    return AzureOpenAIDriver({"api_key": "k" * 32, "endpoint": server.url, "retry_delay": 0.001, **settings})


def line_of(upload: Received) -> Any:
    return json.loads(next(line for line in upload.body.splitlines() if line.startswith(b"{")))


@pytest.mark.parametrize("colour", ["blocking", "async"])
@pytest.mark.parametrize(
    ("settings", "paths", "endpoint"),
    [
        ({}, ["/openai/v1/files", "/openai/v1/batches"], "/v1/chat/completions"),
        ({"api": "responses"}, ["/openai/v1/files", "/openai/v1/batches"], "/v1/responses"),
        (
            {"api_version": "2024-10-21"},
            [f"/openai/{name}?api-version=2024-10-21" for name in ("files", "batches")],
            "/chat/completions",
        ),
    ],
)
def test_endpoints_and_deployments(colour: Colour, settings: dict[str, str], paths: list[str], endpoint: str) -> None:
    with Server(*one_by_one(UPLOADED, json_reply(VALIDATING))) as server:
        driver = azure(server, deployment="night/batch", **{"api": "chat", **settings})
        batch = ask(colour, driver, "create_batch", ["Hi"], custom_ids=["a"], model="gpt-4o-mini", labels={"x": "1"})
        uploaded, created = server.requests
    assert [uploaded.target, created.target] == paths
    line = line_of(uploaded)
    assert (line["custom_id"], line["url"], line["body"]["model"]) == ("a", endpoint, "night/batch")
    body = sent_json(created)
    assert body == {
        "input_file_id": "file-1", "endpoint": endpoint, "completion_window": "24h", "metadata": {"x": "1"}
    }  # fmt: skip
    assert (batch.status, batch.raw_status) == ("pending", "Validating")
    assert batch.created == datetime(2024, 7, 19, 17, 33, 29, 161928, UTC)
    assert batch.expires == datetime(2024, 7, 20, 17, 33, 29, tzinfo=UTC)


def test_a_batch_has_one_deployment() -> None:
    driver = AzureOpenAIDriver({"api_key": "k" * 32, "endpoint": "https://x.openai.azure.com"})
    prompts = [BatchPrompt(custom_id=name, prompt=Prompt(messages=[], model=name)) for name in "ab"]
    part: Any = driver.operation(CREATE_BATCH)
    with pytest.raises(ConfigurationError, match="has one model, not 2"):
        part.render_creation("file-1", "/v1/chat/completions", BatchRequest(prompts=prompts))


def test_an_error_file_without_content_is_no_error() -> None:
    state = {**VALIDATING, "status": "Completed", "output_file_id": "good", "error_file_id": "empty"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "prompt_tokens_details": {"cached_tokens": 500}}
    body = {"model": "gpt-4o", "choices": [{"message": {"content": "4"}, "finish_reason": "stop"}], "usage": usage}
    line = {"custom_id": "a", "response": {"status_code": 200, "body": body}, "error": None}
    nothing = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    with Server(*one_by_one(json_reply(state), json_reply(line), nothing)) as server:
        (item,) = ask("blocking", azure(server), "get_batch_results", "batch_1").items
    assert item.response.content == "4"
    assert item.response.cost.total == Decimal("0.00625")  # half the usual price; in batches the cache saves nothing


def test_a_deployment_that_is_not_for_batches_says_so() -> None:
    problem = {"code": "invalid_request", "message": "The deployment SKU is invalid", "line": 1}
    failed = {**VALIDATING, "status": "failed", "errors": {"object": "list", "data": [problem]}}
    with Server(*one_by_one(json_reply(failed))) as server, pytest.raises(InvalidRequestError, match="SKU is invalid"):
        ask("blocking", azure(server), "get_batch_results", "batch_1")
