"""What a wire does with each option of `Prompt`: one declaration, from which the rest is derived."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..data.prompt import OPTIONS

__all__ = ["LEFT_OUT", "RENDERED", "OptionRule", "Refused", "option_rules"]


class Refused(msgspec.Struct, frozen=True):
    """An option that cannot be left out without changing what is asked: the call is refused, for this `reason`."""

    reason: str


class _Mark(msgspec.Struct, frozen=True):
    name: str


RENDERED = _Mark("rendered")
"""The wire has code of its own for this option."""

LEFT_OUT = _Mark("left out")
"""The wire does not support this option: it is left out with a warning."""

OptionRule = str | Refused | _Mark
"""What a wire does with one option of `Prompt`: a text is the name of the field that it is written to."""


def option_rules(rules: Mapping[str, OptionRule]) -> dict[str, OptionRule]:
    """The declaration of a wire: what it does with every option of `Prompt`. What it does not name is `LEFT_OUT`.

    Raises `TypeError` for a name that is not an option.
    """
    for name in rules:
        if name not in OPTIONS:
            raise TypeError(f"{name} is not an option of Prompt; the options are {', '.join(OPTIONS)}")
    return {name: rules.get(name, LEFT_OUT) for name in OPTIONS}
