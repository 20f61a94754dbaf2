"""What OpenAI has besides Chat Completions: Responses, kept ones too, files, batches, pictures, sound."""

from __future__ import annotations

from typing import Any

from ...data.http import Simulated
from ...data.json import as_list, decode_json
from ...drivers.mock.forms import json_reply
from .asking import Answered, Ask, RefusedError, Route
from .batches import OPENAI_BATCHES
from .bedrock_batches import BEDROCK_BATCHES
from .files import OPENAI_FILES
from .fireworks_batches import FIREWORKS_BATCHES
from .media import MEDIA
from .mistral_batches import MISTRAL_BATCHES
from .openrouter_batches import OPENROUTER_BATCHES
from .together_batches import TOGETHER_BATCHES
from .vertex_batches import VERTEX_BATCHES
from .xai_batches import XAI_BATCHES

__all__ = ["ROUTES"]

_KIND = "response"


def _respond(ask: Ask) -> Answered:
    """An answer; one in the background is queued, and is there at the next look."""
    body = ask.body()
    if body.get("background") is not True or body.get("stream") is True:
        return ask.chat()
    answered = ask.chat()
    if not isinstance(answered, Simulated) or answered.status != 200 or answered.end != "clean":
        return answered
    whole: dict[str, Any] = decode_json(b"".join(answered.chunks))
    ask.store.keep(_KIND, whole["id"], whole)
    queued = {**whole, "status": "queued", "completed_at": None, "output": [], "usage": None}
    return json_reply({**queued, "incomplete_details": None}, 0, headers=dict(answered.headers))


def _find(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] | None = ask.store.get(_KIND, ask.found[0])
    if found is None:
        raise RefusedError(f"Response with id '{ask.found[0]}' not found.", 404)
    return found


def _get_response(ask: Ask) -> Answered:
    return json_reply(_find(ask), 0)


def _delete_response(ask: Ask) -> Answered:
    _find(ask)
    ask.store.drop(_KIND, ask.found[0])
    return json_reply({"id": ask.found[0], "object": "response", "deleted": True}, 0)


def _cancel_response(ask: Ask) -> Answered:
    stopped = {**_find(ask), "status": "cancelled", "completed_at": None, "output": [], "usage": None}
    ask.store.keep(_KIND, ask.found[0], stopped)
    return json_reply(stopped, 0)


def _count(ask: Ask) -> Answered:
    body = ask.body()
    if not as_list(body.get("input")) and not isinstance(body.get("input"), str):
        raise RefusedError("there must be an input")
    return ask.count(body, lambda tokens: {"object": "response.input_tokens", "input_tokens": tokens})


ROUTES: tuple[Route, ...] = (
    *BEDROCK_BATCHES,
    *FIREWORKS_BATCHES,
    *OPENROUTER_BATCHES,
    *TOGETHER_BATCHES,
    *VERTEX_BATCHES,
    *XAI_BATCHES,
    ("POST", "/responses", _respond),
    ("POST", "/responses/input_tokens", _count),
    ("GET", "/responses/([^/]+)", _get_response),
    ("DELETE", "/responses/([^/]+)", _delete_response),
    ("POST", "/responses/([^/]+)/cancel", _cancel_response),
    *OPENAI_FILES,
    *OPENAI_BATCHES,
    *MISTRAL_BATCHES,
    *MEDIA,
)
"""The paths beside those of the mock driver itself."""
