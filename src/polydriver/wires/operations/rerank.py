"""Reranking, in the form that Cohere introduced and Jina, Together, vLLM and others share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, as_str
from ...operations.kinds import RERANK
from ...operations.requests import RerankRequest
from ...operations.results import RerankResponse, RerankResult
from .base import OperationHooks

__all__ = ["Reranking"]


class Reranking(OperationHooks, kw_only=True, eq=False):
    """Orders documents by relevance. `path`: where to post."""

    kinds = (RERANK,)
    own_fields: ClassVar[Mapping[str, str | None]] = {"top_n": "top_n"}
    path: str = "rerank"

    def build_rerank(self, request: RerankRequest) -> Request:
        """The request for a query and its documents."""
        body: dict[str, Any] = {"model": request.model, "query": request.query, "documents": request.documents}
        body = self.put_fields(body, request)
        return self.build_post(self.path, body, headers=request.extra_headers)

    def parse_rerank(self, reply: Reply, request: RerankRequest) -> RerankResponse:
        """The documents by relevance. An index that no document has is left out."""
        payload = self.decode_success(reply)
        items = payload.get("results", payload.get("data"))
        if not isinstance(items, list):
            raise self.invalid_response("it has no results", reply.body)
        results = []
        for item in map(as_dict, as_list(items)):
            index, score = as_int(item.get("index")), item.get("relevance_score", item.get("score"))
            if index is None or isinstance(score, bool) or not isinstance(score, int | float):
                raise self.invalid_response("a result lacks its index or its score", reply.body)
            if index < len(request.documents):
                results.append(RerankResult(index=index, score=float(score), document=request.documents[index]))
        results.sort(key=lambda result: -result.score)
        return RerankResponse(
            results=results,
            usage=self.parse_operation_usage(payload.get("usage")),
            model=as_str(payload.get("model")),
            id=as_str(payload.get("id")),
            raw=payload,
        )
