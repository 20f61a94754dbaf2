"""Files of results, which are read line by line: they may be larger than memory."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..data.http import Request
from .results import BatchItem

__all__ = ["ResultFile"]


class ResultFile(msgspec.Struct, frozen=True, eq=False):
    """What a driver's generator yields for a file of JSON lines: the request for it, and what makes an item of a line.

    The engine takes the file as it comes, hands each line to `read`, and sends the reply back to the generator, without
    a body. The items become those of the generator's result.
    """

    request: Request
    read: Callable[[bytes], BatchItem]
