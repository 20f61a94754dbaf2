"""The settings of storage, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from .kinds import KINDS
from .problems import Problems

__all__ = ["StorageConfig", "read_storage"]

_CHOICES = {"ledger": ("durable", "write-behind", "off"), "on_failure": ("allow", "refuse")}
_KINDS = {
    "url": "str",
    "upgrade": "bool",
    "conversations": "bool",
    "patience": "timeout",
    "window": "seconds",
    "capacity": "count",
}
_VARIABLE = "AI_STORAGE_URL"


class StorageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in a database, and how. Nothing is without a `url`.

    - `url`: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`.
    - `ledger`: whether and how calls, attempts and costs are written: "durable", "write-behind" or "off".
    - `upgrade`: whether tables are made, and brought to the newest version, when the database is opened.
    - `on_failure`: what happens to a call when its row cannot be written: "allow" or "refuse".
    - `patience`: how long to wait for the database, in seconds; `window`: for how long rows are gathered in
      write-behind mode, which is what a killed process can lose; `capacity`: how many rows wait for a database that
      fails.
    - `conversations`: whether conversations are stored as they go.
    """

    url: str | None = None
    ledger: Literal["durable", "write-behind", "off"] = "durable"
    upgrade: bool = True
    on_failure: Literal["allow", "refuse"] = "allow"
    patience: float = 5.0
    window: float = 0.1
    capacity: int = 100_000
    conversations: bool = True

    def __repr__(self) -> str:
        return f"<StorageConfig ledger={self.ledger!r}>"  # the URL may have a password


def read_storage(
    given: Mapping[str, Any], file: Mapping[str, Any], env: Mapping[str, str], problems: Problems
) -> StorageConfig:
    """The table `storage` of the settings: a dict over the environment (`AI_STORAGE_URL`) over a file."""
    values: dict[str, Any] = {}
    for layer in (file, {"url": env[_VARIABLE]} if env.get(_VARIABLE, "").strip() else {}, given):
        if not isinstance(layer, Mapping):
            problems.add("storage", f"is not a table (dict) but {type(layer).__name__}")
            continue
        for name, value in layer.items():
            try:
                values[name] = _read(name, value, env, problems)
            except ValueError as error:
                problems.add(f"storage.{name}", str(error))
    return StorageConfig(**{name: value for name, value in values.items() if value is not None})


def _read(name: str, value: Any, env: Mapping[str, str], problems: Problems) -> Any:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ValueError(f"is not one of {', '.join(_CHOICES[name])}")
        return value
    if name not in _KINDS:
        problems.unknown(f"storage.{name}", {f"storage.{known}" for known in (*_KINDS, *_CHOICES)}, None)
        return None
    if name == "url" and isinstance(value, str) and value.startswith("env:"):
        value = env.get(value[4:], "")
    return KINDS[_KINDS[name]](value)
