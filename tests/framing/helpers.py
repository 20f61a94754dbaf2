"""What the framing tests share: ways to cut bytes, and the recorded traffic."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T", covariant=True)


class Decoder(Protocol[T]):
    def feed(self, data: bytes) -> list[T]: ...

    def finish(self) -> list[T]: ...


def decode(decoder: Decoder[T], pieces: Iterable[bytes]) -> list[T]:
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.finish()


def cut_at(body: bytes, *positions: int) -> list[bytes]:
    edges = [0, *sorted(positions), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(edges)]


def cut_every(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def cut_randomly(body: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    return cut_at(body, *(chance.randint(0, len(body)) for _ in range(min(40, len(body)))))


def every_cut(body: bytes) -> Iterator[list[bytes]]:
    """The body whole, byte by byte, and cut in two at each position."""
    yield [body]
    yield cut_every(body, 1)
    for position in range(len(body) + 1):
        yield cut_at(body, position)


def recorded_bodies(wire_dir: Path, content_type: str) -> list[tuple[str, bytes]]:
    """The recorded reply bodies of a content type, each with its record's id."""
    bodies = []
    for file in sorted(wire_dir.rglob("*.jsonl.gz")):
        with gzip.open(file) as lines:
            for line in lines:
                if content_type.encode() not in line:
                    continue
                record = json.loads(line)
                if _content_type(record["response"]).startswith(content_type):
                    bodies.append((record["id"], _body(record["response"])))
    return bodies


def _content_type(response: dict[str, Any]) -> str:
    for name, value in (response.get("headers") or {}).items():
        if name.lower() == "content-type":
            return str(value[0] if isinstance(value, list) else value)
    return ""


def _body(response: dict[str, Any]) -> bytes:
    body = response.get("body")
    if response.get("encoding") == "base64":
        return base64.b64decode(body)
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
