"""Google's batches: operations that are done at the first look. https://ai.google.dev/api/batch-api"""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, as_list, decode_json, encode_json
from ...wires.generate_content.names import with_camel_names
from .asking import CREATED_AT, Ask, RefusedError, Route
from .batches import answer_line
from .files import find_file, keep_file
from .paging import numbered_page

__all__ = ["GEMINI_BATCHES"]

_OPERATION = "operation"
_OUTPUT_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput"


def _create_operation(ask: Ask) -> dict[str, Any]:
    batch = as_dict(as_dict(with_camel_names(ask.json())).get("batch"))
    source, model = as_dict(batch.get("inputConfig")), ask.found[0]
    if isinstance(name := source.get("fileName"), str):
        lines = find_file(ask, name.removeprefix("files/")).data.splitlines()
        entries = [as_dict(decode_json(line)) for line in lines]
    else:
        found = as_list(as_dict(source.get("requests")).get("requests"))
        entries = [{"key": as_dict(as_dict(entry).get("metadata")).get("key"), **as_dict(entry)} for entry in found]
    if not entries:
        raise RefusedError("the batch has no requests")
    results = []
    for entry in entries:
        status, body = answer_line(ask, f"/v1beta/models/{model}:generateContent", entry.get("request"))
        failure = {"code": 3, "message": str(as_dict(body.get("error")).get("message")), "status": "INVALID_ARGUMENT"}
        results.append({"key": entry.get("key"), **({"response": body} if status < 400 else {"error": failure})})
    batch_id = ask.store.new_id("batch-")
    done = _write_operation(batch_id, model, batch, results)
    if isinstance(source.get("fileName"), str):
        written = b"".join(encode_json(result) + b"\n" for result in results)
        output: dict[str, Any] = {"responsesFile": f"files/{keep_file(ask, 'batch-', batch_id, written).id}"}
    else:
        inlined = [{**result, "metadata": {"key": result.pop("key")}} for result in results]
        output = {"inlinedResponses": {"inlinedResponses": inlined}}
    done.update(done=True, response={"@type": _OUTPUT_TYPE, **output})
    ask.store.keep(_OPERATION, batch_id, done)
    facts = {name: value for name, value in done["metadata"].items() if name != "endTime"}
    stats = {"requestCount": str(len(results)), "pendingRequestCount": str(len(results))}
    return {"name": done["name"], "metadata": {**facts, "state": "BATCH_STATE_PENDING", "batchStats": stats}}


def _write_operation(batch_id: str, model: str, given: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    failed = sum("error" in result for result in results)
    counts = {"requestCount": len(results), "successfulRequestCount": len(results) - failed}
    if failed:
        counts["failedRequestCount"] = failed
    facts = {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "name": f"batches/{batch_id}",
        "model": f"models/{model}",
        "displayName": given.get("displayName"),
        "state": "BATCH_STATE_SUCCEEDED",
        "createTime": CREATED_AT,
        "updateTime": CREATED_AT,
        "endTime": CREATED_AT,
        "batchStats": {name: str(count) for name, count in counts.items()},
    }
    return {"name": facts["name"], "metadata": facts}


def _find_operation(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_OPERATION, ask.found[0])
    if found is None:
        raise RefusedError(f"batches/{ask.found[0]} is not found", 404)
    return found


def _cancel_operation(ask: Ask) -> dict[str, Any]:
    operation = _find_operation(ask)
    operation["metadata"]["state"] = "BATCH_STATE_CANCELLED"
    return {}


def _list_operations(ask: Ask) -> dict[str, Any]:
    shown, following = numbered_page(ask, ask.store.newest(_OPERATION), "pageSize", "pageToken", 20)
    return {"operations": shown, "nextPageToken": following} if following else {"operations": shown}


GEMINI_BATCHES: tuple[Route, ...] = (
    ("POST", "/models/([^/]+):batchGenerateContent", lambda ask: ask.manage("batches", lambda: _create_operation(ask))),
    ("GET", "/batches", lambda ask: ask.manage("batches", lambda: _list_operations(ask))),
    ("GET", "/batches/([^/:]+)", lambda ask: ask.manage("batches", lambda: _find_operation(ask))),
    ("POST", "/batches/([^/:]+):cancel", lambda ask: ask.manage("batches", lambda: _cancel_operation(ask))),
)
"""Google's."""
