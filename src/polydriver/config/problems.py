"""Collecting what is wrong with a configuration, to report all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import ConfigurationError
from .redacting import Redactor
from .secrets import secret_strings

__all__ = ["Problems", "nearest"]

_SHOWN_CHARACTERS = 40


class Problems:
    """A list of problems, each with its key and the fix, that becomes one `ConfigurationError`.

    Texts that may be a secret are passed to `hide`, and then never shown.
    """

    def __init__(self, subject: str, provider: str | None = None) -> None:
        self._subject = subject
        self._provider = provider
        self._found: list[tuple[str, str]] = []
        self._hidden: list[str] = []
        self._known: set[str] = set()

    def add(self, key: str, text: str) -> None:
        """Note one problem: `text` says what is wrong and what to do."""
        self._found.append((key, text))

    def hide(self, value: Any) -> None:
        """Never show the secrets in `value`, itself included when it is a text."""
        self._hidden.extend(secret_strings(value, known=True))

    def unknown(self, key: object, known: Iterable[str], hint: str | None = None, *, place: str = "") -> None:
        """Note an unknown key. `hint` guesses what was meant, else it is the nearest one."""
        close = nearest(str(key), known)
        guess = hint or (f"did you mean {close!r}?" if close else "remove it, or use one of the known settings")
        self.add(place + self.shown(key), f"is not a setting; {guess}")
        self._known.update(known)

    def shown(self, value: object) -> str:
        """A value as it may be shown in a message: short, and without anything that looks like a key."""
        text = value if isinstance(value, str) else repr(value)
        redacted = Redactor(self._hidden).redact(text)
        return redacted if len(redacted) <= _SHOWN_CHARACTERS else redacted[: _SHOWN_CHARACTERS - 1] + "…"

    def raise_if_any(self) -> None:
        """Raise one `ConfigurationError` for all problems, if any; `details["problems"]` lists them."""
        if not self._found:
            return
        redactor = Redactor(self._hidden, patterns=False)
        found = [f"{key}: {redactor.redact(text)}" for key, text in dict.fromkeys(self._found)]
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        listed = "".join(f"\n  - {problem}" for problem in found)
        raise ConfigurationError(
            f"{count} in {self._subject}:{listed}",
            provider=self._provider,
            details={"problems": found},
            hint=f"Known settings: {', '.join(sorted(self._known))}." if self._known else None,
        )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None
