"""Voyage AI: embeddings and reranking; it has no chat. https://docs.voyageai.com/reference"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..data.http import Request
from ..data.models import Capabilities
from ..driver import Driver
from ..wires.operations import Embeddings, Reranking
from .traits import CalculatesCosts, ErrorTable, HandlesApiCommunication, HandlesErrors

__all__ = ["VoyageDriver"]


class VoyageDriver(Embeddings, Reranking, HandlesApiCommunication, HandlesErrors, CalculatesCosts, Driver):
    """Voyage AI. `input_type` of embeddings is "query" or "document"."""

    name = "voyage"
    title = "Voyage"
    base_url = "https://api.voyageai.com/v1"
    key_variables = ("VOYAGE_API_KEY",)
    capabilities = Capabilities(chat=False, supported_formats=())
    errors = ErrorTable(branch="Voyage")
    embedding_fields: ClassVar[dict[str, str | None]] = {
        "dimensions": "output_dimension",
        "input_type": "input_type",
        "user": None,
    }
    rerank_limit_field = "top_k"
    operation_options: ClassVar[Mapping[str, frozenset[str]]] = {
        "embed": frozenset({"encoding_format", "output_dtype", "truncation"}),
        "rerank": frozenset({"truncation"}),
    }

    def probe_request(self) -> Request:
        """Embeddings of nothing: there is no model list to ask for."""
        return self.build_post("embeddings", {"input": [], "model": ""})
