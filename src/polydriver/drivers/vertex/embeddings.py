"""Embeddings by `predict`. https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...contract import OperationPart
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, merge
from ...data.usage import TokenUsage
from ...operations.kinds import EMBED
from ...operations.requests import EmbeddingLimits, EmbeddingRequest
from ...operations.results import EmbeddingResponse
from ...wires.generate_content.names import camel, with_camel_names
from ...wires.generate_content.operations import TASK_TYPES, check_input
from ...wires.operations.vectors import read_vectors

__all__ = ["PredictedEmbeddings"]

_INSTANCE_OPTIONS = frozenset({"title"})


class PredictedEmbeddings(OperationPart, kw_only=True, eq=False):
    """Embeddings, 250 texts of 20,000 tokens in all in a request, or one text with models that take no more.

    https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings
    """

    kinds = (EMBED,)
    limits: Mapping[str, EmbeddingLimits] = msgspec.field(
        default_factory=lambda: {"gemini-embedding": EmbeddingLimits(1), "": EmbeddingLimits(250, 20_000)}
    )

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for the vectors of some texts."""
        check_input(self, request)
        instance: dict[str, Any] = {}
        parameters: dict[str, Any] = {}
        if request.input_type is not None:
            instance["task_type"] = TASK_TYPES.get(request.input_type, request.input_type)
        if request.dimensions is not None:
            parameters["outputDimensionality"] = request.dimensions
        for name, value in request.options.items():
            (instance if name in _INSTANCE_OPTIONS else parameters)[camel(name)] = value
        body: dict[str, Any] = {"instances": [{"content": text, **instance} for text in request.input]}
        if parameters:
            body["parameters"] = parameters
        merge(body, request.extra)
        return self.build_post(f"{self.driver.model_path(request.model)}:predict", body, headers=request.extra_headers)

    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse:
        """The vectors, one for each text."""
        payload = with_camel_names(self.decode(reply))
        if payload.get("error"):
            raise self.map_payload(payload)
        found = [as_dict(as_dict(item).get("embeddings")) for item in as_list(payload.get("predictions"))]
        count = _sum([as_int(as_dict(item.get("statistics")).get("tokenCount")) for item in found])
        reply.usage = TokenUsage(input_tokens=count) if count is not None else None
        return EmbeddingResponse(
            embeddings=read_vectors(self, [item.get("values") for item in found], len(request.input), reply),
            usage=reply.usage,
            raw=payload,
        )


def _sum(counts: list[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
