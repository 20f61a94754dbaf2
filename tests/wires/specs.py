"""Validating request bodies against the machine-readable descriptions of the providers' APIs.

The descriptions lie beside the recorded traffic, outside the repository: in `../shared/specs`, or in `specs` next to
the folder that POLYDRIVER_WIRE names. Tests skip where they are absent.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

__all__ = ["load_spec", "validate_request"]

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@cache
def load_spec(name: str) -> dict[str, Any]:
    """Return a description by its path in the folder, such as "openai/openapi.yaml"; read once. Skips without it."""
    configured = os.environ.get("POLYDRIVER_WIRE")
    path = (Path(configured).parent if configured else REPOSITORY.parent / "shared") / "specs" / name
    if not path.is_file():
        pytest.skip(f"no description of the API at {path}")
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("{"):
        loaded = json.loads(text)
    else:
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    loosened = _loosen(loaded)
    assert isinstance(loosened, dict)
    return loosened


def _loosen(node: Any) -> Any:
    """Read `oneOf` as `anyOf`, since the descriptions' alternatives overlap, and OpenAPI 3.0's `nullable`."""
    if isinstance(node, list):
        return [_loosen(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    changed = {key: _loosen(value) for key, value in node.items()}
    if isinstance(choices := changed.pop("oneOf", None), list):
        changed["allOf"] = [*changed.get("allOf", []), {"anyOf": choices}]
    if changed.get("nullable") is not True:  # it may also be the name of a property, which is left alone
        return changed
    del changed["nullable"]
    return {"anyOf": [changed, {"type": "null"}]}


@cache
def _validator(name: str, schema: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": load_spec(name)["components"]})


def validate_request(name: str, schema: str, body: Any) -> None:
    """Raise `AssertionError` when the body is not what the schema of that name in the description asks for."""
    error = best_match(_validator(name, schema).iter_errors(body))
    if error is not None:
        at = "/".join(str(step) for step in error.absolute_path) or "the root"
        raise AssertionError(f"not a {schema}, at {at}: {error.message[:500]}")
