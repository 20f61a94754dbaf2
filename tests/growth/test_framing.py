"""Framing: a body that is twice as long takes about twice the work, however it is cut, and whatever in it is long."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

from polydriver.framing import FramingError

from .instrument import instrumented

ROOT = Path(__file__).parents[2]
FRAMING = ROOT / "src" / "polydriver" / "framing"
MOST = 2.2


def message(size: int) -> bytes:
    """One message of an event stream, with so many bytes."""
    prelude = struct.pack("!II", 16 + size, 0)
    prelude += struct.pack("!I", crc32(prelude))
    whole = prelude + b"x" * size
    return whole + struct.pack("!I", crc32(whole))


def frame(size: int) -> bytes:
    return size.to_bytes(4) + b"x" * size


BODIES: dict[str, dict[str, Callable[[int], bytes]]] = {
    "sse.py:SSEDecoder": {
        "a long event": lambda n: b"data: " + b"x" * n + b"\n\n",
        "events": lambda n: b"data: x\n\n" * (n // 9),
        "named events": lambda n: b"event: a\ndata: x\n\n" * (n // 18),
        "lines of one event": lambda n: b"data: x\n" * (n // 8) + b"\n",
        "lines with CR": lambda n: b"data: x\r\n" * (n // 9) + b"\r\n",
        "events with CR": lambda n: b"data: x\r\r" * (n // 9),
        "comments": lambda n: b": ping\n\n" * (n // 8),
        "blank lines": lambda n: b"\n" * n,
        "no events": lambda n: b"<p>" * (n // 3),
        "other fields": lambda n: b"id: 1\nretry: 5\n" * (n // 15) + b"data: x\n\n",
    },
    "json_lines.py:JSONLinesDecoder": {
        "a long line": lambda n: b"x" * n + b"\n",
        "lines": lambda n: b"{}\n" * (n // 3),
        "blank lines": lambda n: b" \r\n" * (n // 3),
        "no line": lambda n: b" " * n,
    },
    "json_array.py:JSONArrayDecoder": {
        "elements": lambda n: b"[" + b'{"a":1},' * (n // 8) + b"{}]",
        "a long text": lambda n: b'[{"a":"' + b"x" * n + b'"}]',
        "escapes": lambda n: b'[{"a":"' + b'\\"' * (n // 2) + b'"}]',
        "backslashes": lambda n: b'[{"a":"' + b"\\\\" * (n // 2) + b'"}]',
        "a deep element": lambda n: b"[" + b'{"a":' * (n // 10) + b"1" + b"}" * (n // 10) + b"]",
        "a wide element": lambda n: b"[[" + b"1," * (n // 2) + b"1]]",
        "space": lambda n: b"[" + b" " * n + b"1]",
        "numbers": lambda n: b"[" + b"1, " * (n // 3) + b"1]",
    },
    "event_stream.py:EventStreamDecoder": {
        "messages": lambda n: message(8) * (n // 24),
        "a long message": message,
    },
    "harbor_driver.py:LengthPrefixed": {
        "frames": lambda n: frame(8) * (n // 12),
        "a long frame": frame,
        "plain JSON": lambda n: b'{"fault": "' + b"x" * n + b'"}',
    },
}
KINDS = [(kind, name) for kind, bodies in BODIES.items() for name in bodies]


def work_of(kind: str, body: bytes, piece: int) -> int:
    """The bytes that framing a body touches, in pieces of this length."""
    file, _, name = kind.partition(":")
    folder = FRAMING if (FRAMING / file).exists() else ROOT / "examples"
    module, work = instrumented((folder / file).read_text(encoding="utf-8"), file.removesuffix(".py"))
    decoder = getattr(module, name)(max_event_bytes=1 << 24)
    try:
        for place in range(0, len(body), piece):
            decoder.feed(body[place : place + piece])
        decoder.finish()
    except FramingError:
        pass  # it is refused, which takes no more
    return work.total


@pytest.mark.parametrize("piece", [1, 7, 1 << 20], ids=["bytes", "small-pieces", "whole"])
@pytest.mark.parametrize(("kind", "name"), KINDS, ids=[f"{kind.partition(':')[2]}-{name}" for kind, name in KINDS])
def test_framing_is_linear(kind: str, name: str, piece: int) -> None:
    make = BODIES[kind][name]
    short, middle, long = (work_of(kind, make(size), piece) for size in (2000, 4000, 8000))
    growth = (long - middle + 2000) / (middle - short + 2000)
    assert growth < MOST, f"each doubling adds {growth:.1f} times as much as the one before: {short}, {middle}, {long}"


def test_every_framing_is_measured() -> None:
    found = {path.name for path in FRAMING.glob("*.py")} - {"__init__.py", "errors.py"}
    assert found <= {kind.partition(":")[0] for kind in BODIES}


def test_quadratic_work_is_seen() -> None:
    source = (
        "class Slow:\n"
        "    def __init__(self):\n        self.held = b''\n"
        "    def feed(self, data):\n        self.held += data\n        return self.held.split(b'|')\n"
    )
    sizes = []
    for count in (200, 400, 800):
        module, work = instrumented(source, "slow")
        slow = module.Slow()
        for _ in range(count):
            slow.feed(b"x")
        sizes.append(work.total)
    assert (sizes[2] - sizes[1]) / (sizes[1] - sizes[0]) > 3.5
