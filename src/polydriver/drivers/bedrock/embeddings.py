"""Embeddings by InvokeModel, in the forms of their makers.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, `/model-parameters-embed`
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import quote

from ...contract import OperationPart
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, merge
from ...data.usage import TokenUsage
from ...data.vectors import Vector
from ...operations.kinds import EMBED
from ...operations.requests import EmbeddingInput, EmbeddingRequest
from ...operations.results import EmbeddingResponse
from ...wires.operations.vectors import check_texts, read_vectors

__all__ = ["InvokedEmbeddings"]

_COHERE_BATCH = 96
_COHERE_TYPES = {"query": "search_query", "document": "search_document"}
_NOVA_PURPOSES = {"query": "TEXT_RETRIEVAL", "document": "GENERIC_INDEX"}
_TOKENS_HEADER = "x-amzn-bedrock-input-token-count"


class InvokedEmbeddings(OperationPart, kw_only=True, eq=False):
    """Titan and Nova take one text in a request, Cohere 96."""

    kinds = (EMBED,)

    def embeddings_flow(self, request: EmbeddingRequest) -> Generator[Request, Reply, EmbeddingResponse]:
        """Yield the requests that the vectors take, in order, and return them all."""
        check_texts(self, request)
        if request.user is not None:
            request.warn(f"{self.name} does not support user here; it was left out.")
        cohere = "cohere." in request.model
        size = _COHERE_BATCH if cohere else 1
        vectors: list[Vector] = []
        tokens: int | None = None
        raws = []
        for start in range(0, len(request.input), size):
            texts = request.input[start : start + size]
            reply = yield self._build_embedding(request, texts)
            payload = self.decode(reply)
            found = _cohere_vectors(payload) if cohere else [_vector(payload)]
            count = as_int(payload.get("inputTextTokenCount"))
            if count is None and (told := reply.headers.get(_TOKENS_HEADER, "")).isdecimal():
                count = int(told)
            if count is not None:
                reply.usage = TokenUsage(input_tokens=count)
                tokens = (tokens or 0) + count
            vectors += read_vectors(self, found, len(texts), reply)
            raws.append(payload)
        usage = TokenUsage(input_tokens=tokens) if tokens is not None else None
        return EmbeddingResponse(embeddings=vectors, usage=usage, raw=raws[0] if len(raws) == 1 else raws)

    def _build_embedding(self, request: EmbeddingRequest, texts: list[EmbeddingInput]) -> Request:
        if "cohere." in request.model:
            body = self._cohere_body(request, texts)
        elif "nova" in request.model:
            body = self._nova_body(request, texts[0])
        else:
            body = self._titan_body(request, texts[0])
        path = f"model/{quote(request.model, safe='')}/invoke"
        headers = {"accept": "application/json", **request.extra_headers}
        return self.build_post(path, merge({**body, **request.options}, request.extra), headers=headers)

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

    def _cohere_body(self, request: EmbeddingRequest, texts: list[EmbeddingInput]) -> dict[str, Any]:
        kind = request.input_type or "document"
        body: dict[str, Any] = {"texts": texts, "input_type": _COHERE_TYPES.get(kind, kind)}
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
