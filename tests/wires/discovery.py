"""Google's discovery documents, read as JSON schemas. https://developers.google.com/discovery/v1/reference/apis"""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from tests.wires.specs import load_spec

__all__ = ["GEMINI", "validate_message"]

GEMINI = "google/generativelanguage-v1beta.discovery.json"


@cache
def _validator(document: str, name: str) -> Draft202012Validator:
    schemas = load_spec(document)["schemas"]
    return Draft202012Validator(
        {"$ref": f"#/$defs/{name}", "$defs": {key: _convert(schema) for key, schema in schemas.items()}}
    )


def _convert(schema: dict[str, Any]) -> dict[str, Any]:
    """One schema: unknown fields are refused, as Google refuses them; 64-bit integers may be text."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind = schema.get("type")
    if kind == "array":
        return {"type": "array", "items": _convert(schema["items"])}
    if kind == "object":
        properties = {key: _convert(value) for key, value in schema.get("properties", {}).items()}
        others = schema.get("additionalProperties")
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": _convert(others) if others else False,
        }
    if kind == "any":
        return {}
    if kind == "string" and schema.get("format") in ("int64", "uint64"):
        return {"type": ["string", "integer"]}
    return {"type": kind, **({"enum": schema["enum"]} if "enum" in schema else {})}


def validate_message(document: str, name: str, body: Any) -> None:
    """Raise `AssertionError` when the body is not a message of that name in the document; skip without one."""
    error = best_match(_validator(document, name).iter_errors(body))
    if error is not None:
        at = "/".join(str(step) for step in error.absolute_path) or "the root"
        raise AssertionError(f"not a {name}, at {at}: {error.message[:500]}")
