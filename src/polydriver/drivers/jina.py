"""Jina AI: embeddings and reranking. https://api.jina.ai/docs"""

from __future__ import annotations

import msgspec

from ..data.http import Request
from ..data.models import Capabilities
from ..driver import Driver
from ..operations.requests import EmbeddingLimits, EmbeddingRequest
from ..wires.operations import Embeddings, Reranking
from .traits import CalculatesCosts, ErrorTable, HandlesApiCommunication, HandlesErrors

__all__ = ["JinaDriver"]

_TASKS = {"query": "retrieval.query", "document": "retrieval.passage"}


class JinaEmbeddings(Embeddings, kw_only=True, eq=False):
    """Embeddings with Jina's words for what they are for."""

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for some texts."""
        task = _TASKS.get(request.input_type or "", request.input_type)
        return super().build_embeddings(msgspec.structs.replace(request, input_type=task))


class JinaDriver(HandlesApiCommunication, HandlesErrors, CalculatesCosts, Driver):
    """Jina AI. `input_type` of embeddings is "query", "document", or Jina's own word for the task."""

    name = "jina"
    title = "Jina"
    base_url = "https://api.jina.ai/v1"
    key_variables = ("JINA_API_KEY",)
    capabilities = Capabilities(chat=False, supported_formats=())
    errors = ErrorTable(branch="Jina")
    operations = (
        JinaEmbeddings(
            limits={"": EmbeddingLimits(2048)},
            fields={"input_type": "task", "user": None},
            options={"embed": frozenset({"embedding_type", "late_chunking", "normalized", "truncate"})},
        ),
        Reranking(options={"rerank": frozenset({"return_documents"})}),
    )

    def probe_request(self) -> Request:
        """Embeddings of nothing: there is no model list to ask for."""
        return self.build_post("embeddings", {"input": [], "model": ""})
