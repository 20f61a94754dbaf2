"""Reading docstrings in the Google, NumPy and reST styles, as far as tools need them."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

__all__ = ["DocString", "parse_docstring"]

_PARAMETER_SECTIONS = {
    "args",
    "arguments",
    "parameters",
    "params",
    "attributes",
    "keyword args",
    "keyword arguments",
}
_OTHER_SECTIONS = {
    "returns", "return", "raises", "yields", "yield", "example", "examples", "note", "notes", "see also",
    "warns", "warnings", "references", "other parameters", "todo",
}  # fmt: skip
_GOOGLE_ITEM = re.compile(r"^\*{0,2}(\w+)\s*+(?:\([^)]*\)\s*+)?:\s*+(.*)$")
_NUMPY_ITEM = re.compile(r"^(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_REST_ITEM = re.compile(
    r"^:(param|parameter|arg|argument|key|keyword)\s{1,50}(?:[^:]{0,200}\s)?\*{0,2}(\w{1,200})\s{0,50}:\s*+(.*)$"
)


class DocString(NamedTuple):
    """What a docstring says: `summary` is all text before the first section, `parameters` a sentence for each
    name.
    """

    summary: str
    parameters: dict[str, str]


def parse_docstring(text: str | None) -> DocString:
    """Read a docstring in any of the three styles. Never raises; what is in no style is summary."""
    lines = inspect.cleandoc(text or "").splitlines()
    summary: list[str] = []
    parameters: dict[str, str] = {}
    in_summary = True
    position = 0
    while position < len(lines):
        section, body = _section_at(lines, position)
        if section is not None:
            in_summary = False
            end = _section_end(lines, body)
            if section in _PARAMETER_SECTIONS:
                parameters.update(_items(lines[body:end], numpy=body - position == 2))
            position = end
        elif lines[position].startswith(":") and re.match(r"^:\w[^:]*:", lines[position]):
            in_summary = False
            position = _rest_field(lines, position, parameters)
        else:
            if in_summary:
                summary.append(lines[position])
            position += 1
    return DocString("\n".join(summary).strip(), parameters)


def _section_at(lines: list[str], position: int) -> tuple[str | None, int]:
    """The section that starts at this line (in lower case), and the line where its body does."""
    line = lines[position].strip()
    if lines[position][:1].isspace() or not line:
        return None, position
    following = lines[position + 1].strip() if position + 1 < len(lines) else ""
    if len(following) >= 3 and set(following) == {"-"}:
        return line.lower(), position + 2
    name = line[:-1].lower() if line.endswith(":") else ""
    return (name, position + 1) if name in _PARAMETER_SECTIONS | _OTHER_SECTIONS else (None, position)


def _section_end(lines: list[str], start: int) -> int:
    numpy = start >= 2 and set(lines[start - 1].strip()) == {"-"}
    for position in range(start, len(lines)):
        if _section_at(lines, position)[0] is not None or lines[position].startswith(":param"):
            return position
        if not numpy and lines[position].strip() and not lines[position][0].isspace():
            return position
    return len(lines)


def _items(lines: list[str], *, numpy: bool) -> dict[str, str]:
    """Names and their texts: deeper lines belong to the item above them."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    for line in lines:
        item = line[margin:]
        match = (_NUMPY_ITEM if numpy else _GOOGLE_ITEM).match(item) if item[:1].strip() else None
        if match is None:
            current.append(item.strip())
            continue
        current = [] if numpy else [match[2]]
        for name in match[1].split(","):
            found[name.strip().lstrip("*")] = current
    return {name: " ".join(words).strip() for name, words in found.items() if any(words)}


def _rest_field(lines: list[str], position: int, parameters: dict[str, str]) -> int:
    """Read the field at this line into `parameters` if it is one; the position after it."""
    match = _REST_ITEM.match(lines[position])
    words = [match[3]] if match else []
    position += 1
    while position < len(lines) and lines[position][:1].isspace():
        words.append(lines[position].strip())
        position += 1
    if match and any(words):
        parameters[match[2]] = " ".join(words).strip()
    return position
