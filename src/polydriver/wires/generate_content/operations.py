"""Operations of Gemini models beyond chat: embeddings and token counts.

https://ai.google.dev/api/embeddings, https://ai.google.dev/api/tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...contract import OperationPart, Part
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, merge
from ...data.prompt import Prompt
from ...data.usage import TokenUsage
from ...operations.kinds import COUNT_TOKENS, EMBED
from ...operations.requests import EmbeddingLimits, EmbeddingRequest
from ...operations.results import EmbeddingResponse, TokenCount
from ..operations.vectors import check_texts, read_vectors
from .names import camel, with_camel_names
from .wire import GenerateContent

__all__ = ["TASK_TYPES", "ContentEmbeddings", "ContentTokenCounting", "check_input"]

TASK_TYPES = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}
"""The API's words for what an embedding will be used for."""


class ContentEmbeddings(OperationPart, kw_only=True, eq=False):
    """Embeddings by `batchEmbedContents`, which takes 100 texts. https://ai.google.dev/api/embeddings"""

    kinds = (EMBED,)
    limits: Mapping[str, EmbeddingLimits] = msgspec.field(default_factory=lambda: {"": EmbeddingLimits(100)})

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for the vectors of some texts."""
        check_input(self, request)
        path = self.driver.wire.model_path(request.model)
        common: dict[str, Any] = {"model": path}
        if request.input_type is not None:
            common["taskType"] = TASK_TYPES.get(request.input_type, request.input_type)
        if request.dimensions is not None:
            common["outputDimensionality"] = request.dimensions
        common.update({camel(name): value for name, value in request.options.items()})
        merge(common, request.extra)
        requests = [{**common, "content": {"parts": [{"text": text}]}} for text in request.input]
        return self.build_post(f"{path}:batchEmbedContents", {"requests": requests}, headers=request.extra_headers)

    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse:
        """The vectors, one for each text. Raises `InvalidResponseError` when there are fewer."""
        payload = as_dict(with_camel_names(self.decode(reply)))
        if payload.get("error"):
            raise self.map_payload(payload)
        found = payload.get("embeddings", [payload["embedding"]] if "embedding" in payload else None)
        values = [as_dict(item).get("values") for item in as_list(found)]
        vectors = read_vectors(self, values, len(request.input), reply, warn=request.warn)
        count = as_int(as_dict(payload.get("usageMetadata")).get("promptTokenCount"))
        usage = TokenUsage(input_tokens=count, raw=payload["usageMetadata"]) if count is not None else None
        return EmbeddingResponse(embeddings=vectors, usage=usage, raw=payload)


def check_input(part: Part, request: EmbeddingRequest) -> None:
    """Warn of what the API does not take. Raises `UnsupportedFeatureError` for token ids."""
    check_texts(part, request)
    if request.user is not None:
        request.warn(f"{part.name} does not support user; it was left out.")


class ContentTokenCounting(OperationPart, kw_only=True, eq=False):
    """Counts the tokens of a prompt, with its tools and its system instruction, by `countTokens`."""

    kinds = (COUNT_TOKENS,)

    def build_token_count(self, prompt: Prompt) -> Request:
        """The request for a prompt's number of tokens."""
        wire: GenerateContent = self.driver.wire
        path = wire.model_path(prompt.model)
        body = {"generateContentRequest": {"model": path, **wire.render_prompt(prompt)}}
        return self.build_post(f"{path}:countTokens", body, headers=prompt.extra_headers)

    def parse_token_count(self, reply: Reply, prompt: Prompt) -> TokenCount:
        """The number of tokens."""
        payload = as_dict(with_camel_names(self.decode(reply)))
        if payload.get("error"):
            raise self.map_payload(payload)
        count = as_int(payload.get("totalTokens"))
        if count is None:
            raise self.invalid_response("it has no totalTokens", reply.body)
        cached = as_int(payload.get("cachedContentTokenCount"))
        return TokenCount(input_tokens=count, cached_input_tokens=cached, raw=payload)
