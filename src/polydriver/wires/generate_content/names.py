"""Names of functions, and of fields: in camelCase as Google writes JSON, and in snake_case, which is as valid.

https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["camel", "clean_name", "with_camel_names"]

_FREE_FORM = frozenset({"args", "response", "partMetadata"})
"""Fields that hold the user's own objects, whose names are left alone."""

_MAX_DEPTH = 50
_LONGEST_NAME = 128
_NOT_IN_FUNCTIONS = re.compile(r"[^a-zA-Z0-9_.:-]")
_FIRST = re.compile(r"[a-zA-Z_]")
_UNDERSCORE = re.compile(r"(?<=[a-zA-Z0-9])_([a-z0-9])")


def camel(name: str) -> str:
    """`finish_reason` as `finishReason`."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name) if "_" in name else name


def with_camel_names(value: Any) -> Any:
    """The same JSON value with all field names in camelCase, except inside of function arguments and results.

    What is nested deeper than any message of the API is left as it is.
    """
    return _rename(value, _MAX_DEPTH)


def _rename(value: Any, depth: int) -> Any:
    if depth == 0:
        return value
    if isinstance(value, list):
        return [_rename(item, depth - 1) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {}
    for key, item in value.items():
        name = camel(key)
        renamed[name] = item if name in _FREE_FORM else _rename(item, depth - 1)
    return renamed


def clean_name(name: str) -> str:
    """The name of a function in the alphabet that the API takes: a letter or `_` first, 128 characters at most."""
    clean = _NOT_IN_FUNCTIONS.sub("_", name)
    return (clean if _FIRST.match(clean) else f"_{clean}")[:_LONGEST_NAME]
