"""JSON Schema: made from Python types, checked, and rewritten into what each provider accepts.

Names are loaded on first use: a wire that rewrites a schema needs nothing of what reads Python types.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapting import adapt as adapt
    from .docstrings import DocString as DocString
    from .docstrings import parse_docstring as parse_docstring
    from .numbers import plain_numbers as plain_numbers
    from .references import SchemaReferenceError as SchemaReferenceError
    from .references import check_refs as check_refs
    from .references import hoist_defs as hoist_defs
    from .references import inline_refs as inline_refs
    from .references import merge_root_ref as merge_root_ref
    from .references import resolve_ref as resolve_ref
    from .references import wrap_value as wrap_value
    from .strict import strict_schema as strict_schema
    from .types import ReadError as ReadError
    from .types import TypeReader as TypeReader
    from .types import reader_for as reader_for
    from .types import to_json_value as to_json_value
    from .validation import find_problems as find_problems
    from .walk import Schema as Schema
    from .walk import map_subschemas as map_subschemas
    from .walk import subschemas as subschemas
    from .walk import without_keywords as without_keywords

_HOMES = {
    "adapting": "adapt",
    "docstrings": "DocString parse_docstring",
    "numbers": "plain_numbers",
    "references": ("SchemaReferenceError check_refs hoist_defs inline_refs merge_root_ref resolve_ref wrap_value"),
    "strict": "strict_schema",
    "types": "ReadError TypeReader reader_for to_json_value",
    "validation": "find_problems",
    "walk": "Schema map_subschemas subschemas without_keywords",
}
_home_of = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_home_of)


def __getattr__(name: str) -> Any:
    home = _home_of.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
