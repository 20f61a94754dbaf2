"""Errors in the form of gRPC's `google.rpc.Status`, which some services give for one item of many.

https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto (2026-11-27)
"""

from __future__ import annotations

from typing import Any

from ..data.json import as_int, as_str
from ..operations.results import BatchProblem

__all__ = ["as_http", "read_count", "read_problem"]

_RPC: tuple[tuple[str, int], ...] = (
    ("OK", 200), ("CANCELLED", 499), ("UNKNOWN", 500), ("INVALID_ARGUMENT", 400), ("DEADLINE_EXCEEDED", 504),
    ("NOT_FOUND", 404), ("ALREADY_EXISTS", 409), ("PERMISSION_DENIED", 403), ("RESOURCE_EXHAUSTED", 429),
    ("FAILED_PRECONDITION", 400), ("ABORTED", 409), ("OUT_OF_RANGE", 400), ("UNIMPLEMENTED", 501), ("INTERNAL", 500),
    ("UNAVAILABLE", 503), ("DATA_LOSS", 500), ("UNAUTHENTICATED", 401),
)  # fmt: skip
"""Word and HTTP status of each code, which is its place in this list."""


def as_http(failure: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """A status as it stands in the reply of a single request, and the HTTP status of that."""
    code = as_int(failure.get("code")) or 2
    if code >= len(_RPC):
        return failure, code if 400 <= code < 600 else 500
    word, status = _RPC[code]
    return {"status": word, **failure, "code": status}, status


def read_problem(failure: dict[str, Any]) -> BatchProblem:
    """Why a batch failed, from its status."""
    told, _ = as_http(failure)
    word = as_str(told.get("status"))
    return BatchProblem(message=as_str(told.get("message")) or word or "the batch failed", code=word)


def read_count(value: Any) -> int | None:
    """A number as Google's JSON writes 64 bits: in a text."""
    return int(value) if isinstance(value, str | int) and str(value).isdecimal() else None
