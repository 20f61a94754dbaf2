"""Batches: their prompts are answered at once, and told as done at the first look.

https://platform.openai.com/docs/api-reference/batch, https://platform.claude.com/docs/en/api/creating-message-batches
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ...data.http import Request, Simulated
from ...data.json import as_dict, as_list, decode_json, encode_json
from ...drivers.mock.calls import MockCall
from ...drivers.mock.forms import CREATED
from .asking import CREATED_AT, Answered, Ask, RefusedError, Route
from .files import find_file, keep_file
from .paging import page

__all__ = ["ANTHROPIC_BATCHES", "OPENAI_BATCHES", "answer_line"]

_KIND = "batch"
_BROKEN = {"message": "The server had an error", "type": "server_error", "param": None, "code": None}


def _find(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_KIND, ask.found[0])
    if found is None:
        raise RefusedError(f"No batch found with id '{ask.found[0]}'.", 404)
    return found


def answer_line(ask: Ask, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to one prompt of a batch."""
    address = urlsplit(ask.request.url)
    headers = {name: value for name, value in ask.request.headers.items() if name != "x-mock-script"}
    url = f"{address.scheme}://{address.netloc}{path}"
    answered = ask.answer(Request(method="POST", url=url, headers=headers, body=encode_json(body)))
    if isinstance(answered, Simulated) and answered.end == "clean":
        try:
            return answered.status, as_dict(decode_json(b"".join(answered.chunks)))
        except ValueError:
            pass
    return 500, {"error": _BROKEN}


def _create(ask: Ask) -> dict[str, Any]:
    given = ask.json()
    file = find_file(ask, str(given.get("input_file_id")))
    batch: dict[str, Any] = {
        "id": ask.store.new_id("batch_"),
        "object": "batch",
        "endpoint": given.get("endpoint"),
        "errors": None,
        "input_file_id": file.id,
        "completion_window": given.get("completion_window"),
        "status": "completed",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": CREATED,
        "expires_at": CREATED + 86400,
        "in_progress_at": CREATED,
        "finalizing_at": CREATED,
        "completed_at": CREATED,
        "metadata": given.get("metadata"),
    }
    lines = file.data.splitlines()
    problems = [problem for number, line in enumerate(lines, 1) if (problem := _problem(batch, line, number))]
    if problems or not lines:
        ends = {"completed_at": None, "finalizing_at": None, "in_progress_at": None, "failed_at": CREATED}
        counts = {"total": 0, "completed": 0, "failed": 0}
        errors = {"object": "list", "data": problems or [_told("empty_file", "The batch has no requests.", None)]}
        batch.update(ends, status="failed", errors=errors, request_counts=counts)
    else:
        _answer_all(ask, batch, [decode_json(line) for line in lines])
    ask.store.keep(_KIND, batch["id"], batch)
    return {
        **batch,
        "status": "validating",
        "errors": None,
        "output_file_id": None,
        "error_file_id": None,
        "in_progress_at": None,
        "finalizing_at": None,
        "completed_at": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
    }


def _problem(batch: dict[str, Any], line: bytes, number: int) -> dict[str, Any] | None:
    try:
        record = decode_json(line)
    except ValueError:
        return _told("invalid_json_line", "This line is not parseable as valid JSON.", number)
    if not isinstance(record, dict) or not isinstance(record.get("custom_id"), str):
        return _told("missing_required_parameter", "Missing required parameter: 'custom_id'.", number)
    if record.get("url") != batch["endpoint"]:
        return _told("mismatched_url", "The URL of the line is not the endpoint of the batch.", number)
    return None


def _told(code: str, message: str, line: int | None) -> dict[str, Any]:
    return {"code": code, "message": message, "param": None, "line": line}


def _answer_all(ask: Ask, batch: dict[str, Any], records: list[dict[str, Any]]) -> None:
    good: list[bytes] = []
    bad: list[bytes] = []
    for number, record in enumerate(records, 1):
        status, body = answer_line(ask, str(record["url"]), record.get("body"))
        response = {"status_code": status, "request_id": f"req_{batch['id']}_{number}", "body": body}
        line = {"id": f"batch_req_{number}", "custom_id": record["custom_id"], "response": response, "error": None}
        (good if status < 400 else bad).append(encode_json(line) + b"\n")
    for name, written in (("output", good), ("error", bad)):
        if written:
            kept = keep_file(ask, "file-", f"{batch['id']}_{name}.jsonl", b"".join(written), purpose="batch_output")
            batch[f"{name}_file_id"] = kept.id
    batch["request_counts"] = {"total": len(records), "completed": len(good), "failed": len(bad)}


