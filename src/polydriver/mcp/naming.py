"""Names that every provider takes, for tools whose servers name them as they like."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

__all__ = ["assign_names"]

_MAX_LENGTH = 64
_HASH_LENGTH = 8
_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def assign_names(names: Iterable[str], prefix: str = "") -> dict[str, str]:
    """For each name of a server's tools the one that it is offered under: 1 to 64 letters, digits, `_` and `-`.

    With a prefix it is `prefix_name`. What providers don't take becomes `_`. A name that is too long, or that
    would be another's, ends in a hash of the original, so that it does not depend on the order of the list.
    """
    originals = list(dict.fromkeys(names))
    whole = {name: f"{prefix}_{name}" if prefix else name for name in originals}
    plain = {name: _FOREIGN.sub("_", text) for name, text in whole.items()}
    untouched = {text for name, text in plain.items() if text == whole[name]}
    shared = {text for text in plain.values() if list(plain.values()).count(text) > 1}
    return {name: _offered(name, whole[name], plain[name], untouched, shared) for name in originals}


def _offered(name: str, whole: str, plain: str, untouched: set[str], shared: set[str]) -> str:
    is_altered = plain != whole
    if name and len(plain) <= _MAX_LENGTH and not (is_altered and (plain in untouched or plain in shared)):
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    return f"{plain[: _MAX_LENGTH - _HASH_LENGTH - 1]}_{digest}"
