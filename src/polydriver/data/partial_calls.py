"""Tool calls whose arguments come in pieces."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .arguments import parse_arguments
from .messages import ProviderData

__all__ = ["PartialCall"]


class Balance:
    """Tells the end of a JSON object that comes in pieces, without parsing: each piece is looked at once."""

    __slots__ = ("_closed", "_depth", "_goes_on", "_in_text", "_seen")

    def __init__(self) -> None:
        self._seen = 0
        self._depth = 0
        self._in_text = ""
        self._closed = False
        self._goes_on = False

    def ends(self, pieces: list[str]) -> bool:
        """Whether the first bracket is closed by the last of these pieces, which are those of the last time and more.

        What goes on after the end is not JSON, and never becomes it.
        """
        text = "".join(pieces[self._seen :])
        self._seen = len(pieces)
        if self._closed:
            self._goes_on = self._goes_on or bool(text.strip())
        elif text:
            self._count(text)
        return self._closed and not self._goes_on

    def _count(self, text: str) -> None:
        text, self._in_text = self._in_text + text, ""
        for token in _TOKENS.finditer(text):
            found = token[0]
            if found in "[{":
                self._depth += 1
            elif found in "]}":
                self._depth -= 1
                if self._depth <= 0:
                    self._closed = True
                    self._goes_on = bool(text[token.end() :].strip())
                    return
            elif not token["end"]:
                self._in_text = '"\\' if (len(found) - len(found.rstrip("\\"))) % 2 else '"'


_TOKENS = re.compile(r'"(?:[^"\\]|\\.|\\\Z)*+(?P<end>"?)|[\[{]|[\]}]', re.DOTALL)


class PartialCall(msgspec.Struct):
    """A tool call on its way: `arguments` holds the pieces of its JSON text, or the object where a wire sends one."""

    id: str = ""
    name: str = ""
    arguments: list[str] | dict[str, Any] = []
    provider_data: ProviderData = {}
    balance: Balance = msgspec.field(default_factory=Balance)
    checked: tuple[int, bool] = (0, False)

    def add_arguments(self, given: object) -> None:
        """Append a piece of the arguments' text, or take them as the object that they are."""
        if isinstance(given, dict):
            self.arguments = given
        elif isinstance(given, str) and isinstance(self.arguments, list):
            self.arguments.append(given)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are an object that is complete."""
        if isinstance(self.arguments, dict):
            return True
        if not self.balance.ends(self.arguments):
            return False
        if self.checked[0] != len(self.arguments):
            self.checked = (len(self.arguments), parse_arguments("".join(self.arguments))[0] is not None)
        return self.checked[1]
