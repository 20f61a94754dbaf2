"""Fireworks' batches: data sets of an account, and jobs that are done at the first look.

https://docs.fireworks.ai/api-reference/create-batch-inference-job
"""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, decode_json, encode_json
from .asking import CREATED_AT, Ask, RefusedError, Route
from .batches import answer_line
from .files import find_file, keep_file, read_form
from .paging import numbered_page

__all__ = ["FIREWORKS_BATCHES"]

_DATASET = "fireworks dataset"
_JOB = "fireworks job"
_PLACE = "/v1/accounts/([^/]+)"


def _create_dataset(ask: Ask) -> dict[str, Any]:
    given = ask.json()
    if not as_dict(given.get("dataset")).get("exampleCount"):
        raise RefusedError("example_count is required for uploaded datasets")
    name, key = str(given.get("datasetId")), f"{ask.found[0]}/{given.get('datasetId')}"
    if ask.store.get(_DATASET, key) is not None:
        raise RefusedError(f"dataset {name} already exists", 409)
    ask.store.keep(_DATASET, key, {})
    return {"name": f"accounts/{ask.found[0]}/datasets/{name}", "state": "UPLOADING"}


def _find_dataset(ask: Ask, name: str) -> dict[str, str]:
    found: dict[str, str] | None = ask.store.get(_DATASET, f"{ask.found[0]}/{name.rpartition('/')[2]}")
    if found is None:
        raise RefusedError("resource not found", 404)
    return found


def _upload(ask: Ask) -> dict[str, Any]:
    dataset, (_, files) = _find_dataset(ask, ask.found[1]), read_form(ask)
    if not files:
        raise RefusedError("the form has no file")
    dataset[str(files[0].filename)] = keep_file(ask, "", str(files[0].filename), files[0].data).id
    return {"filename": files[0].filename, "message": "uploaded"}


def _download(ask: Ask) -> dict[str, Any]:
    root = ask.request.url.partition("/v1/")[0]
    dataset = _find_dataset(ask, ask.found[1])
    prefix = f"dataset/{ask.found[1]}/"
    return {"filenameToSignedUrls": {f"{prefix}{n}": f"{root}/v1/files/{i}/content?sig=1" for n, i in dataset.items()}}


def _create_job(ask: Ask) -> dict[str, Any]:
    given, account = ask.json(), ask.found[0]
    job_id = ask.query("batchInferenceJobId") or ask.store.new_id("job-")
    if ask.store.get(_JOB, f"{account}/{job_id}") is not None:
        raise RefusedError(f"job {job_id} already exists", 409)
    source = _find_dataset(ask, str(given.get("inputDatasetId")))
    written: dict[str, list[bytes]] = {"BIJOutputSet.jsonl": [], "error-data": []}
    for record in (as_dict(decode_json(line)) for i in source.values() for line in find_file(ask, i).data.splitlines()):
        asked = {"model": given.get("model"), **as_dict(record.get("body"))}
        status, body = answer_line(ask, "/v1/chat/completions", asked)
        told = {"response": body} if status < 400 else {"error": body.get("error")}
        line = encode_json({"custom_id": record.get("custom_id"), **told}) + b"\n"
        written["BIJOutputSet.jsonl" if status < 400 else "error-data"].append(line)
    good, bad = (len(lines) for lines in written.values())
    output = ask.store.new_id("output-")
    kept = {name: keep_file(ask, "", name, b"".join(lines)).id for name, lines in written.items()}
    ask.store.keep(_DATASET, f"{account}/{output}", kept)
    job: dict[str, Any] = {
        "name": f"accounts/{account}/batchInferenceJobs/{job_id}",
        "displayName": given.get("displayName", ""),
        "createTime": CREATED_AT,
        "updateTime": CREATED_AT,
        "expireTime": "2026-01-02T00:00:00Z",
        "state": "JOB_STATE_COMPLETED",
        "status": {"code": "OK", "message": ""},
        "model": given.get("model"),
        "inputDatasetId": given.get("inputDatasetId"),
        "outputDatasetId": f"accounts/{account}/datasets/{output}",
        "jobProgress": {
            "totalInputRequests": good + bad,
            "totalProcessedRequests": good + bad,
            "successfullyProcessedRequests": good,
            "failedRequests": bad,
        },
    }
    ask.store.keep(_JOB, f"{account}/{job_id}", job)
    return {**job, "state": "JOB_STATE_VALIDATING", "jobProgress": None}


def _find_job(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_JOB, "/".join(ask.found))
    if found is None:
        raise RefusedError("resource not found", 404)
    return found


def _delete_job(ask: Ask) -> dict[str, Any]:
    _find_job(ask)
    ask.store.drop(_JOB, "/".join(ask.found))
    return {}


def _list_jobs(ask: Ask) -> dict[str, Any]:
    mine = [job for job in ask.store.newest(_JOB) if job["name"].startswith(f"accounts/{ask.found[0]}/")]
    shown, following = numbered_page(ask, mine, "pageSize", "pageToken", 50)
    return {"batchInferenceJobs": shown, "nextPageToken": following or "", "totalSize": len(mine)}


FIREWORKS_BATCHES: tuple[Route, ...] = (
    ("POST", f"{_PLACE}/datasets", lambda ask: ask.manage("files", lambda: _create_dataset(ask))),
    ("POST", f"{_PLACE}/datasets/([^/:]+):upload", lambda ask: ask.manage("files", lambda: _upload(ask))),
    ("GET", f"{_PLACE}/datasets/([^/:]+):getDownloadEndpoint", lambda ask: ask.manage("files", lambda: _download(ask))),
    ("POST", f"{_PLACE}/batchInferenceJobs", lambda ask: ask.manage("batches", lambda: _create_job(ask))),
    ("GET", f"{_PLACE}/batchInferenceJobs", lambda ask: ask.manage("batches", lambda: _list_jobs(ask))),
    ("GET", f"{_PLACE}/batchInferenceJobs/([^/]+)", lambda ask: ask.manage("batches", lambda: _find_job(ask))),
    ("DELETE", f"{_PLACE}/batchInferenceJobs/([^/]+)", lambda ask: ask.manage("batches", lambda: _delete_job(ask))),
)
"""Fireworks'."""
