"""OpenRouter's batches, at `/api/v1`: prompts and results inside, all done at the first look.

https://openrouter.ai/docs/api/api-reference/batch/get-a-batch
"""

from __future__ import annotations

from typing import Any

from ...data.json import as_dict, as_list
from ...drivers.mock.forms import CREATED
from .asking import Ask, RefusedError, Route
from .batches import answer_line
from .paging import page

__all__ = ["OPENROUTER_BATCHES"]

_KIND = "openrouter batch"


def _create(ask: Ask) -> dict[str, Any]:
    given = ask.json()
    prompts = [as_dict(entry) for entry in as_list(given.get("requests"))]
    if not prompts or list(given)[-1] != "requests" or not isinstance(given.get("model"), str):
        raise RefusedError("endpoint, model and, behind all others, requests are needed")
    results: list[dict[str, Any]] = []
    tokens = 0
    for number, entry in enumerate(prompts, 1):
        asked = {"model": given["model"], **as_dict(entry.get("body"))}
        status, body = answer_line(ask, f"/api{given.get('endpoint')}", asked)
        tokens += as_dict(body.get("usage")).get("total_tokens", 0)
        response = {"status_code": status, "request_id": f"gen-{number}", "body": body}
        error = body.get("error") if status >= 400 else None
        told = {"response": None if error else response, "error": error}
        results.append({"id": f"batch_req_{number}", "custom_id": entry.get("custom_id"), **told})
    failed = sum(result["error"] is not None for result in results)
    batch: dict[str, Any] = {
        "id": ask.store.new_id("batch_"),
        "object": "batch",
        "endpoint": given.get("endpoint"),
        "model": given["model"],
        "completion_window": "24h",
        "status": "completed",
        "created_at": CREATED,
        "expires_at": CREATED + 86400,
        "finalized_at": CREATED,
        "error": None,
        "provider": "Mock",
        "request_counts": {"total": len(results), "completed": len(results) - failed, "failed": failed},
        "usage": {"total_tokens": tokens, "cost": tokens * 1e-6},
        "results": results,
    }
    ask.store.keep(_KIND, batch["id"], batch)
    counts = {"total": len(results), "completed": 0, "failed": 0}
    return {**batch, "status": "validating", "results": None, "usage": None, "request_counts": counts}


def _find(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_KIND, ask.found[0])
    if found is None:
        raise RefusedError(f"Batch {ask.found[0]} not found", 404)
    return found


def _list(ask: Ask) -> dict[str, Any]:
    items = [{**batch, "results": None} for batch in ask.store.newest(_KIND)]
    return {"object": "list", **page(ask, items, "after")}


OPENROUTER_BATCHES: tuple[Route, ...] = (
    ("POST", "/api/v1/batches", lambda ask: ask.manage("batches", lambda: _create(ask))),
    ("GET", "/api/v1/batches", lambda ask: ask.manage("batches", lambda: _list(ask))),
    ("GET", "/api/v1/batches/([^/]+)", lambda ask: ask.manage("batches", lambda: _find(ask))),
)
"""OpenRouter's."""
