"""Embeddings by `predict`. https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ...contract import OperationPart
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, merge
from ...data.usage import TokenUsage
from ...data.vectors import Vector
from ...operations.kinds import EMBED
from ...operations.requests import EmbeddingInput, EmbeddingRequest
from ...operations.results import EmbeddingResponse
from ...wires.generate_content.models import bare_id
from ...wires.generate_content.names import camel, with_camel_names
from ...wires.generate_content.operations import TASK_TYPES, check_input
from ...wires.operations.vectors import read_vectors

__all__ = ["PredictedEmbeddings"]

_BATCH = 250
_ONE_BY_ONE = ("gemini-embedding",)
_INSTANCE_OPTIONS = frozenset({"title"})


class PredictedEmbeddings(OperationPart, kw_only=True, eq=False):
    """Embeddings, 250 texts in a request, or one with models that take no more."""

    kinds = (EMBED,)

    def embeddings_flow(self, request: EmbeddingRequest) -> Generator[Request, Reply, EmbeddingResponse]:
        """Yield the requests that the vectors take, in order, and return them all."""
        check_input(self, request)
        size = 1 if bare_id(request.model).startswith(_ONE_BY_ONE) else _BATCH
        vectors: list[Vector] = []
        tokens: int | None = None
        raws = []
        for start in range(0, len(request.input), size):
            texts = request.input[start : start + size]
            reply = yield self._build_predict(request, texts)
            payload = with_camel_names(self.decode(reply))
            if payload.get("error"):
                raise self.map_payload(payload)
            found = [as_dict(as_dict(item).get("embeddings")) for item in as_list(payload.get("predictions"))]
            counts = [as_int(as_dict(item.get("statistics")).get("tokenCount")) for item in found]
            if (count := _sum(counts)) is not None:
                reply.usage = TokenUsage(input_tokens=count)
                tokens = (tokens or 0) + count
            vectors += read_vectors(self, [item.get("values") for item in found], len(texts), reply)
            raws.append(payload)
        usage = TokenUsage(input_tokens=tokens) if tokens is not None else None
        return EmbeddingResponse(embeddings=vectors, usage=usage, raw=raws[0] if len(raws) == 1 else raws)

    def _build_predict(self, request: EmbeddingRequest, texts: list[EmbeddingInput]) -> Request:
        instance: dict[str, Any] = {}
        parameters: dict[str, Any] = {}
        if request.input_type is not None:
            instance["task_type"] = TASK_TYPES.get(request.input_type, request.input_type)
        if request.dimensions is not None:
            parameters["outputDimensionality"] = request.dimensions
        for name, value in request.options.items():
            (instance if name in _INSTANCE_OPTIONS else parameters)[camel(name)] = value
        body: dict[str, Any] = {"instances": [{"content": text, **instance} for text in texts]}
        if parameters:
            body["parameters"] = parameters
        merge(body, request.extra)
        return self.build_post(f"{self.driver.model_path(request.model)}:predict", body, headers=request.extra_headers)


def _sum(counts: list[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
