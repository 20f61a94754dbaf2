"""Bedrock's batches: objects in S3, at `/s3/BUCKET/KEY`, and jobs over them that are done at the first look.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateModelInvocationJob.html
"""

from __future__ import annotations

import hashlib
from typing import Any

from ...data.http import Simulated
from ...data.json import as_dict, as_list, decode_json, encode_json
from ...drivers.mock.calls import MockCall
from .asking import CREATED_AT, Answered, Ask, RefusedError, Route
from .batches import answer_line
from .paging import numbered_page

__all__ = ["BEDROCK_BATCHES"]

_OBJECT = "s3 object"
_JOB = "bedrock job"


def _put(ask: Ask) -> Answered:
    def answer(call: MockCall, _: dict[str, Any]) -> Simulated:
        content = ask.request.body or b""
        if ask.request.headers.get("x-amz-content-sha256") != hashlib.sha256(content).hexdigest():
            raise RefusedError("The provided 'x-amz-content-sha256' header does not match what was computed.")
        ask.store.keep(_OBJECT, ask.found[0], content)
        return Simulated(chunks=[])

    return ask.operate("files", {"model": ""}, answer)


def _get(ask: Ask) -> Answered:
    def answer(call: MockCall, _: dict[str, Any]) -> Simulated:
        content = ask.store.get(_OBJECT, ask.found[0])
        if content is None:
            raise RefusedError("The specified key does not exist.", 404)
        return Simulated(headers={"content-type": "application/octet-stream"}, chunks=[content])

    return ask.operate("files", {"model": ""}, answer)


def _uri(given: dict[str, Any], way: str) -> str:
    return str(as_dict(as_dict(given.get(f"{way.lower()}DataConfig")).get(f"s3{way}DataConfig")).get("s3Uri"))


def _answer(ask: Ask, given: dict[str, Any], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The answer to a prompt for Claude, or to one for Converse, which is asked as if it were for Claude."""
    model = {"model": given.get("modelId")}
    if given.get("modelInvocationType") != "Converse":
        return answer_line(ask, "/v1/messages", {**model, **body})
    messages = []
    for message in map(as_dict, as_list(body.get("messages"))):
        parts = [{"type": "text", "text": as_dict(part).get("text", "")} for part in as_list(message.get("content"))]
        messages.append({"role": message.get("role"), "content": parts})
    status, answered = answer_line(ask, "/v1/messages", {**model, "max_tokens": 4096, "messages": messages})
    if status >= 400:
        return status, answered
    content = [{"text": as_dict(part).get("text", "")} for part in as_list(answered.get("content"))]
    usage = as_dict(answered.get("usage"))
    counts = {"inputTokens": usage.get("input_tokens", 0), "outputTokens": usage.get("output_tokens", 0)}
    return 200, {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": answered.get("stop_reason"),
        "usage": {**counts, "totalTokens": sum(counts.values())},
        "metrics": {"latencyMs": 0},
    }


def _create(ask: Ask) -> dict[str, Any]:
    given = ask.json()
    source = _uri(given, "Input")
    content = ask.store.get(_OBJECT, source.removeprefix("s3://"))
    if content is None or not str(given.get("roleArn")).startswith("arn:aws:iam::"):
        raise RefusedError("The role cannot read the input.")
    job_id = ask.store.new_id("job")
    written, failed = [], 0
    for record in (as_dict(decode_json(line)) for line in content.splitlines()):
        status, body = _answer(ask, given, as_dict(record.get("modelInput")))
        failed += status >= 400
        message = str(as_dict(body.get("error")).get("message"))
        told = {"modelOutput": body} if status < 400 else {"error": {"errorCode": status, "errorMessage": message}}
        written.append(encode_json({**record, **told}) + b"\n")
    key = f"{_uri(given, 'Output').removeprefix('s3://')}{job_id}/{source.rpartition('/')[2]}.out"
    ask.store.keep(_OBJECT, key, b"".join(written))
    arn = f"arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{job_id}"
    kept = ("jobName", "modelId", "roleArn", "clientRequestToken", "inputDataConfig", "outputDataConfig")
    job = {
        "jobArn": arn,
        **{name: given.get(name) for name in kept},
        "status": "Completed",
        "submitTime": CREATED_AT,
        "endTime": CREATED_AT,
        "totalRecordCount": len(written),
        "processedRecordCount": len(written),
        "successRecordCount": len(written) - failed,
        "errorRecordCount": failed,
    }
    ask.store.keep(_JOB, arn, job)
    return {"jobArn": arn}


def _find(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_JOB, ask.found[0])
    if found is None:
        raise RefusedError("Could not find the job.", 404)
    return found


def _stop(ask: Ask) -> dict[str, Any]:
    _find(ask)["status"] = "Stopped"
    return {}


def _list(ask: Ask) -> dict[str, Any]:
    shown, following = numbered_page(ask, ask.store.newest(_JOB), "maxResults", "nextToken", 1000)
    page: dict[str, Any] = {"invocationJobSummaries": shown}
    return {**page, "nextToken": following} if following else page


BEDROCK_BATCHES: tuple[Route, ...] = (
    ("PUT", "/s3/(.+)", _put),
    ("GET", "/s3/(.+)", _get),
    ("POST", "/model-invocation-job", lambda ask: ask.manage("batches", lambda: _create(ask))),
    ("GET", "/model-invocation-jobs", lambda ask: ask.manage("batches", lambda: _list(ask))),
    ("POST", "/model-invocation-job/(arn:.+)/stop", lambda ask: ask.manage("batches", lambda: _stop(ask))),
    ("GET", "/model-invocation-job/(arn:.+)", lambda ask: ask.manage("batches", lambda: _find(ask))),
)
"""Bedrock's."""
