"""JSON Schema: made from Python types, checked, and rewritten into what each provider accepts."""

from __future__ import annotations

from .adapting import adapt
from .docstrings import DocString, parse_docstring
from .strict import strict_schema
from .types import ReadError, TypeReader, reader_for, to_json_value
from .validation import find_problems
from .walk import (
    Schema,
    SchemaReferenceError,
    hoist_defs,
    inline_refs,
    map_subschemas,
    merge_root_ref,
    resolve_ref,
    subschemas,
    without_keywords,
    wrap_value,
)

__all__ = [
    "DocString",
    "ReadError",
    "Schema",
    "SchemaReferenceError",
    "TypeReader",
    "adapt",
    "find_problems",
    "hoist_defs",
    "inline_refs",
    "map_subschemas",
    "merge_root_ref",
    "parse_docstring",
    "reader_for",
    "resolve_ref",
    "strict_schema",
    "subschemas",
    "to_json_value",
    "without_keywords",
    "wrap_value",
]
