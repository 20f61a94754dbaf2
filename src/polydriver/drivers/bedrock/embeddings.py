"""Embeddings by InvokeModel, in the forms of their makers.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, `/model-parameters-embed`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from ...contract import OperationPart
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, merge
from ...data.usage import TokenUsage
from ...operations.kinds import EMBED
from ...operations.requests import EmbeddingInput, EmbeddingLimits, EmbeddingRequest
from ...operations.results import EmbeddingResponse
from ...wires.operations.vectors import check_texts, read_vectors

__all__ = ["InvokedEmbeddings"]

_COHERE = "cohere."
_COHERE_TYPES = {"query": "search_query", "document": "search_document"}
_NOVA_PURPOSES = {"query": "TEXT_RETRIEVAL", "document": "GENERIC_INDEX"}
_TOKENS_HEADER = "x-amzn-bedrock-input-token-count"


class InvokedEmbeddings(OperationPart, kw_only=True, eq=False):
    """Titan and Nova take one text in a request, Cohere 96."""

    kinds = (EMBED,)
    limits: Mapping[str, EmbeddingLimits] = msgspec.field(
        default_factory=lambda: {_COHERE: EmbeddingLimits(96), "": EmbeddingLimits(1)}
    )

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for the vectors of some texts, or of one."""
        check_texts(self, request)
        if request.user is not None:
            request.warn(f"{self.name} does not support user here; it was left out.")
        if _COHERE in request.model:
            body = self._cohere_body(request)
        elif "nova" in request.model:
            body = self._nova_body(request, request.input[0])
        else:
            body = self._titan_body(request, request.input[0])
        path = f"model/{quote(request.model, safe='')}/invoke"
        headers = {"accept": "application/json", **request.extra_headers}
        return self.build_post(path, merge({**body, **request.options}, request.extra), headers=headers)

    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse:
        """The vectors, one for each text."""
        payload = self.decode(reply)
        found = _cohere_vectors(payload) if _COHERE in request.model else [_vector(payload)]
        count = as_int(payload.get("inputTextTokenCount"))
        if count is None and (told := reply.headers.get(_TOKENS_HEADER, "")).isdecimal():
            count = int(told)
        reply.usage = TokenUsage(input_tokens=count) if count is not None else None
        return EmbeddingResponse(
            embeddings=read_vectors(self, found, len(request.input), reply),
            usage=reply.usage,
            raw=payload,
        )

    def _titan_body(self, request: EmbeddingRequest, text: EmbeddingInput) -> dict[str, Any]:
        if request.input_type is not None:
            request.warn(f"{request.model} does not support input_type; it was left out.")
        body: dict[str, Any] = {"inputText": text}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        return body

    def _nova_body(self, request: EmbeddingRequest, text: EmbeddingInput) -> dict[str, Any]:
        kind = request.input_type or "document"
        params: dict[str, Any] = {"embeddingPurpose": _NOVA_PURPOSES.get(kind, kind)}
        if request.dimensions is not None:
            params["embeddingDimension"] = request.dimensions
        params["text"] = {"truncationMode": "END", "value": text}
        return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params}

    def _cohere_body(self, request: EmbeddingRequest) -> dict[str, Any]:
        kind = request.input_type or "document"
        body: dict[str, Any] = {"texts": request.input, "input_type": _COHERE_TYPES.get(kind, kind)}
        if request.dimensions is not None:
            body["output_dimension"] = request.dimensions
        return body


def _cohere_vectors(payload: dict[str, Any]) -> list[Any]:
    """The list, which is under the name of its number type when types were asked for."""
    found = payload.get("embeddings")
    return as_list(found.get("float") if isinstance(found, dict) else found)


def _vector(payload: dict[str, Any]) -> Any:
    """Titan's vector, or the one of Nova's."""
    if (found := payload.get("embedding")) is not None:
        return found
    return next((as_dict(item).get("embedding") for item in as_list(payload.get("embeddings"))), None)
