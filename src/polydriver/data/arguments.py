"""Reading the arguments of tool calls as models write them: absent, empty, doubly encoded, or cut off in the
middle.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from .digits import has_more_digits
from .json import whole_text

__all__ = ["LONGEST_SEED", "make_call_id", "make_seed", "parse_arguments", "plain_name"]

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_MAX_DEPTH = 200
_BLANK = ("", "null")


def parse_arguments(raw: object, *, cut: bool = False) -> tuple[dict[str, Any] | None, str | None]:
    """The arguments of a tool call as `(arguments, None)`, or `(None, text)` when it is not a JSON object; `(arguments,
    text)` when a number in the text has more digits than a float holds.

    Absent (`None`), blank, `"null"` and `{}` all mean no arguments. An object is taken as it is, JSON text is
    decoded, and a JSON string that holds a JSON object is decoded once more. Everything else (malformed or
    cut-off JSON, an array, a bare value, more than 200 levels) is incomplete: such a call must not be run.

    `cut` says that the answer ended at the token limit: then nothing, or `"null"`, is not a proof of a call
    without arguments. Never raises.
    """
    if raw is None:
        return (None, "") if cut else ({}, None)
    if isinstance(raw, dict):
        return raw, None
    if isinstance(raw, bytes | bytearray):
        raw = raw.decode("utf-8", "replace")
    if not isinstance(raw, str):
        return None, _as_text(raw)
    text = whole_text(raw)
    return _parse_text(text, cut, unwrap=True)


LONGEST_SEED = 200
"""How much of a response's id goes into the ids of its calls: each call pays for it again."""


def make_seed(raw: object) -> str:
    """A short seed for the calls of a response that has no id, from all that it holds."""
    from hashlib import blake2s

    data = raw if isinstance(raw, bytes) else repr(raw).encode("utf-8", "replace")
    return blake2s(data).hexdigest()


def make_call_id(seed: str, index: int) -> str:
    """An id for a call that came without one: the same for the same response (`seed`, its id) and position,
    else another.

    `call_` and 24 hexadecimal digits. `seed` must differ between turns, or the ids of two turns collide.
    """
    from hashlib import blake2s  # loaded late: few wires lack ids

    digest = blake2s(f"{index}:{seed}".encode("utf-8", "replace"), digest_size=12)
    return f"call_{digest.hexdigest()}"


def plain_name(name: str, longest: int = 64) -> str:
    """The name of a called tool in the alphabet that every API takes.

    Models do call tools that do not exist, by names that another API refuses.
    """
    return _NOT_IN_NAMES.sub("_", name)[:longest] or "unnamed"


def _parse_text(text: str, cut: bool, *, unwrap: bool) -> tuple[dict[str, Any] | None, str | None]:
    stripped = text.strip()
    if stripped in _BLANK:
        return (None, text) if cut else ({}, None)
    if _is_too_deep(stripped):
        return None, text
    value = _decode(stripped)
    if isinstance(value, dict):
        return value, stripped if has_more_digits(stripped) else None
    if isinstance(value, str) and unwrap:
        arguments, exact = _parse_text(value, cut, unwrap=False)
        if arguments is not None:
            return arguments, exact
    return None, text


def _decode(text: str) -> Any:
    """The JSON value, or `None` when it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        pass
    if not re.search(r"\\u[dD][89a-fA-F]", text):
        return None
    # A lone surrogate escape is legal JSON (RFC 8259, section 8.2), which msgspec refuses; it can't be sent
    # on, though.
    try:
        return json.loads(_without_lone_escapes(text), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _without_lone_escapes(text: str) -> str:
    pair = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    return re.sub(rf"(\\\\|{pair})|\\u[dD][89a-fA-F][0-9a-fA-F]{{2}}", lambda found: found[1] or r"\ufffd", text)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_too_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= _MAX_DEPTH:
        return False
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', text, re.DOTALL):
        if token[0] in "[{":
            depth += 1
            if depth > _MAX_DEPTH:
                return True
        elif token[0] in "]}":
            depth -= 1
    return False


def _as_text(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        return str(type(value).__name__)
