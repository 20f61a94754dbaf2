"""Which known model an id stands for: versions, regions and other decorations of ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

__all__ = ["find_id", "without_region"]


# What may follow a known id without making it another model: a date, a snapshot number, a version.
_VERSION = re.compile(
    r"""(?: (?:-preview|-beta)? [-@]
            (?: 20\d\d-?[01]\d-?[0-3]\d | [01]\d-20\d\d | [01]\d-?[0-3]\d | 2\d[01]\d )
          | [-@] (?: latest | default | 00\d )
          | -v\d+:\d+
          | :\d
        )+""",
    re.VERBOSE,
)


_REGION = re.compile(r"(?:us-gov|us|eu|apac|ap|jp|au|ca|in|global)\.(?=[^.]*\.)")


def find_id(table: str, model: str, *known: Mapping[str, object]) -> str | None:
    """The key in `known` that a model id stands for."""
    for spelling in _spellings(table, model.lower()):
        for name in _shorter(spelling):
            if any(name in names for names in known):
                return name
    return None


def _spellings(table: str, model: str) -> Iterator[str]:
    """The id as it came, then without the provider's decorations."""
    yield model
    if table == "bedrock":
        resource = model.rpartition("/")[2]
        yield resource
        yield without_region(resource)
    elif table == "gemini" and "models/" in model:
        yield model.rpartition("models/")[2]
    elif table in ("openai", "azure") and model.startswith("ft:"):
        yield ":".join(model.split(":")[:2])


def without_region(model: str) -> str:
    """The id of a model on Bedrock without the region of an inference profile: `us.`, `global.`, ..."""
    return _REGION.sub("", model, count=1)


def _shorter(model: str) -> Iterator[str]:
    """The id, then every beginning of it that leaves only a version behind, the longest first."""
    yield model
    for end in range(len(model) - 1, 0, -1):
        if model[end] in "-@:" and _VERSION.fullmatch(model, end):
            yield model[:end]
