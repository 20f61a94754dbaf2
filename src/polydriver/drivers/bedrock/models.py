"""Bedrock's lists: the makers' models, then the inference profiles through which many of them are called.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html and `API_ListInferenceProfiles`
"""

from __future__ import annotations

from typing import Any

from ...data.http import Reply, Request
from ...data.json import as_dict, as_list, as_str
from ...data.models import AIModel
from ..traits.base import TraitBase

__all__ = ["ListsBedrockModels"]

_MODELS, _PROFILES = "modelSummaries", "inferenceProfileSummaries"
_PAGE = 1000
_TYPES = {"TEXT": "chat", "EMBEDDING": "embedding", "IMAGE": "image", "SPEECH": "audio", "VIDEO": "other"}


class ListsBedrockModels(TraitBase):
    """Lists models in one page, and profiles in pages behind it."""

    def models_request(self) -> Request:
        """The request for the models of the region."""
        return self.build_get("foundation-models")

    def next_page(self, reply: Reply) -> Request | None:
        """The request for the first or next page of profiles; `None` at the last."""
        payload = self.decode(reply)
        if _MODELS in payload:
            return self.build_get("inference-profiles", maxResults=_PAGE)
        token = as_str(payload.get("nextToken"))
        return self.build_get("inference-profiles", maxResults=_PAGE, nextToken=token) if token else None

    def parse_models(self, reply: Reply) -> list[AIModel]:
        """The models or the profiles on one page. Entries without an id are left out."""
        payload = self.decode(reply)
        items = payload.get(_MODELS, payload.get(_PROFILES))
        if not isinstance(items, list):
            raise self.invalid_response("a list of models was expected", reply.body)
        parse = self._parse_model if _MODELS in payload else self._parse_profile
        return [model for item in items if isinstance(item, dict) and (model := parse(item))]

    def _parse_model(self, item: dict[str, Any]) -> AIModel | None:
        model_id = as_str(item.get("modelId"))
        if model_id is None:
            return None
        inputs, outputs = (_words(item.get(name)) for name in ("inputModalities", "outputModalities"))
        status = as_str(as_dict(item.get("modelLifecycle")).get("status"))
        return AIModel(
            id=model_id,
            name=as_str(item.get("modelName")),
            provider=self.name,
            type=next((_TYPES.get(word, "other") for word in outputs), None),
            input_modalities=[word.lower() for word in inputs] or None,
            output_modalities=[word.lower() for word in outputs] or None,
            owned_by=as_str(item.get("providerName")),
            deprecated=status == "LEGACY" if status else None,
            raw=item,
        )

    def _parse_profile(self, item: dict[str, Any]) -> AIModel | None:
        profile_id = as_str(item.get("inferenceProfileId"))
        if profile_id is None:
            return None
        return AIModel(id=profile_id, name=as_str(item.get("inferenceProfileName")), provider=self.name, raw=item)


def _words(value: Any) -> list[str]:
    return [word for word in as_list(value) if isinstance(word, str)]
