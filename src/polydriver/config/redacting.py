"""The removal of secrets from texts and nested values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from ..data.sealed import MASK, looks_secret
from .secrets import Secret, is_distinct

__all__ = ["Redactor"]


_DISTINCT = 8
_MARGIN = 512
"""The greatest length of a text that is taken for a secret by its look alone."""
_DEEPEST = 50
_LEFT_OUT = "..."


class Redactor:
    """Replaces secrets in texts and nested values by `***`.

    Known `secrets` are found as they are and in the forms that libraries and servers echo: URL-quoted,
    JSON-escaped, within base64 (`Basic`), with line breaks removed. With `patterns`, what looks like a key is
    replaced as well (`sk-...`, `Bearer ...`, `?key=...`, `x-api-key: ...`, `https://user:password@host`).
    Redact first, cut afterwards: a part of a key is not recognised.
    """

    def __init__(self, secrets: Iterable[str | Secret] = (), *, patterns: bool = True) -> None:
        revealed = (secret.reveal() if isinstance(secret, Secret) else secret for secret in secrets if secret)
        self._secrets = tuple(Secret(text) for text in dict.fromkeys(revealed) if is_distinct(text))
        self._patterns = patterns
        self._made: _Known | None = None

    @property
    def _known(self) -> _Known:
        if self._made is None:
            self._made = _Known(secret.reveal() for secret in self._secrets)
        return self._made

    def redact(self, text: str, longest: int | None = None) -> str:
        """`text` without secrets; of what is foreign and may be huge, the first `longest` characters.

        Then no more than that is searched, and what could be the beginning of a secret at the end is left out.
        """
        if longest is None or len(text) <= longest:
            return self._redact(text)[:longest]
        margin = max(_MARGIN, self._known.longest)
        kept = self._redact(text[: longest + margin])
        end = max(len(kept) - margin, kept.rfind(MASK) + len(MASK) if MASK in kept else 0)
        return kept[: min(end, longest)]

    def _redact(self, text: str) -> str:
        if self._secrets:
            text = self._known.remove(text)
        if not self._patterns:
            return text
        from .patterns import redact_patterns

        return redact_patterns(text, MASK)

    def redact_value(self, value: Any, longest: int | None = None) -> Any:
        """A copy of nested dicts, lists and texts without secrets; texts named like `api_key` go whole.

        What is nested more than 50 deep becomes `...`, and so does what comes after `longest` characters of texts.
        """
        return _Copy(self, longest).of(value, 0)

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._secrets)} secrets>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _patterns_only, (self._patterns,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class _Known:
    """Finds known secrets, which don't show: it holds a method of their pattern, and not the pattern."""

    __slots__ = ("_replace", "longest")

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self.longest = max(map(len, forms), default=0)
        pattern = "|".join(_expression(form) for form in sorted(forms, key=len, reverse=True))
        self._replace = re.compile(pattern).sub

    def remove(self, text: str) -> str:
        """The text without them."""
        return self._replace(MASK, text)


class _Copy:
    """One redacted copy of a nested value. `_left`: how many characters it may still hold."""

    __slots__ = ("_left", "_redactor")

    def __init__(self, redactor: Redactor, longest: int | None) -> None:
        self._redactor = redactor
        self._left = longest

    def of(self, value: Any, depth: int) -> Any:
        if isinstance(value, Secret):
            return MASK
        if isinstance(value, bytes | bytearray):
            value = bytes(value[: self._left]).decode("utf-8", "replace")
        if isinstance(value, str):
            return self._text(value)
        if not isinstance(value, Mapping | list | tuple | set | frozenset):
            return value
        if depth >= _DEEPEST:
            return _LEFT_OUT
        if isinstance(value, Mapping):
            return {
                self.of(key, depth): self._entry(key, item, depth + 1) for key, item in self._fitting(value.items())
            }
        return [self.of(item, depth + 1) for item in self._fitting(value)]

    def _fitting(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            if self._left is not None:
                if self._left <= 0:
                    return
                self._left -= 1
            yield item

    def _entry(self, key: object, item: Any, depth: int) -> Any:
        if isinstance(item, str | bytes) and item and looks_secret(key):
            return MASK
        return self.of(item, depth)

    def _text(self, text: str) -> str:
        if self._left is None:
            return self._redactor.redact(text)
        if self._left <= 0:
            return _LEFT_OUT
        kept = self._redactor.redact(text, self._left)
        self._left -= len(text)
        return kept


def _patterns_only(patterns: bool) -> Redactor:
    return Redactor(patterns=patterns)


def _forms(secret: str) -> Iterator[str]:
    """The ways in which a text shows up in errors, logs and echoes."""
    import json
    from urllib.parse import quote, quote_plus

    yield secret
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    if len(secret) >= _DISTINCT:
        yield from _base64_forms(secret.encode("utf-8", "surrogatepass"))
        pieces = secret.split()
        yield "".join(pieces)
        yield from (piece for piece in pieces if len(piece) >= _DISTINCT)


def _base64_forms(secret: bytes) -> Iterator[str]:
    """What stands for `secret` inside base64, for each of its three alignments (`user:secret`)."""
    from base64 import b64encode, urlsafe_b64encode

    for shift in range(3):
        padded = bytes(shift) + secret
        first, last = (0, 2, 3)[shift], len(padded) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(padded).decode("ascii")[first:last]


def _expression(form: str) -> str:
    """A short secret counts only when it stands alone, or words that happen to contain it would be lost."""
    escaped = re.escape(form)
    return escaped if len(form) >= _DISTINCT else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"
