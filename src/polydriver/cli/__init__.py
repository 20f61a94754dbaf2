"""The command line, `polydriver`. It needs the extra `cli`; without it, `main` says how to install it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NoReturn

__all__ = ["main"]

_NEEDED = ("click", "rich")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line with `arguments` (`sys.argv` by default), and exit with its status.

    0: done; 1: an error, told on stderr; 2: wrong usage, or the extra is not installed; 130: stopped by Ctrl-C.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        print("polydriver: the command line needs an extra: pip install 'polydriver[cli]'", file=sys.stderr)
        sys.exit(2)
    try:
        from .app import cli

        cli.main(args=None if arguments is None else list(arguments), prog_name="polydriver")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)
