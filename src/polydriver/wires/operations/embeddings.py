"""Embeddings in OpenAI's form. https://platform.openai.com/docs/api-reference/embeddings"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...data.http import Reply, Request
from ...data.json import as_int, as_str
from ...data.vectors import Vector
from ...operations.kinds import EMBED
from ...operations.requests import EmbeddingRequest
from ...operations.results import EmbeddingResponse
from .base import OperationHooks
from .vectors import read_vectors

__all__ = ["Embeddings"]


class Embeddings(OperationHooks, kw_only=True, eq=False):
    """Turns texts into vectors.

    - `path`: where to post; `base64`: whether to ask for vectors in base64, which are quicker to read.
    """

    kinds = (EMBED,)
    own_fields: ClassVar[Mapping[str, str | None]] = {"dimensions": "dimensions", "input_type": None, "user": "user"}
    path: str = "embeddings"
    base64: bool = False

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for some texts."""
        body: dict[str, Any] = {"model": request.model, "input": request.input}
        if self.base64:
            body["encoding_format"] = "base64"
        body = self.put_fields(body, request)
        return self.build_post(self.path, body, headers=request.extra_headers)

    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse:
        """The vectors, brought into the order of the inputs."""
        payload = self.decode_success(reply)
        reply.usage = self.parse_operation_usage(payload.get("usage"))
        items = payload.get("data")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.invalid_response("it has no list of embeddings", reply.body)
        indexes = [as_int(item.get("index")) for item in items]
        if sorted(index for index in indexes if index is not None) == list(range(len(items))):
            items.sort(key=lambda item: item["index"])
        found = [self._numbers(item.get("embedding")) for item in items]
        return EmbeddingResponse(
            embeddings=read_vectors(self, found, len(request.input), reply, warn=request.warn),
            usage=reply.usage,
            cost=self.read_reported_cost(payload.get("usage")),
            model=as_str(payload.get("model")),
            id=as_str(payload.get("id")),
            raw={name: value for name, value in payload.items() if name != "data"},
        )

    def _numbers(self, value: Any) -> Any:
        """The list of numbers, where it is base64 of little-endian 32-bit floats or one of several types."""
        if isinstance(value, str):
            return self._read_base64(value)
        return value.get("float") if isinstance(value, dict) else value

    def _read_base64(self, value: str) -> Vector | None:
        try:
            return Vector.from_base64(value) or None
        except ValueError as error:
            raise self.invalid_response(f"an embedding is not base64 of floats: {error}") from None
