"""xAI's batches, below `/xai/v1`: counters in place of a state, all done at the first look.

https://docs.x.ai/developers/advanced-api-usage/batch-api
"""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, decode_json
from .asking import CREATED_AT, Ask, RefusedError, Route
from .batches import answer_line
from .files import find_file
from .paging import numbered_page

__all__ = ["XAI_BATCHES"]

_KIND = "xai batch"
_RESULTS = "xai results"


def _create(ask: Ask) -> dict[str, Any]:
    given = ask.json()
    if not isinstance(given.get("name"), str):
        raise RefusedError("missing field `name`", 422)
    lines = find_file(ask, str(given.get("input_file_id"))).data.splitlines()
    results: list[dict[str, Any]] = []
    for record in (as_dict(decode_json(line)) for line in lines):
        status, body = answer_line(ask, f"/xai{record.get('url')}", record.get("body"))
        told = {"code": 3 if status < 500 else 14, "message": str(as_dict(body.get("error")).get("message"))}
        outcome = {"response": {"chat_get_completion": body}} if status < 400 else {"error": told}
        results.append({"batch_request_id": record.get("custom_id"), "batch_result": outcome})
    failed = sum("error" in result["batch_result"] for result in results)
    counts = {"requests": len(results), "pending": 0, "success": len(results) - failed, "error": failed, "cancelled": 0}
    batch_id = ask.store.new_id("batch_")
    batch: dict[str, Any] = {
        "batch_id": batch_id,
        "name": given["name"],
        "create_time": CREATED_AT,
        "expire_time": "2026-01-31T00:00:00Z",
        "cancel_time": None,
        "cancel_by_xai_message": None,
        "state": {f"num_{name}": count for name, count in counts.items()},
        "input_file_id": given["input_file_id"],
    }
    ask.store.keep(_KIND, batch_id, batch)
    ask.store.keep(_RESULTS, batch_id, results)
    return {**batch, "state": {f"num_{name}": 0 for name in counts}}


def _find(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_KIND, ask.found[0])
    if found is None:
        raise RefusedError(f"Batch {ask.found[0]} not found", 404)
    return found


def _cancel(ask: Ask) -> dict[str, Any]:
    batch = _find(ask)
    batch["cancel_time"] = CREATED_AT
    return batch


def _list(ask: Ask) -> dict[str, Any]:
    shown, following = numbered_page(ask, ask.store.newest(_KIND), "limit", "pagination_token", 100)
    return {"batches": shown, "pagination_token": following}


def _results(ask: Ask) -> dict[str, Any]:
    results = ask.store.get(_RESULTS, _find(ask)["batch_id"])
    shown, following = numbered_page(ask, results, "limit", "pagination_token", 100)
    return {"results": shown, "pagination_token": following}


XAI_BATCHES: tuple[Route, ...] = (
    ("POST", "/xai/v1/batches", lambda ask: ask.manage("batches", lambda: _create(ask))),
    ("GET", "/xai/v1/batches", lambda ask: ask.manage("batches", lambda: _list(ask))),
    ("GET", "/xai/v1/batches/([^/]+)", lambda ask: ask.manage("batches", lambda: _find(ask))),
    ("GET", "/xai/v1/batches/([^/]+)/results", lambda ask: ask.manage("batches", lambda: _results(ask))),
    ("POST", "/xai/v1/batches/([^/]+):cancel", lambda ask: ask.manage("batches", lambda: _cancel(ask))),
)
"""xAI's."""
