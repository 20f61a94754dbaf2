"""Jina AI: embeddings and reranking. https://api.jina.ai/docs"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from ..data.http import Request
from ..data.models import Capabilities
from ..driver import Driver
from ..operations.requests import EmbeddingRequest
from ..wires.operations import Embeddings, Reranking
from .traits import CalculatesCosts, ErrorTable, HandlesApiCommunication, HandlesErrors

__all__ = ["JinaDriver"]

_TASKS = {"query": "retrieval.query", "document": "retrieval.passage"}


class JinaDriver(Embeddings, Reranking, HandlesApiCommunication, HandlesErrors, CalculatesCosts, Driver):
    """Jina AI. `input_type` of embeddings is "query", "document", or Jina's own word for the task."""

    name = "jina"
    title = "Jina"
    base_url = "https://api.jina.ai/v1"
    key_variables = ("JINA_API_KEY",)
    capabilities = Capabilities(chat=False, supported_formats=())
    errors = ErrorTable(branch="Jina")
    embedding_fields: ClassVar[dict[str, str | None]] = {"dimensions": "dimensions", "input_type": "task", "user": None}
    operation_options: ClassVar[Mapping[str, frozenset[str]]] = {
        "embed": frozenset({"embedding_type", "late_chunking", "normalized", "truncate"}),
        "rerank": frozenset({"return_documents"}),
    }

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for some texts."""
        task = _TASKS.get(request.input_type or "", request.input_type)
        return super().build_embeddings(msgspec.structs.replace(request, input_type=task))

    def probe_request(self) -> Request:
        """Embeddings of nothing: there is no model list to ask for."""
        return self.build_post("embeddings", {"input": [], "model": ""})
