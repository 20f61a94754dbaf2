"""From keyword arguments, a dict, the environment and a file to one checked `Config`; always offline."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from .checking import DriverClass, check, key_variables
from .layers import Given, Layer, combine, environment_layer, mapping_layers, merge_tables
from .problems import Problems
from .secrets import looks_secret
from .values import Config

__all__ = ["ConnectionSettings", "read_config"]


class ConnectionSettings(dict[str, Any]):
    """The settings of one connection as they were written: a dict's merged over a file's; what a factory gets.

    `read_config` still tells the two apart, since the environment stands between them. What is changed in it
    counts as the dict's. `repr` shows the names only, since the values may be secret.
    """

    def __init__(self, given: Mapping[str, Any], file: Mapping[str, Any]) -> None:
        super().__init__(merge_tables(file, given))
        self._given = given
        self._file = file
        self._original = dict(self)

    def layers(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the dict says, and what the file says."""
        same = {key for key, value in self.items() if key in self._original and value == self._original[key]}
        changed = {key: value for key, value in self.items() if key not in same}
        given = {key: value for key, value in self._given.items() if key in same}
        return changed | given, {key: value for key, value in self._file.items() if key in same}

    def __repr__(self) -> str:
        return f"<ConnectionSettings {', '.join(map(str, self))}>"


def read_config(
    driver_class: DriverClass,
    values: Mapping[str, Any] | Config | None = None,
    *,
    name: str | None = None,
    env: Mapping[str, str] | None = None,
    **overrides: Any,
) -> Config:
    """The configuration of one connection: `overrides`, `values`, the environment, a file, then defaults.

    Tables (`headers`, `logging`, ...) are merged key by key. A text `env:NAME` stands for that variable and
    is as strong as the environment. What a file says comes in `ConnectionSettings`. `None` counts as not
    given, except for `deadline`, where it means none.

    A connection with a `name` other than its driver's reads variables under its own name (`WORK_API_KEY`);
    the driver's own count for it only if it has no key of its own, and are then weaker than the file, so that
    two accounts stay apart. `env` is `os.environ` by default.

    Raises `ConfigurationError` with all problems at once, each with its key and the fix.
    """
    name = name or _name_in(values) or driver_class.name
    env = os.environ if env is None else env
    problems = Problems(f"the configuration of {name!r}", provider=name)
    found = combine(_layers(driver_class, name, values, overrides, env, problems))
    for key, given in found.items():
        if key == "api_key" or looks_secret(key):
            problems.hide(given.value)
    config = check(driver_class, name, found, problems)
    problems.raise_if_any()
    return config


def _name_in(values: Mapping[str, Any] | Config | None) -> str | None:
    name = values.name if isinstance(values, Config) else values.get("name") if isinstance(values, Mapping) else None
    return name if isinstance(name, str) else None


def _layers(
    driver_class: DriverClass,
    name: str,
    values: Mapping[str, Any] | Config | None,
    overrides: Mapping[str, Any],
    env: Mapping[str, str],
    problems: Problems,
) -> list[Layer]:
    """Everything that was given, strongest first."""
    settings = driver_class.settings
    given, file = values.layers() if isinstance(values, ConnectionSettings) else (_as_mapping(values, problems), {})
    layers: list[Layer] = []
    for mapping in (overrides, given):
        layers += mapping_layers(mapping, settings, env, problems)
    references, plain = mapping_layers(file, settings, env, problems)
    usual = environment_layer(env, driver_class.env_prefix, settings, explicit=True)
    _take_key(usual, key_variables(driver_class), env)
    if name == driver_class.name:
        return [*layers, references, usual, plain]
    prefix = re.sub(r"\W+", "_", name).upper()
    own = environment_layer(env, prefix, settings, explicit=False)
    _take_key(own, (f"{prefix}_API_KEY",), env)
    layers += [references, own, plain]
    return layers if any("api_key" in layer for layer in layers) else [*layers, usual]


def _take_key(layer: Layer, variables: tuple[str, ...], env: Mapping[str, str]) -> None:
    for variable in variables:
        if key := env.get(variable, "").strip():
            layer["api_key"] = Given(key, variable)
            return


def _as_mapping(values: object, problems: Problems) -> Mapping[str, Any]:
    if values is None or isinstance(values, Mapping):
        return values or {}
    if isinstance(values, Config):
        given = {field: getattr(values, field) for field in values.__struct_fields__}
        secret = {text.reveal(): text for text in given.pop("other_secrets") if text}
        given["headers"] = {key: secret.get(text, text) for key, text in values.headers.items()}
        return {**values.settings, **{key: value for key, value in given.items() if key != "settings"}}
    problems.add("config", f"is not a dict of settings but {type(values).__name__}; write api_key=... for a key")
    return {}
