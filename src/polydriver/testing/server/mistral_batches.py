"""Mistral's batches: jobs that are done at the first look. https://docs.mistral.ai/api/endpoint/batch"""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, decode_json, encode_json
from ...drivers.mock.forms import CREATED
from .asking import Ask, RefusedError, Route
from .batches import answer_line
from .files import find_file, keep_file

__all__ = ["MISTRAL_BATCHES"]

_JOB = "job"


def _create_job(ask: Ask) -> dict[str, Any]:
    given = ask.json()
    names = given.get("input_files")
    if not isinstance(names, list) or not names:
        raise RefusedError("input_files: Field required", 422)
    files = [find_file(ask, str(name)) for name in names]
    job_id, model, endpoint = ask.store.new_id("job-"), given.get("model"), str(given.get("endpoint"))
    good: list[bytes] = []
    bad: list[bytes] = []
    for line in (line for file in files for line in file.data.splitlines()):
        record = as_dict(decode_json(line))
        status, body = answer_line(ask, endpoint, {"model": model, **as_dict(record.get("body"))})
        response = {"status_code": status, "body": body}
        written = {"id": f"{job_id}-{len(good) + len(bad)}", "custom_id": record.get("custom_id"), "response": response}
        (good if status < 400 else bad).append(encode_json({**written, "error": None}) + b"\n")
    job: dict[str, Any] = {
        "id": job_id,
        "object": "batch",
        "input_files": names,
        "metadata": given.get("metadata"),
        "endpoint": endpoint,
        "model": model,
        "status": "SUCCESS",
        "errors": [],
        "created_at": CREATED,
        "started_at": CREATED,
        "completed_at": CREATED,
        "total_requests": len(good) + len(bad),
        "completed_requests": len(good) + len(bad),
        "succeeded_requests": len(good),
        "failed_requests": len(bad),
    }
    for name, lines in (("output_file", good), ("error_file", bad)):
        kept = keep_file(ask, "", f"{job_id}_{name}.jsonl", b"".join(lines), purpose="batch") if lines else None
        job[name] = kept.id if kept is not None else None
    ask.store.keep(_JOB, job_id, job)
    waiting = dict.fromkeys(("completed_requests", "succeeded_requests", "failed_requests"), 0)
    times = dict.fromkeys(("started_at", "completed_at", "output_file", "error_file"))
    return {**job, **waiting, **times, "status": "QUEUED"}


def _find_job(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_JOB, ask.found[0])
    if found is None:
        raise RefusedError(f"there is no job {ask.found[0]}", 404)
    return found


def _cancel_job(ask: Ask) -> dict[str, Any]:
    job = _find_job(ask)
    job["status"] = "CANCELLED"
    return {**job, "status": "CANCELLATION_REQUESTED"}


def _list_jobs(ask: Ask) -> dict[str, Any]:
    number, size = (int(value) if value and value.isdecimal() else 0 for value in map(ask.query, ("page", "page_size")))
    jobs, size = ask.store.newest(_JOB), size or 100
    return {"object": "list", "data": jobs[number * size : (number + 1) * size], "total": len(jobs)}


MISTRAL_BATCHES: tuple[Route, ...] = (
    ("POST", "/batch/jobs", lambda ask: ask.manage("batches", lambda: _create_job(ask))),
    ("GET", "/batch/jobs", lambda ask: ask.manage("batches", lambda: _list_jobs(ask))),
    ("GET", "/batch/jobs/([^/]+)", lambda ask: ask.manage("batches", lambda: _find_job(ask))),
    ("POST", "/batch/jobs/([^/]+)/cancel", lambda ask: ask.manage("batches", lambda: _cancel_job(ask))),
)
"""Mistral's."""
