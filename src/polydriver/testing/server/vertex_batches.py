"""Vertex AI's batches: objects in Cloud Storage, and jobs over them that are done at the first look.

https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.batchPredictionJobs
"""

from __future__ import annotations

from typing import Any

from ...data.http import Simulated
from ...data.json import as_dict, decode_json, encode_json
from ...drivers.mock.calls import MockCall
from .asking import CREATED_AT, Answered, Ask, RefusedError, Route
from .batches import answer_line
from .paging import numbered_page

__all__ = ["VERTEX_BATCHES"]

_OBJECT = "gcs object"
_JOB = "prediction job"
_PLACE = "/(projects/[^/]+/locations/[^/]+)/batchPredictionJobs"


def _upload(ask: Ask) -> dict[str, Any]:
    name = f"{ask.found[0]}/{ask.query('name')}"
    ask.store.keep(_OBJECT, name, ask.request.body or b"")
    return {"kind": "storage#object", "name": ask.query("name"), "bucket": ask.found[0]}


def _list_objects(ask: Ask) -> dict[str, Any]:
    bucket, prefix = ask.found[0], ask.query("prefix") or ""
    names = [name.removeprefix(f"{bucket}/") for name in ask.store.names(_OBJECT) if name.startswith(f"{bucket}/")]
    shown, following = numbered_page(ask, [name for name in names if name.startswith(prefix)], "size", "pageToken", 1)
    found: dict[str, Any] = {"kind": "storage#objects", "items": [{"name": name} for name in shown]}
    return {**found, "nextPageToken": following} if following else found


def _download(ask: Ask) -> Answered:
    def answer(call: MockCall, _: dict[str, Any]) -> Simulated:
        content = ask.store.get(_OBJECT, "/".join(ask.found))
        if content is None:
            raise RefusedError("No such object", 404)
        return Simulated(headers={"content-type": "application/jsonl"}, chunks=[content])

    return ask.operate("files", {"model": ""}, answer)


def _create(ask: Ask) -> dict[str, Any]:
    given = ask.json()
    uris = as_dict(as_dict(given.get("inputConfig")).get("gcsSource")).get("uris")
    content = ask.store.get(_OBJECT, str(uris[0]).removeprefix("gs://")) if isinstance(uris, list) and uris else None
    if content is None:
        raise RefusedError("The service account cannot read the input.")
    model, written, failed = str(given.get("model")).rpartition("/")[2], [], 0
    for record in (as_dict(decode_json(line)) for line in content.splitlines()):
        body = {name: value for name, value in as_dict(record.get("request")).items() if name != "labels"}
        claude = model.startswith("claude")
        path = "/v1/messages" if claude else f"/v1beta/models/{model}:generateContent"
        status, answered = answer_line(ask, path, {**body, "model": model} if claude else body)
        failed += status >= 400
        told = {"status": "", "response": answered}
        if status >= 400:
            told = {"status": f"Bad Request: {encode_json(answered).decode()}", "response": {}}
        written.append(encode_json({**record, **told, "processed_time": CREATED_AT}) + b"\n")
    name = f"{ask.found[0]}/batchPredictionJobs/{ask.store.new_id('1')}"
    output = as_dict(as_dict(given.get("outputConfig")).get("gcsDestination")).get("outputUriPrefix")
    folder = f"{output}/prediction-model-{CREATED_AT}"
    half = -(-len(written) // 2)
    for number, lines in enumerate((written[:half], written[half:])):
        ask.store.keep(_OBJECT, f"{folder.removeprefix('gs://')}/predictions-{number}.jsonl", b"".join(lines))
    job = {
        "name": name,
        "displayName": given.get("displayName"),
        "model": given.get("model"),
        "labels": given.get("labels"),
        "state": "JOB_STATE_SUCCEEDED",
        "createTime": CREATED_AT,
        "endTime": CREATED_AT,
        "outputInfo": {"gcsOutputDirectory": folder},
        "completionStats": {"successfulCount": str(len(written) - failed), "failedCount": str(failed)},
    }
    ask.store.keep(_JOB, name, job)
    return {**job, "state": "JOB_STATE_PENDING", "outputInfo": None, "completionStats": None, "endTime": None}


def _find(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_JOB, f"{ask.found[0]}/batchPredictionJobs/{ask.found[1]}")
    if found is None:
        raise RefusedError(f"The job {ask.found[1]} does not exist.", 404)
    return found


def _cancel(ask: Ask) -> dict[str, Any]:
    _find(ask)["state"] = "JOB_STATE_CANCELLED"
    return {}


def _list(ask: Ask) -> dict[str, Any]:
    shown, following = numbered_page(ask, ask.store.newest(_JOB), "pageSize", "pageToken", 100)
    found: dict[str, Any] = {"batchPredictionJobs": shown}
    return {**found, "nextPageToken": following} if following else found


VERTEX_BATCHES: tuple[Route, ...] = (
    ("POST", "/upload/storage/v1/b/([^/]+)/o", lambda ask: ask.manage("files", lambda: _upload(ask))),
    ("GET", "/storage/v1/b/([^/]+)/o", lambda ask: ask.manage("files", lambda: _list_objects(ask))),
    ("GET", "/storage/v1/b/([^/]+)/o/(.+)", _download),
    ("POST", _PLACE, lambda ask: ask.manage("batches", lambda: _create(ask))),
    ("GET", _PLACE, lambda ask: ask.manage("batches", lambda: _list(ask))),
    ("GET", f"{_PLACE}/([^/:]+)", lambda ask: ask.manage("batches", lambda: _find(ask))),
    ("POST", f"{_PLACE}/([^/:]+):cancel", lambda ask: ask.manage("batches", lambda: _cancel(ask))),
)
"""Vertex AI's."""
