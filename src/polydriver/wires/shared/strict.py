"""Asking a service to keep to a schema exactly, in the form that OpenAI's wires and their compatible services share."""

from __future__ import annotations

import re
from typing import Any

from ...schema import strict_schema

__all__ = ["clean_name", "render_strictly"]

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_MAX_NAME = 64


def render_strictly(schema: dict[str, Any], strict: bool | None) -> tuple[dict[str, Any], bool | None]:
    """The schema and the value of `strict` beside it.

    `True` and the schema in the strict subset, if that is wanted and can be said there; else the schema as it is.
    """
    if not strict:
        return schema, strict
    changed = strict_schema(schema)
    return (changed, True) if changed is not None else (schema, False)


def clean_name(name: str) -> str:
    """The name of a wanted form as services take it: letters, digits, `_` and `-`, 64 at most."""
    return _NOT_IN_NAMES.sub("_", name)[:_MAX_NAME] or "output"
