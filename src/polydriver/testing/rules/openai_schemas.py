"""What OpenAI takes as a strict schema, on Chat Completions and on Responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .base import RuleBook, SentRequest
from .schemas import is_object, object_depth, resolve, walk

__all__ = ["add_strict_rules"]

Finder = Callable[[SentRequest], Iterable[tuple[str, Mapping[str, Any]]]]
SchemaCheck = Callable[[Mapping[str, Any]], Iterable[str]]

GUIDE = "https://platform.openai.com/docs/guides/structured-outputs#supported-schemas"
DOCKER = "https://github.com/docker/docker-agent/pull/4155"
PYDANTIC = "https://github.com/pydantic/pydantic-ai"

MAX_PROPERTIES = 5000
MAX_DEPTH = 10
MAX_ENUM_VALUES = 1000
LONG_ENUM = 250
MAX_LONG_ENUM = 15_000
MAX_CHARACTERS = 120_000
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
UNSUPPORTED = ("allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else")
NOT_PERMITTED = (
    "patternProperties",
    "propertyNames",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "minLength",
    "maxLength",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
)

_CHECKS: list[tuple[str, str, str, bool, SchemaCheck]] = []


def add_strict_rules(book: RuleBook, finder: Finder) -> None:
    """Add the rules of strict schemas to a wire; `finder` gives the strict schemas of a request and their places."""
    for rule_id, reason, source, documented, check in _CHECKS:
        book.rule(rule_id, reason, source, documented=documented)(_on_all(finder, check))


def _on_all(finder: Finder, check: SchemaCheck) -> Callable[[SentRequest], Iterator[str]]:
    def run(sent: SentRequest) -> Iterator[str]:
        for place, schema in finder(sent):
            for found in check(schema):
                yield f"{place}{found}"

    return run


def _strict(
    name: str, reason: str, source: str = GUIDE, *, documented: bool = True
) -> Callable[[SchemaCheck], SchemaCheck]:
    def add(check: SchemaCheck) -> SchemaCheck:
        _CHECKS.append((f"openai.strict.{name}", reason, source, documented, check))
        return check

    return add


@_strict("root-object", "the root of a strict schema must be an object")
def _root_object(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("type") != "object":
        yield ""


@_strict("root-any-of", "the root of a strict schema must not be anyOf")
def _root_any_of(schema: Mapping[str, Any]) -> Iterator[str]:
    if "anyOf" in schema:
        yield ""


@_strict("additional-properties", "additionalProperties: false must be set on every object of a strict schema")
def _closed(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, node in walk(schema):
        if is_object(node) and node.get("additionalProperties") is not False:
            yield place


@_strict("all-required", "all fields of a strict schema must be required")
def _required(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, node in walk(schema):
        names, required = node.get("properties"), node.get("required")
        if isinstance(names, Mapping):
            known = required if isinstance(required, list) else []
            yield from (f"{place}/properties/{name}" for name in names if name not in known)


@_strict("required-known", "required names a property that a strict schema does not have", PYDANTIC, documented=False)
def _known(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, node in walk(schema):
        required, names = node.get("required"), node.get("properties") or {}
        if isinstance(required, list):
            yield from (f"{place}/required/{name}" for name in required if name not in names)


@_strict("keywords", f"{', '.join(UNSUPPORTED)} are not supported in strict schemas")
def _unsupported(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from _keywords(schema, UNSUPPORTED)


@_strict("one-of", "'oneOf' is not permitted in a strict schema", DOCKER, documented=False)
def _one_of(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from _keywords(schema, ("oneOf",))


@_strict(
    "not-permitted", f"{', '.join(NOT_PERMITTED)} are not permitted in a strict schema", PYDANTIC, documented=False
)
def _not_permitted(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from _keywords(schema, NOT_PERMITTED)


@_strict("lone-reference", "$ref cannot have other keywords beside it in a strict schema", DOCKER, documented=False)
def _lone(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, node in walk(schema):
        if "$ref" in node and set(node) - {"$ref", "$defs", "definitions"}:
            yield place


@_strict("reference-known", "a reference of a strict schema leads nowhere", GUIDE)
def _resolved(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, node in walk(schema):
        if "$ref" in node and resolve(schema, node["$ref"]) is None:
            yield place


@_strict("items", "array schema missing items", PYDANTIC, documented=False)
def _items(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, node in walk(schema):
        kind = node.get("type")
        if (kind == "array" or (isinstance(kind, list) and "array" in kind)) and not isinstance(
            node.get("items"), Mapping
        ):
            yield place


@_strict("type", "a schema inside a strict schema must have a type", PYDANTIC, documented=False)
def _typed(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, node in walk(schema):
        if not {"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const"} & set(node) and "/not" not in place:
            yield place


@_strict("format", f"the formats of a strict schema are {', '.join(sorted(FORMATS))}")
def _format(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, node in walk(schema):
        if isinstance(node.get("format"), str) and node["format"] not in FORMATS:
            yield f"{place}/format"


@_strict("properties", f"a strict schema has at most {MAX_PROPERTIES} properties")
def _size(schema: Mapping[str, Any]) -> Iterator[str]:
    if sum(len(node.get("properties") or {}) for _, node in walk(schema)) > MAX_PROPERTIES:
        yield ""


@_strict("depth", f"a strict schema has at most {MAX_DEPTH} levels of nesting")
def _depth(schema: Mapping[str, Any]) -> Iterator[str]:
    if object_depth(schema) > MAX_DEPTH:
        yield ""


@_strict("enum-values", f"a strict schema has at most {MAX_ENUM_VALUES} enum values")
def _enum_values(schema: Mapping[str, Any]) -> Iterator[str]:
    if sum(len(values) for _, values in _enums(schema)) > MAX_ENUM_VALUES:
        yield ""


@_strict("long-enum", f"an enum of more than {LONG_ENUM} strings may have {MAX_LONG_ENUM} characters at most")
def _long_enum(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, values in _enums(schema):
        if len(values) > LONG_ENUM and sum(len(value) for value in values if isinstance(value, str)) > MAX_LONG_ENUM:
            yield f"{place}/enum"


@_strict("characters", f"names, enum and const values of a strict schema may have {MAX_CHARACTERS} characters at most")
def _characters(schema: Mapping[str, Any]) -> Iterator[str]:
    total = 0
    for _, node in walk(schema):
        for key in ("properties", "$defs", "definitions"):
            total += sum(map(len, node.get(key) or {}))
        values = [*(node.get("enum") or ()), node.get("const")]
        total += sum(len(value) for value in values if isinstance(value, str))
    if total > MAX_CHARACTERS:
        yield ""


def _enums(schema: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for place, node in walk(schema):
        if isinstance(values := node.get("enum"), list):
            yield place, values


def _keywords(schema: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for place, node in walk(schema):
        yield from (f"{place}/{name}" for name in names if name in node)
