"""Cohere: chat, embeddings, reranking and models. https://docs.cohere.com/reference/about"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from ..data.cost import Cost
from ..data.http import Reply, Request
from ..data.json import as_dict, as_int, as_list, as_str
from ..data.models import AIModel, Capabilities
from ..data.usage import TokenUsage
from ..driver import Driver
from ..errors import ContentFilterError
from ..operations.kinds import EMBED
from ..operations.requests import EmbeddingLimits, EmbeddingRequest
from ..operations.results import EmbeddingResponse
from ..wires.cohere import CohereChat
from ..wires.operations import Reranking
from ..wires.operations.base import OperationHooks
from ..wires.operations.vectors import check_texts, is_vector, read_vectors
from .traits import CalculatesCosts, ErrorTable, HandlesApiCommunication, HandlesErrors, ValidatesHealth

__all__ = ["CohereDriver"]

_INPUT_TYPES = {"query": "search_query", "document": "search_document"}
_MODEL_TYPES = {"chat": "chat", "embed": "embedding", "rerank": "rerank"}


class CohereEmbeddings(OperationHooks, kw_only=True, eq=False):
    """Embeddings in Cohere's form, 96 texts in a request. https://docs.cohere.com/reference/embed"""

    kinds = (EMBED,)
    limits: Mapping[str, EmbeddingLimits] = msgspec.field(default_factory=lambda: {"": EmbeddingLimits(96)})
    own_fields: ClassVar[Mapping[str, str | None]] = {"dimensions": "output_dimension", "user": None}

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for some texts. `input_type` is "query", "document" (the default, as one is needed), or Cohere's
        own word: search_query, search_document, classification, clustering."""
        check_texts(self, request)
        kind = request.input_type or "document"
        body: dict[str, Any] = {
            "model": request.model,
            "texts": request.input,
            "input_type": _INPUT_TYPES.get(kind, kind),
            "embedding_types": ["float"],
        }
        body = self.put_fields(body, request)
        return self.build_post("v2/embed", body, headers=request.extra_headers)

    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse:
        """The vectors: floats when they were asked for, else the first other type of numbers. `raw` has all types."""
        payload = self.decode_success(reply)
        vectors = payload.get("embeddings")
        if isinstance(vectors, dict):
            vectors = vectors.get("float") or next((found for found in vectors.values() if _are_vectors(found)), None)
        if not isinstance(vectors, list):
            raise self.invalid_response("it has no list of embeddings", reply.body)
        billed = as_dict(as_dict(payload.get("meta")).get("billed_units"))
        tokens = as_int(billed.get("input_tokens"))
        return EmbeddingResponse(
            embeddings=read_vectors(self, vectors, len(request.input), reply, warn=request.warn),
            usage=TokenUsage(input_tokens=tokens, raw=billed) if tokens is not None else None,
            id=as_str(payload.get("id")),
            raw=payload,
        )


class CohereDriver(HandlesApiCommunication, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """Cohere, over version 2 of its API. https://docs.cohere.com/reference/chat

    Cohere counts the tokens of its own instructions but does not bill them: `TokenUsage` has what it counts, and costs
    are worked out from what it bills.
    """

    name = "cohere"
    title = "Cohere"
    base_url = "https://api.cohere.com"
    default_model = "command-a-03-2025"
    key_variables = ("CO_API_KEY", "COHERE_API_KEY")
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        supported_formats=("text", "image", "json"),
    )
    # 498: the request or the answer has a word on the deny list.
    errors = ErrorTable(branch="Cohere", statuses={498: ContentFilterError})
    wire = CohereChat()
    operations = (
        CohereEmbeddings(options={"embed": frozenset({"embedding_types", "max_tokens", "priority", "truncate"})}),
        Reranking(path="v2/rerank", options={"rerank": frozenset({"max_tokens_per_doc", "priority"})}),
    )
    models_path = "v1/models"
    path_roots = ("/v1", "/v2")

    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        """What this usage costs, by the tokens that Cohere bills for it; `None` when the price is unknown."""
        billed = as_dict(as_dict(usage.raw).get("billed_units")) if usage is not None else {}
        if usage is not None and billed:
            usage = TokenUsage(
                as_int(billed.get("input_tokens")),
                as_int(billed.get("output_tokens")),
                model=usage.model,
                raw=usage.raw,
            )
        return super().calculate_cost(usage, model)

    def models_request(self) -> Request:
        """The request for the first page of the model list."""
        return self.build_get(self.models_path, page_size=1000)

    def next_page(self, reply: Reply) -> Request | None:
        """The request for the page after this one; `None` at the last."""
        token = as_str(self.decode(reply).get("next_page_token"))
        return self.build_get(self.models_path, page_size=1000, page_token=token) if token else None

    def parse_models(self, reply: Reply) -> list[AIModel]:
        """The models on one page, or the one that stands alone in a reply of `GET models/NAME`."""
        payload = self.decode(reply)
        if "models" not in payload and as_str(payload.get("name")):
            return [self.parse_model(payload)]
        return super().parse_models(reply)

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the model list. What no endpoint or feature tells stays unknown."""
        endpoints = [name for name in as_list(item.get("endpoints")) if isinstance(name, str)]
        kinds = [kind for name, kind in _MODEL_TYPES.items() if name in endpoints]
        features = item.get("features")
        known = features if isinstance(features, list) else None
        is_chat = known is not None and "chat" in kinds
        deprecated = item.get("is_deprecated")
        return AIModel(
            id=as_str(item.get("name")) or item["id"],
            provider=self.name,
            type=kinds[0] if kinds else ("other" if endpoints else None),
            context_length=as_int(item.get("context_length")) or None,
            input_modalities=["text", "image"] if is_chat and "vision" in (known or ()) else None,
            supports_function_calling="tools" in (known or ()) if is_chat else None,
            supports_structured_output="json_schema" in (known or ()) if is_chat else None,
            supports_reasoning="reasoning" in (known or ()) if is_chat else None,
            deprecated=deprecated if isinstance(deprecated, bool) else None,
            raw=item,
        )


def _are_vectors(value: Any) -> bool:
    return isinstance(value, list) and all(is_vector(vector) for vector in value)
