"""Recorded exchanges: how they are stored, found again, and freed of secrets.

A cassette is a file of JSON lines, one exchange each: `{"request": {method, url, headers, body}, "response":
{status, headers, chunks, end}}`. Bodies are JSON values, text, or `{"base64": ...}`; a stream keeps the
borders of its chunks.
"""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import msgspec

from ..config import Redactor
from ..data.http import Request, Simulated
from ..data.json import decode_json
from ..errors import ConfigurationError
from ..forking import own_lock
from .scrubbing import encode_body, encode_chunks, redactor_for, scrub_headers

__all__ = ["CassetteMode", "Exchanges", "UnmatchedRequestError", "read_answer"]

CassetteMode: TypeAlias = Literal["once", "replay", "record"]
"""`replay` never uses the network; `record` records anew; `once` replays when the file exists, else
records."""

_BOUNDARY = re.compile(r"boundary=\"?([^\";,]+)")
_INDENT = 2


class UnmatchedRequestError(AssertionError):
    """A request came that the cassette has no answer for. The message shows how the nearest one that it has
    differs."""


class Exchanges:
    """The exchanges of one file, found again by method, URL and body. Safe in many threads."""

    _lock: Any

    def __init__(self, path: str | Path, mode: CassetteMode = "once") -> None:
        """Raises `ConfigurationError` for an unknown mode, a missing file in mode `replay`, and a file that
        is not a cassette."""
        self.path = Path(path)
        if mode not in ("once", "replay", "record"):
            raise ConfigurationError(f"a cassette's mode is 'once', 'replay' or 'record', not {mode!r}")
        if mode == "replay" and not self.path.is_file():
            raise ConfigurationError(f"there is no cassette at {self.path}: record one with mode 'once' or 'record'")
        self.is_recording = mode == "record" or (mode == "once" and not self.path.is_file())
        self.exchanges: list[dict[str, Any]] = [] if self.is_recording else _read(self.path)
        self._played: set[int] = set()
        own_lock(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.save()

    def record(self, request: Request, answer: Simulated) -> None:
        """Keep an exchange, scrubbed."""
        redactor = redactor_for(request)
        response = {
            "status": answer.status,
            "headers": scrub_headers(answer.headers, redactor),
            "chunks": encode_chunks(answer.chunks, redactor),
            "end": answer.end,
        }
        with self._lock:
            self.exchanges.append({"request": describe(request), "response": response})

    def play(self, request: Request) -> Simulated:
        """The recorded answer to a request. Raises `UnmatchedRequestError` when there is none, or none
        left."""
        wanted = describe(request)
        key = _key(wanted)
        with self._lock:
            for position, exchange in enumerate(self.exchanges):
                if position not in self._played and _key(exchange["request"]) == key:
                    self._played.add(position)
                    return read_answer(exchange["response"])
        raise UnmatchedRequestError(self._explain(wanted, key))

    @property
    def unplayed(self) -> int:
        """How many exchanges were not asked for."""
        return 0 if self.is_recording else len(self.exchanges) - len(self._played)

    def save(self) -> None:
        """Write the file when recording; else do nothing."""
        if self.is_recording:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(b"".join(msgspec.json.encode(exchange) + b"\n" for exchange in self.exchanges))

    def _explain(self, wanted: dict[str, Any], key: str) -> str:
        head = f"{self.path.name} has no answer to {wanted['method']} {wanted['url']}"
        if not self.exchanges:
            return f"{head}: it is empty. Record it anew (mode 'record')."
        keys = [_key(exchange["request"]) for exchange in self.exchanges]
        if key in keys:
            return f"{head} left: it was recorded {keys.count(key)} time(s), and all were played."
        nearest = max(keys, key=lambda other: difflib.SequenceMatcher(None, other, key).quick_ratio())
        lines = difflib.unified_diff(nearest.splitlines(), key.splitlines(), "recorded", "asked", lineterm="", n=1)
        return (
            f"{head}. The nearest one recorded differs so; record it anew (mode 'record') if that is meant:\n"
            + "\n".join(lines)
        )


def describe(request: Request) -> dict[str, Any]:
    """A request as it is stored, scrubbed."""
    redactor = redactor_for(request)
    described: dict[str, Any] = {
        "method": request.method,
        "url": redactor.redact(request.url),
        "headers": scrub_headers(request.headers, redactor),
    }
    if request.body is not None:
        described["body"] = _encode_body(request, redactor)
    return described


def _encode_body(request: Request, redactor: Redactor) -> Any:
    body = request.body or b""
    kind = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    if found := _BOUNDARY.search(kind):
        body = body.replace(found[1].encode("latin-1"), b"BOUNDARY")
    try:
        return {"json": redactor.redact_value(decode_json(body))}
    except ValueError:
        return encode_body(body, redactor)


def read_answer(response: Mapping[str, Any]) -> Simulated:
    """The answer of an exchange, as it is stored under "response"."""
    chunks = [
        base64.b64decode(chunk["base64"]) if isinstance(chunk, dict) else str(chunk).encode()
        for chunk in response.get("chunks", ())
    ]
    return Simulated(
        status=response.get("status", 200),
        headers=dict(response.get("headers", {})),
        chunks=chunks,
        end=response.get("end", "clean"),
    )


def _key(described: Mapping[str, Any]) -> str:
    """What two requests that are the same have in common, as lines of text."""
    facts = {"method": described["method"], "url": described["url"], "body": described.get("body")}
    return msgspec.json.format(msgspec.json.encode(facts, order="deterministic"), indent=_INDENT).decode()


def _read(path: Path) -> list[dict[str, Any]]:
    exchanges = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            exchange = decode_json(line)
            exchanges.append({"request": dict(exchange["request"]), "response": dict(exchange["response"])})
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(f"{path}, line {number} is not a recorded exchange") from None
    return exchanges