def _cancel(ask: Ask) -> dict[str, Any]:
    """The batch as it is being stopped; what was answered stays."""
    batch = _find(ask)
    if batch["status"] == "completed":
        batch.update(status="cancelled", cancelled_at=CREATED)
    return {**batch, "status": "cancelling", "cancelling_at": CREATED}


OPENAI_BATCHES: tuple[Route, ...] = (
    ("POST", "/batches", lambda ask: ask.manage("batches", lambda: _create(ask))),
    (
        "GET",
        "/batches",
        lambda ask: ask.manage("batches", lambda: {"object": "list", **page(ask, ask.store.newest(_KIND), "after")}),
    ),
    ("GET", "/batches/([^/]+)", lambda ask: ask.manage("batches", lambda: _find(ask))),
    ("POST", "/batches/([^/]+)/cancel", lambda ask: ask.manage("batches", lambda: _cancel(ask))),
)
"""OpenAI's."""


def _create_messages(ask: Ask) -> dict[str, Any]:
    entries = [as_dict(entry) for entry in as_list(ask.json().get("requests"))]
    if not entries:
        raise RefusedError("requests: Field required")
    results, counts = [], {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    for entry in entries:
        status, body = answer_line(ask, "/v1/messages", entry.get("params"))
        good = status < 400
        counts["succeeded" if good else "errored"] += 1
        result = {"type": "succeeded", "message": body} if good else {"type": "errored", "error": body}
        results.append({"custom_id": entry.get("custom_id"), "result": result})
    batch_id = ask.store.new_id("msgbatch_")
    batch = {
        "id": batch_id,
        "type": "message_batch",
        "processing_status": "ended",
        "request_counts": counts,
        "created_at": CREATED_AT,
        "ended_at": CREATED_AT,
        "expires_at": "2026-01-02T00:00:00Z",
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": f"{ask.request.url.partition('?')[0]}/{batch_id}/results",
    }
    ask.store.keep(_KIND, batch_id, batch)
    ask.store.keep("results", batch_id, b"".join(encode_json(result) + b"\n" for result in results))
    waiting = {**dict.fromkeys(counts, 0), "processing": len(entries)}
    pending = {"processing_status": "in_progress", "request_counts": waiting, "ended_at": None, "results_url": None}
    return {**batch, **pending}


def _cancel_messages(ask: Ask) -> dict[str, Any]:
    batch = _find(ask)
    batch["cancel_initiated_at"] = CREATED_AT
    return {**batch, "processing_status": "canceling", "ended_at": None, "results_url": None}


def _delete_messages(ask: Ask) -> dict[str, Any]:
    batch_id = _find(ask)["id"]
    ask.store.drop(_KIND, batch_id)
    return {"id": batch_id, "type": "message_batch_deleted"}


def _results(ask: Ask) -> Answered:
    def answer(call: MockCall, _: dict[str, Any]) -> Simulated:
        lines = ask.store.get("results", _find(ask)["id"])
        return Simulated(headers={"content-type": "application/x-jsonl"}, chunks=[lines])

    return ask.operate("batches", {"model": ""}, answer)


ANTHROPIC_BATCHES: tuple[Route, ...] = (
    ("POST", "/messages/batches", lambda ask: ask.manage("batches", lambda: _create_messages(ask))),
    (
        "GET",
        "/messages/batches",
        lambda ask: ask.manage("batches", lambda: page(ask, ask.store.newest(_KIND), "after_id")),
    ),
    ("GET", "/messages/batches/([^/]+)", lambda ask: ask.manage("batches", lambda: _find(ask))),
    ("DELETE", "/messages/batches/([^/]+)", lambda ask: ask.manage("batches", lambda: _delete_messages(ask))),
    ("POST", "/messages/batches/([^/]+)/cancel", lambda ask: ask.manage("batches", lambda: _cancel_messages(ask))),
    ("GET", "/messages/batches/([^/]+)/results", _results),
)
"""Anthropic's."""
