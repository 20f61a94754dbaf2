"""The settings of storage, and how they are read."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from .kinds import KINDS
from .problems import Problems
from .secrets import Secret

__all__ = ["StorageConfig", "decode_key", "read_storage"]

_CHOICES = {"ledger": ("durable", "write-behind", "off"), "on_failure": ("allow", "refuse")}
_KINDS = {
    "url": "str",
    "upgrade": "bool",
    "conversations": "bool",
    "content": "bool",
    "keep_conversations": "count",
    "keep_attempts": "count",
    "patience": "timeout",
    "window": "seconds",
    "capacity": "count",
}
_VARIABLE = "AI_STORAGE_URL"
_HOOK = re.compile(r"[\w.]+:[\w.]+")


class StorageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in a database, and how. Nothing is without a `url`.

    - `url`: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`.
    - `ledger`: whether and how calls, attempts and costs are written: "durable", "write-behind" or "off".
    - `upgrade`: whether tables are made, and brought to the newest version, when the database is opened.
    - `on_failure`: what happens to a call when its row cannot be written: "allow" or "refuse".
    - `patience`: how long to wait for the database, in seconds; `window`: for how long rows are gathered in
      write-behind mode, which is what a killed process can lose; `capacity`: how many rows wait for a database that
      fails.
    - `conversations`: whether conversations are stored as they go; `content`: with what was said, or with roles, usage
      and costs alone.
    - `redact`: a function that every text passes before it is stored, or its name, "package.module:function".
    - `encryption_keys`: keys of 32 bytes, as base64 or hex; the first one encrypts, all of them decrypt.
    - `keep_conversations`, `keep_attempts`: for how many days conversations that are not gone on with, and the rows of
      attempts, are kept; `None`: for ever. The sums of attempts stay.
    """

    url: str | None = None
    ledger: Literal["durable", "write-behind", "off"] = "durable"
    upgrade: bool = True
    on_failure: Literal["allow", "refuse"] = "allow"
    patience: float = 5.0
    window: float = 0.1
    capacity: int = 100_000
    conversations: bool = True
    content: bool = True
    redact: Callable[[str], str] | str | None = None
    encryption_keys: tuple[Secret, ...] = ()
    keep_conversations: int | None = None
    keep_attempts: int | None = None

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
    if name == "redact":
        return _read_hook(value)
    if name == "encryption_keys":
        return _read_keys(value, env)
    if name not in _KINDS:
        known = {f"storage.{known}" for known in (*_KINDS, *_CHOICES, "redact", "encryption_keys")}
        problems.unknown(f"storage.{name}", known, None)
        return None
    if name == "url" and isinstance(value, str) and value.startswith("env:"):
        value = env.get(value[4:], "")
    return KINDS[_KINDS[name]](value)


def _read_hook(value: Any) -> Any:
    named = isinstance(value, str) and _HOOK.fullmatch(value) is not None
    if not named and not callable(value):
        raise ValueError("is neither a function nor the name of one, such as 'package.module:function'")
    return value


def _read_keys(value: Any, env: Mapping[str, str]) -> tuple[Secret, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(_read_key(item, env) for item in items)


def _read_key(item: Any, env: Mapping[str, str]) -> Secret:
    text = item.reveal() if isinstance(item, Secret) else item
    if isinstance(text, str) and text.startswith("env:"):
        text = env.get(text[4:], "")
    if not isinstance(text, str) or decode_key(text) is None:
        raise ValueError("has a key that is not 32 bytes as base64 or hex; it is not shown here")
    return Secret(text)


def decode_key(text: str) -> bytes | None:
    """The 32 bytes that a key stands for; `None` for anything else."""
    try:
        if len(text.strip()) == 64:
            return bytes.fromhex(text)
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return None
    return key if len(key) == 32 else None
