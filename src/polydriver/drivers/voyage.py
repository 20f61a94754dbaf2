"""Voyage AI: embeddings and reranking; it has no chat. https://docs.voyageai.com/reference"""

from __future__ import annotations

from ..data.http import Request
from ..data.models import Capabilities
from ..driver import Driver
from ..operations.requests import EmbeddingLimits
from ..wires.operations import Embeddings, Reranking
from .traits import CalculatesCosts, ErrorTable, HandlesApiCommunication, HandlesErrors

__all__ = ["VoyageDriver"]

_LIMITS = {
    **dict.fromkeys(("voyage-4-lite", "voyage-3.5-lite"), EmbeddingLimits(1000, 1_000_000)),
    "voyage-4-large": EmbeddingLimits(1000, 120_000),
    **dict.fromkeys(("voyage-4", "voyage-3.5", "voyage-2"), EmbeddingLimits(1000, 320_000)),
    "": EmbeddingLimits(1000, 120_000),
}
"""https://docs.voyageai.com/docs/embeddings (2026-11-28)"""


class VoyageDriver(HandlesApiCommunication, HandlesErrors, CalculatesCosts, Driver):
    """Voyage AI. `input_type` of embeddings is "query" or "document"."""

    name = "voyage"
    title = "Voyage"
    base_url = "https://api.voyageai.com/v1"
    key_variables = ("VOYAGE_API_KEY",)
    capabilities = Capabilities(chat=False, supported_formats=())
    errors = ErrorTable(branch="Voyage")
    operations = (
        Embeddings(
            limits=_LIMITS,
            fields={"dimensions": "output_dimension", "input_type": "input_type", "user": None},
            options={"embed": frozenset({"encoding_format", "output_dtype", "truncation"})},
        ),
        Reranking(fields={"top_n": "top_k"}, options={"rerank": frozenset({"truncation"})}),
    )

    def probe_request(self) -> Request:
        """Embeddings of nothing: there is no model list to ask for."""
        return self.build_post("embeddings", {"input": [], "model": ""})
