"""The places that settings come from, each brought into one flat form: key -> (value, where it was found).

Keys of nested sections are written with a dot: `logging.level`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from .fields import FIELDS, SECTIONS
from .problems import Problems
from .secrets import Secret
from .values import Setting

__all__ = ["Given", "Layer", "combine", "environment_layer", "mapping_layers", "merge_tables"]


class Given(NamedTuple):
    """A value, and the key or the variable that gave it."""

    value: Any
    source: str


Layer: TypeAlias = dict[str, Given]


# These variables are in milliseconds, for all who refer to them.
_IN_MILLISECONDS = ("retry_delay", "max_retry_delay")

# What users of other libraries write.
_NAMES_ELSEWHERE = {
    "model": "default_model",
    "max_retries": "retry_attempts",
    "retries": "retry_attempts",
    "url": "base_url",
    "endpoint": "base_url",
    "key": "api_key",
    "token": "api_key",
    "proxy": "http.proxy",
    "verify": "http.verify",
}
_LABELS = ("driver", "name")
_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


def environment_layer(env: Mapping[str, str], prefix: str, settings: Iterable[Setting], *, explicit: bool) -> Layer:
    """What the environment says: under `prefix` (none when it is empty), and for the names without one.

    `explicit` adds the variables that the driver's settings name themselves. Empty and blank variables count
    as unset.
    """
    layer: Layer = {}

    def take(key: str, variables: Iterable[str]) -> None:
        for variable in variables:
            if key not in layer and (text := env.get(variable, "").strip()):
                layer[key] = Given(_in_seconds(text, key), variable)

    for setting in settings:
        if explicit:
            take(setting.name, setting.variables)
        if prefix and not (explicit and setting.variables):
            take(setting.name, (f"{prefix}_{setting.name.upper()}",))
    for key, field in FIELDS.items():
        if field.variable:
            take(key, (field.variable,))
        elif prefix and field.suffix:
            take(key, (f"{prefix}_{field.suffix}",))
    return layer


def mapping_layers(
    values: Mapping[str, Any], settings: Iterable[Setting], env: Mapping[str, str], problems: Problems
) -> tuple[Layer, Layer]:
    """What a mapping says, as two layers: references to the environment (`env:NAME`), and plain values."""
    known = {*FIELDS, *(setting.name for setting in settings)}
    referred: Layer = {}
    direct: Layer = {}
    for key, value in _flatten(values, problems):
        if key in _LABELS:
            continue
        if key not in known:
            _report_unknown(key, known, problems)
        elif isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
            if (text := _variable(match[1], key, env, problems)) is not None:
                referred[key] = Given(_in_seconds(text, key) if _is_delay(match[1]) else text, match[1])
        elif value is not None or (key in FIELDS and FIELDS[key].nullable):
            direct[key] = Given(_resolved(value, key, env, problems), key)
    return referred, direct


def combine(layers: Sequence[Layer]) -> Layer:
    """All layers as one, the strongest given first; tables are merged key by key."""
    found: Layer = {}
    for layer in reversed(layers):
        for key, given in layer.items():
            below = found[key].value if key in found else None
            if isinstance(given.value, Mapping) and isinstance(below, Mapping):
                given = Given(merge_tables(below, given.value), given.source)
            found[key] = given
    return found


def merge_tables(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """A dict of both; where both have a dict, they are merged in turn."""
    merged = dict(weaker)
    for key, value in stronger.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = merge_tables(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _resolved(value: Any, key: str, env: Mapping[str, str], problems: Problems) -> Any:
    """`value` with every text `env:NAME` in it replaced by the variable's value, a `Secret` in headers."""
    if isinstance(value, Mapping):
        return {name: _resolved(item, f"{key}.{name}", env, problems) for name, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, key, env, problems) for item in value]
    if isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
        text = _variable(match[1], key, env, problems)
        return Secret(text) if text and key.startswith("headers.") else text
    return value


def _flatten(values: Mapping[Any, Any], problems: Problems) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if not isinstance(key, str):
            problems.add(problems.shown(key), "is not the name of a setting; use text")
        elif key not in SECTIONS:
            yield key, value
        elif value is None:
            continue
        elif isinstance(value, msgspec.Struct):
            yield from ((f"{key}.{name}", getattr(value, name)) for name in value.__struct_fields__)
        elif isinstance(value, Mapping):
            yield from ((f"{key}.{name}", item) for name, item in value.items())
        else:
            problems.add(key, f"is not a table (dict) but {type(value).__name__}")


def _report_unknown(key: str, known: set[str], problems: Problems) -> None:
    from ..data.prompt import Prompt

    hint = None
    if meant := _NAMES_ELSEWHERE.get(key):
        hint = f"did you mean {meant!r}?"
    elif key in Prompt.__struct_fields__:
        hint = 'it is an option of calls: put it into "options"'
    problems.unknown(key, known, hint)


def _variable(variable: str, key: str, env: Mapping[str, str], problems: Problems) -> str | None:
    text = env.get(variable, "").strip()
    if not text:
        problems.add(
            key,
            f"refers to the environment variable {variable}, which is not set; set it or remove the setting",
        )
    return text or None


def _is_delay(variable: str) -> bool:
    return variable.endswith("RETRY_DELAY")


def _in_seconds(text: str, key: str) -> str | float:
    """Delays come from variables in milliseconds; what is not a number stays, to be reported as it is."""
    if key not in _IN_MILLISECONDS:
        return text
    try:
        return float(text) / 1000
    except ValueError:
        return text
