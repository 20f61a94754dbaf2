"""Texts that hold secrets and do not show them: they can be sent, but not be looked at by accident."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Self

import msgspec

__all__ = ["MASK", "Headers", "SealedBytes", "SealedText", "any_looks_secret", "looks_secret", "seal"]

MASK = "***"

_NOT_SECRET = frozenset({"cache_key", "prompt_cache_key"})
_SECRET_NAME = re.compile(
    r"(?:^|[^a-z])(?:key|token|auth|bearer|cookie|signature|passphrase|credentials?)(?:$|[^a-z])"
    r"|api[-_ ]?key|secret|passw|authorization"
)
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=1024)
def _is_secret_name(name: str) -> bool:
    return name not in _NOT_SECRET and _SECRET_NAME.search(_WORD_BREAK.sub("_", name).lower()) is not None


def looks_secret(name: object) -> bool:
    """Whether a setting, header or parameter of this name usually holds a secret, as `api_key` does."""
    return isinstance(name, str) and len(name) <= _LONGEST_NAME and _is_secret_name(str(name))


_LONGEST_NAME = 200


@lru_cache(maxsize=256)
def any_looks_secret(names: tuple[str, ...]) -> bool:
    """Whether one of these names `looks_secret`. A server sends the same ones each time: they are judged once."""
    return any(map(looks_secret, names))


class SealedText(str):
    """A text whose `repr` is `***`, as that of its parts is. msgspec refuses to encode it, and pickles hold `***`.

    Wherever text is needed it is one: in f-strings, `join`, `encode`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK

    def __getitem__(self, key: Any) -> str:
        return SealedText(super().__getitem__(key))

    def __reduce__(self) -> tuple[Any, ...]:
        return SealedText, (MASK,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class SealedBytes(bytes):
    """Bytes whose `repr` is `***`, as that of their parts is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return SealedBytes(part) if isinstance(part, bytes) else part

    def __reduce__(self) -> tuple[Any, ...]:
        return SealedBytes, (MASK.encode(),)


class Headers(dict[str, str]):
    """Headers by name. Values under names such as `authorization` are kept as `SealedText`."""

    __slots__ = ()

    def __init__(self, headers: Mapping[str, str] = {}) -> None:
        super().__init__()
        self.update(headers)

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name, _sealed(name, value))

    def update(self, *others: Any, **more: str) -> None:
        """As of `dict`."""
        for name, value in dict(*others, **more).items():
            self[name] = value

    def setdefault(self, name: str, default: str = "") -> str:
        """As of `dict`."""
        return super().setdefault(name, _sealed(name, default))

    def __ior__(self, other: Any) -> Self:  # type: ignore[override, misc]
        self.update(other)
        return self

    def copy(self) -> Headers:
        """A copy that seals as well."""
        return Headers(self)


def seal(record: msgspec.Struct, *names: str) -> None:
    """Make these fields of a record `SealedText` or `SealedBytes`, those that hold a text or bytes; for
    `__post_init__`."""
    for name in names:
        value = getattr(record, name)
        if type(value) is str:
            msgspec.structs.force_setattr(record, name, SealedText(value))
        elif type(value) is bytes:
            msgspec.structs.force_setattr(record, name, SealedBytes(value))


def _sealed(name: str, value: str) -> str:
    return SealedText(value) if isinstance(value, str) and looks_secret(name) else value
