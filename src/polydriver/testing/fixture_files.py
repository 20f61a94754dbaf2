"""Fixtures as a folder of files: one for each reply, byte by byte, and `expected.json` for what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..data.responses import FinishReason
from ..errors import ConfigurationError
from ..typed import decode
from .replies import ErrorReply, ExpectedAnswer, RequestExample, WireFixtures

__all__ = ["EXPECTED_FILE", "fixture_files", "read_fixtures"]

EXPECTED_FILE = "expected.json"
"""The file that says what the replies beside it mean."""

_NEVER_IN_TEXT = frozenset(range(32)) - {9, 10, 13}


class _FailedReply(msgspec.Struct, omit_defaults=True):
    """A failed reply: the file with its body, the class of the error, and attributes of that error."""

    file: str
    error: str
    status: int = 200
    attributes: dict[str, Any] = {}


class _Meaning(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What `expected.json` holds: the fields of `WireFixtures` that are not bytes, and names of files."""

    expected: dict[str, ExpectedAnswer] = {}
    models_pages: list[str] = []
    models_paths: list[str] = []
    expected_models: list[dict[str, Any]] = []
    expected_vectors: list[list[float]] = []
    expected_embeddings: dict[str, str | int] = {}
    signed: list[Literal["method", "path", "query"]] = []
    finish_words: dict[str, FinishReason] = {}
    expected_prices: dict[str, tuple[Decimal, Decimal]] = {}
    option_places: dict[str, str] = {}
    request_examples: list[RequestExample] = []
    error_replies: list[_FailedReply] = []
    stream_errors: list[_FailedReply] = []
    tells_failed_results: bool = True


_BYTES = tuple(field.name for field in msgspec.structs.fields(WireFixtures) if field.default == b"")


def read_fixtures(folder: str | Path) -> WireFixtures:
    """The fixtures in a folder, as `polydriver new-driver` and `polydriver record-fixtures` write them.

    A reply is in the file of its field's name, with any ending (`whole_reply.json`, `stream_reply.txt`). Raises
    `ConfigurationError` for an `expected.json` that cannot be read, and for one that names a file which is not there.
    """
    folder = Path(folder)
    replies = {path.stem: path for path in sorted(folder.iterdir()) if path.stem in _BYTES}
    meaning = _Meaning()
    if (told := folder / EXPECTED_FILE).exists():
        try:
            meaning = decode(told.read_bytes(), _Meaning)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{told} cannot be read: {error}") from error

    def read(name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{told} names {name}, which cannot be read: {error.strerror}") from error

    found: dict[str, Any] = {name: path.read_bytes() for name, path in replies.items()}
    return WireFixtures(
        **found,
        models_pages=[read(name) for name in meaning.models_pages],
        error_replies=[(r.status, read(r.file), r.error, r.attributes) for r in meaning.error_replies],
        stream_errors=[(read(r.file), r.error) for r in meaning.stream_errors],
        **{name: getattr(meaning, name) for name in _SAME},
    )


_SAME = (
    "expected",
    "expected_models",
    "expected_vectors",
    "expected_embeddings",
    "expected_prices",
    "finish_words",
    "models_paths",
    "option_places",
    "request_examples",
    "signed",
    "tells_failed_results",
)
"""Fields that are the same in `expected.json` as in `WireFixtures`."""


def fixture_files(fixtures: WireFixtures) -> dict[str, bytes]:
    """The files of some fixtures, by their names: what `read_fixtures` reads."""
    files: dict[str, bytes] = {}

    def add(name: str, data: bytes) -> str:
        readable = _readable(data)
        file = f"{name}.{_ending(readable)}"
        files[file] = readable
        return file

    for name in _BYTES:
        if data := getattr(fixtures, name):
            add(name, data)
    meaning = _Meaning(
        models_pages=[add(f"models_page_{number}", page) for number, page in enumerate(fixtures.models_pages, 2)],
        error_replies=[_failed(add, number, reply) for number, reply in enumerate(fixtures.error_replies, 1)],
        stream_errors=[
            _FailedReply(add(f"stream_error_{number}", body), error)
            for number, (body, error) in enumerate(fixtures.stream_errors, 1)
        ],
        **{name: _plain(getattr(fixtures, name)) for name in _SAME},
    )
    files[EXPECTED_FILE] = msgspec.json.format(msgspec.json.encode(meaning), indent=2) + b"\n"
    return files


def _failed(add: Any, number: int, reply: ErrorReply) -> _FailedReply:
    status, body, error, *attributes = reply
    return _FailedReply(add(f"error_reply_{number}", body), error, status, dict(attributes[0]) if attributes else {})


def _plain(value: Any) -> Any:
    """Sequences as lists, mappings as dicts."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _readable(data: bytes) -> bytes:
    """JSON with line breaks, for people who will edit it; anything else as it is."""
    try:
        return msgspec.json.format(data, indent=2) + b"\n" if data[:1] in (b"{", b"[") else data
    except msgspec.DecodeError:
        return data


def _ending(data: bytes) -> str:
    try:
        data.decode()
    except UnicodeDecodeError:
        return "bin"
    if _NEVER_IN_TEXT.intersection(data):
        return "bin"
    return "json" if data.endswith((b"}\n", b"]\n")) and data.count(b"\n\n") == 0 and data[:1] in b"{[" else "txt"
