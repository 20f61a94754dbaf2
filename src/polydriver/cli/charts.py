"""Bars, in characters."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from decimal import Decimal

from .output import say
from .terminal import neutralise

__all__ = ["print_bars"]

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LONGEST_LABEL = 40


def print_bars(lines: Sequence[tuple[str, Decimal, str]]) -> None:
    """A bar for each line of label, amount and the amount for people.

    The longest one is as wide as the terminal allows.
    """
    labels = [_short(neutralise(label)) for label, _, _ in lines]
    wide = max((len(label) for label in labels), default=0)
    told = max((len(text) for _, _, text in lines), default=0)
    room = max(10, shutil.get_terminal_size().columns - wide - told - 4)
    most = max((amount for _, amount, _ in lines), default=Decimal(0))
    for label, (_, amount, text) in zip(labels, lines, strict=True):
        say(f"{label:<{wide}}  {_bar(amount, most, room)}  {text}")


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"


def _bar(amount: Decimal, most: Decimal, room: int) -> str:
    eighths = int(amount * room * 8 / most) if most > 0 and amount > 0 else 0
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip().ljust(room)
