"""ValidatesHealth: the model list, which is also the cheapest proof that the credentials work."""

from __future__ import annotations

from typing import Any

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, as_str, from_epoch
from ...data.models import AIModel
from .base import TraitBase

__all__ = ["ValidatesHealth"]

_CONTEXT_NAMES = (
    "context_length",
    "context_window",
    "max_model_len",
    "loaded_context_length",
    "max_context_length",
    "max_input_tokens",
)


class ValidatesHealth(TraitBase):
    """Lists models at `GET models` in OpenAI's form: `{"data": [{"id": ...}], "has_more": ...}` or a bare list."""

    models_path = "models"

    def models_request(self) -> Request:
        """The request for the first page of the model list."""
        return self.build_get(self.models_path)

    def next_page(self, reply: Reply) -> Request | None:
        """The request for the page after this one; `None` at the last."""
        payload = self.decode_any(reply)
        if isinstance(payload, dict) and payload.get("has_more") is True:
            last = as_str(payload.get("last_id"))
            items = as_list(payload.get("data"))
            if last is None and items and isinstance(items[-1], dict):
                last = as_str(items[-1].get("id"))
            if last:
                return self.build_get(self.models_path, after=last)
        return None

    def parse_models(self, reply: Reply) -> list[AIModel]:
        """The models on one page. Entries without an id are left out."""
        payload = self.decode_any(reply)
        if isinstance(payload, dict):
            if payload.get("error"):
                raise self.map_payload(payload)
            items = payload.get("data", payload.get("models"))
            if items is None and as_str(payload.get("id")):
                items = [payload]  # one record, as `GET models/{id}` answers
        else:
            items = payload
        if not isinstance(items, list):
            raise self.invalid_response("a list of models was expected", reply.body)
        return [
            self.parse_model(item)
            for item in items
            if isinstance(item, dict) and as_str(item.get("id") or item.get("name"))
        ]

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the model list."""
        return AIModel(
            id=as_str(item.get("id")) or item["name"],
            name=as_str(item.get("name")) or as_str(item.get("display_name")),
            provider=self.name,
            type=as_str(item.get("type")),
            context_length=_read_context_length(item),
            max_output_tokens=as_int(item.get("max_completion_tokens")),
            owned_by=as_str(item.get("owned_by")),
            created=from_epoch(item.get("created")),
            raw=item,
        )


def _read_context_length(item: dict[str, Any]) -> int | None:
    """How many tokens a model reads, as its record in a list tells it: hosts, gateways and local servers each have a
    name for it.

    vLLM and SGLang: `max_model_len`; llama.cpp: `meta.n_ctx`, the context that the server was started with; LM Studio:
    `loaded_context_length`; LiteLLM: `max_input_tokens`.
    """
    found = (as_int(item.get(name)) for name in _CONTEXT_NAMES)
    return next((length for length in (*found, as_int(as_dict(item.get("meta")).get("n_ctx"))) if length), None)
