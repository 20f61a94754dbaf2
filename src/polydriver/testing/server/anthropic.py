"""What Anthropic has: messages, token counts, batches, files, models."""

from __future__ import annotations

from typing import Any

from ...drivers.mock.forms import json_reply
from .asking import CREATED_AT, Answered, Ask, RefusedError, Route
from .batches import ANTHROPIC_BATCHES
from .files import ANTHROPIC_FILES

__all__ = ["ROUTES"]


def _write_model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": CREATED_AT}


def _list_models(ask: Ask) -> Answered:
    names = ask.service.models
    data = [_write_model(name) for name in names]
    return json_reply({"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}, 0)


def _get_model(ask: Ask) -> Answered:
    if ask.found[0] not in ask.service.models:
        raise RefusedError(f"model: {ask.found[0]}", 404)
    return json_reply(_write_model(ask.found[0]), 0)


ROUTES: tuple[Route, ...] = (
    ("POST", "/messages", Ask.chat),
    ("POST", "/messages/count_tokens", lambda ask: ask.count(ask.body(), lambda tokens: {"input_tokens": tokens})),
    *ANTHROPIC_BATCHES,
    *ANTHROPIC_FILES,
    ("GET", "/models", _list_models),
    ("GET", "/models/([^/]+)", _get_model),
)
"""The paths of Anthropic's API."""
