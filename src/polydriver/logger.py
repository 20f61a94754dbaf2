"""The loggers of the package. An application that sets up no logging sees nothing of them."""

from __future__ import annotations

import logging

__all__ = ["logger"]

# Without a handler, Python would print warnings and errors on stderr, which belongs to the application:
# https://docs.python.org/3/howto/logging.html#configuring-logging-for-a-library
logging.getLogger("polydriver").addHandler(logging.NullHandler())


def logger(name: str = "polydriver") -> logging.Logger:
    """The logger of a name: `polydriver`, or one below it."""
    return logging.getLogger(name)
