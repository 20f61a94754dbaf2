"""Secrets that don't show themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Self

from ..data.sealed import MASK, looks_secret
from ..errors import ConfigurationError

__all__ = ["MASK", "Secret", "is_distinct", "looks_secret", "mask", "secret_strings"]

_LONG_ENOUGH_FOR_A_TAIL = 12
_SHORTEST = 4

# Keys that local servers take because they have to take one. They are words, not secrets.
_STAND_INS = frozenset(
    {"dummy", "empty", "lm-studio", "mock", "no-key", "none", "not-needed", "ollama", "test", "unused"}
)


class Secret:
    """A text that must not be seen: `str` and `repr` are `***`, and only `reveal()` gives the text.

    Secrets are equal when their texts are. A pickle never holds the text: what comes out of one is an empty
    secret. Copies (`copy`, `deepcopy`) keep it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Raises `ConfigurationError` when it is empty, as it is after unpickling."""
        if not self._text:
            raise ConfigurationError(
                "this secret is empty: secrets are never pickled",
                hint="Configure the key again in this process.",
            )
        return self._text

    def masked(self) -> str:
        """`***` and the last four characters when the secret has 12 or more, else `***`."""
        return mask(self._text)

    def __repr__(self) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, ("",)


def mask(text: str) -> str:
    """`***` and the last four characters of `text` when it has 12 or more, else `***`."""
    return MASK + text[-4:] if len(text) >= _LONG_ENOUGH_FOR_A_TAIL else MASK


def secret_strings(value: Any, *, known: bool = False) -> Iterator[str]:
    """Every secret text in a nested value: a `Secret`, what has a secret name, passwords in URLs.

    `known` says that `value` itself stands under such a name. Of `"Bearer abc"` the part `"abc"` is given as
    well.
    """
    if isinstance(value, Secret):
        yield from secret_strings(value.reveal(), known=True) if value else ()
    elif isinstance(value, str):
        if known and value:
            yield value
            scheme, _, token = value.partition(" ")
            if token and scheme.isalpha():
                yield token
        elif match := _USERINFO.match(value):
            yield match["password"]
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from secret_strings(item, known=known or looks_secret(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secret_strings(item, known=known)


_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s:]*:(?P<password>[^/@\s]+)@", re.IGNORECASE)


def is_distinct(secret: str) -> bool:
    """Whether a text can be told from words: too short ones, and what local servers take as a key, cannot."""
    return len(secret) >= _SHORTEST and secret.lower() not in _STAND_INS
