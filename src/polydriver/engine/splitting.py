"""Texts to embed in as many requests as a service needs for them, and one result of all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import msgspec

from ..contract import DriverHooks, OperationPart
from ..operations.requests import EmbeddingInput, EmbeddingRequest
from ..operations.results import EmbeddingResponse

__all__ = ["join", "split"]

_BYTES_PER_TOKEN = 3  # fewer than usual, since a request that is too large is refused


def split(part: OperationPart | DriverHooks, request: EmbeddingRequest) -> list[EmbeddingRequest]:
    """The request, or several for as many inputs as the service takes at once, in order."""
    limits = part.embedding_limits(request.model)
    most, most_tokens = limits.inputs, limits.tokens
    if (most is None or len(request.input) <= most) and most_tokens is None:
        return [request]
    pieces: list[list[EmbeddingInput]] = [[]]
    tokens = 0
    for text in request.input:
        size = _tokens(text)
        too_many = most is not None and len(pieces[-1]) == most
        if pieces[-1] and (too_many or (most_tokens is not None and tokens + size > most_tokens)):
            pieces.append([])
            tokens = 0
        pieces[-1].append(text)
        tokens += size
    if len(pieces) == 1:
        return [request]
    return [msgspec.structs.replace(request, input=piece) for piece in pieces]


def join(results: Sequence[EmbeddingResponse]) -> EmbeddingResponse:
    """All vectors in order, with all that was used and paid; of ids and models the first."""
    first = results[0]
    usages = [result.usage for result in results if result.usage is not None]
    costs = [result.cost for result in results if result.cost is not None]
    return msgspec.structs.replace(
        first,
        embeddings=[vector for result in results for vector in result.embeddings],
        usage=reduce(add, usages) if usages else None,
        cost=reduce(add, costs) if len(costs) == len(results) else None,
        raw=[result.raw for result in results],
        warnings=list(dict.fromkeys(warning for result in results for warning in result.warnings)),
    )


def _tokens(text: EmbeddingInput) -> int:
    """About how many tokens an input has; of token ids exactly."""
    return len(text) if isinstance(text, list) else len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN + 1
