"""The input of a batch: JSON Lines, each an item as `workers.items` reads it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ...workers.items import ItemPrompt, read_id, read_item

__all__ = ["Line", "read_lines", "read_request"]

_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line of the input: its number from 1, the id of its outcome, a digest of its bytes, and these."""

    number: int
    custom_id: str
    digest: str
    data: bytes
    names_model: bool


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a file, but empty ones. One without an id, or that is not JSON, is named after its number.

    Raises `OSError` for a file that cannot be read.
    """
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            data = raw.removeprefix(_BOM if number == 1 else b"").strip()
            if data:
                custom_id, names_model = _look(data, number)
                yield Line(number, custom_id, blake2b(data, digest_size=8).hexdigest(), data, names_model)


def _look(data: bytes, number: int) -> tuple[str, bool]:
    """The id of a line, and whether it names a model."""
    try:
        value = _decode(data)
    except ValueError:
        return f"line-{number}", True  # it is not sent at all
    if not isinstance(value, dict):
        return f"line-{number}", False
    body = value.get("body")
    names_model = bool(value.get("model") or (isinstance(body, dict) and body.get("model")))
    return read_id(value) or f"line-{number}", names_model


def read_request(data: bytes) -> ItemPrompt:
    """What a line asks for. Raises `ValueError` for what cannot be sent, with the reason."""
    return read_item(_decode(data))


def _decode(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
