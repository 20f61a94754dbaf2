"""Together's batches, below `/together/v1`: jobs that are done at the first look.

https://docs.together.ai/reference/batch-create
"""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, decode_json, encode_json
from .asking import CREATED_AT, Ask, RefusedError, Route
from .batches import answer_line
from .files import find_file, keep_file, read_form

__all__ = ["TOGETHER_BATCHES"]

_JOB = "together job"


def _upload(ask: Ask) -> dict[str, Any]:
    fields, files = read_form(ask)
    if not files or not fields.get("file_name") or fields.get("purpose") != "batch-api":
        raise RefusedError("purpose, file_name and file are required")
    kept = keep_file(ask, "file-", fields["file_name"], files[0].data, purpose="batch-api")
    return {"id": kept.id, "object": "file", "filename": kept.name, "bytes": len(kept.data), "purpose": kept.purpose}


def _create(ask: Ask) -> dict[str, Any]:
    given = ask.json()
    file, endpoint = find_file(ask, str(given.get("input_file_id"))), str(given.get("endpoint"))
    job_id = ask.store.new_id("batch-")
    written: dict[str, list[bytes]] = {"output": [], "error": []}
    for record in (as_dict(decode_json(line)) for line in file.data.splitlines()):
        status, body = answer_line(ask, f"/together{endpoint}", record.get("body"))
        told = {"response": {"status_code": status, "body": body}} if status < 400 else {"error": body.get("error")}
        line = encode_json({"custom_id": record.get("custom_id"), **told}) + b"\n"
        written["output" if status < 400 else "error"].append(line)
    job: dict[str, Any] = {
        "id": job_id,
        "user_id": "user_mock",
        "input_file_id": file.id,
        "file_size_bytes": len(file.data),
        "status": "COMPLETED",
        "job_deadline": "2026-01-02T00:00:00Z",
        "created_at": CREATED_AT,
        "endpoint": endpoint,
        "progress": 100.0,
        "model_id": given.get("model_id"),
        "error": None,
        "completed_at": CREATED_AT,
    }
    for name, lines in written.items():
        kept = keep_file(ask, "file-", f"{job_id}_{name}.jsonl", b"".join(lines)) if lines else None
        job[f"{name}_file_id"] = kept.id if kept is not None else None
    ask.store.keep(_JOB, job_id, job)
    begun = {"status": "VALIDATING", "progress": 0.0, "output_file_id": None, "error_file_id": None}
    return {"job": {**job, **begun, "completed_at": None}, "warning": None}


def _find(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_JOB, ask.found[0])
    if found is None:
        raise RefusedError(f"batch {ask.found[0]} was not found", 404)
    return found


def _cancel(ask: Ask) -> dict[str, Any]:
    job = _find(ask)
    job["status"] = "CANCELLED"
    return job


TOGETHER_BATCHES: tuple[Route, ...] = (
    ("POST", "/together/v1/files/upload", lambda ask: ask.manage("files", lambda: _upload(ask))),
    ("POST", "/together/v1/batches", lambda ask: ask.manage("batches", lambda: _create(ask))),
    ("GET", "/together/v1/batches", lambda ask: ask.manage("batches", lambda: ask.store.newest(_JOB))),
    ("GET", "/together/v1/batches/([^/]+)", lambda ask: ask.manage("batches", lambda: _find(ask))),
    ("POST", "/together/v1/batches/([^/]+)/cancel", lambda ask: ask.manage("batches", lambda: _cancel(ask))),
)
"""Together's."""
