"""A stream that is twice as long takes about twice the work, whatever of it is long."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.test_through_http import MAIN_CHATS

from .counting import count_work
from .streams import LongStream, begin, long_streams, read

_SHORT = 16


@pytest.mark.parametrize("api", MAIN_CHATS)
def test_all_streams_are_read_in_linear_work(wire_dir: Path, api: str) -> None:
    found = list(long_streams(wire_dir, api))
    assert len(found) >= 8
    steep = {stream.name: growth for stream in found if (growth := growth_of(stream)) > 2.2}
    assert not steep


def growth_of(stream: LongStream) -> float:
    """By how much more each doubling adds than the one before: 2 when the work is linear, 4 when it is quadratic."""
    size = max(3, _SHORT // len(stream.repeated))
    read(begin(stream, size))  # loads what is loaded late
    short, middle, long = (work_of(stream, size * factor) for factor in (1, 2, 4))
    few = 40 * size
    return (long - middle + few) / (middle - short + few)


def work_of(stream: LongStream, size: int) -> int:
    decoder = begin(stream, size)
    return count_work(lambda: read(decoder))
