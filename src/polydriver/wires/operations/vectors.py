"""Embeddings in any form: what requests share, and vectors out of replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...contract import Part
from ...data.http import Reply
from ...data.vectors import Vector
from ...operations.requests import EmbeddingRequest

__all__ = ["check_texts", "is_vector", "read_vectors"]

_NUMBERS = frozenset({float, int})


def check_texts(part: Part, request: EmbeddingRequest) -> None:
    """Raise `UnsupportedFeatureError` when an input is token ids, for APIs that take texts alone."""
    if not all(isinstance(text, str) for text in request.input):
        raise part.unsupported("embeddings of token ids; give texts")


def is_vector(value: Any) -> bool:
    """Whether a value is a list of numbers, at least one."""
    return isinstance(value, list) and bool(value) and _NUMBERS.issuperset(map(type, value))


def read_vectors(
    part: Part, found: list[Any], inputs: int, reply: Reply, *, warn: Callable[[str], None] | None = None
) -> list[Vector]:
    """The vectors, one for each of the `inputs`.

    Raises `InvalidResponseError` for anything else, and for fewer or more of them; with `warn`, more are kept and
    warned of.
    """
    if not all(isinstance(vector, Vector) or is_vector(vector) for vector in found):
        raise part.invalid_response("an embedding is not a list of numbers", reply.body)
    if len(found) != inputs:
        text = f"{inputs} inputs came back as {len(found)} embeddings"
        if len(found) < inputs or warn is None:
            raise part.invalid_response(text, reply.body)
        warn(text)
    return [vector if isinstance(vector, Vector) else Vector(vector) for vector in found]
