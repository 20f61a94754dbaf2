"""Markdown made readable in a terminal while it streams: marks become styles, and nothing is printed twice.

Only what is certain changes: headings, lists, quotes, rules, fenced code, `code`, **bold** and *emphasis*, as
CommonMark has them (https://spec.commonmark.org/0.31.2/). Everything else is shown as it came. What may still become a
mark is held back until that is decided, at the latest at the end of its line.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

__all__ = ["MarkdownStyler", "Piece"]

_HELD_AT_MOST = 400
"""Characters after which an opening mark without its closing one is text."""

_AT_ONCE = 4096


class Piece(NamedTuple):
    """Text with its style, as `click.style` takes it."""

    text: str
    style: dict[str, Any]


_CODE = {"fg": "cyan"}
_UNDECIDED = re.compile(r" *(?:#{1,6} *|-[- ]*|\*[* ]*|_[_ ]*|\+ *|>|`{1,2}|~{1,2}|)")
_FENCE = re.compile(r" *(`{3,}|~{3,})[^\n]*")
_HEADING = re.compile(r" {0,3}#{1,6} +(?=\S)")
_RULE = re.compile(r" {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})(?=\n)")
_BULLET = re.compile(r"( *)[-*+] +(?=\S)")
_QUOTE = re.compile(r" {0,3}> ?")
_TICKS = re.compile(r"`+")
_STARS = re.compile(r"\*+")
_MARK = re.compile(r"[`*\n\\]")


class MarkdownStyler:
    """Takes the pieces of one answer as they come, and gives them back styled."""

    def __init__(self) -> None:
        self._held = ""
        self._fence = ""
        self._new_line = True
        self._style: dict[str, Any] = {}
        self._before = "\n"

    def feed(self, text: str) -> list[Piece]:
        """What can be shown after this text, which has no control characters but newlines and tabs."""
        pieces: list[Piece] = []
        for start in range(0, len(text), _AT_ONCE):
            self._held += text[start : start + _AT_ONCE]
            pieces += self._take(final=False)
        return pieces

    def end(self) -> list[Piece]:
        """What was still held back, at the end of the answer."""
        pieces = self._take(final=True)
        self.__init__()  # type: ignore[misc]
        return pieces

    def _take(self, *, final: bool) -> list[Piece]:
        pieces: list[Piece] = []
        while self._held:
            step = self._begin_line if self._new_line else self._code if self._fence else self._inline
            found = step(final)
            if found is None:
                break
            pieces += found
        return [piece for piece in pieces if piece.text]

    def _cut(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        if text:
            self._before = text[-1]
            self._new_line = text.endswith("\n")
        return text

    def _begin_line(self, final: bool) -> list[Piece] | None:
        """Look at how a line begins. `None`: that is not decided yet."""
        whole_line = final or "\n" in self._held or len(self._held) > _HELD_AT_MOST
        fence = _FENCE.match(self._held)
        if self._fence:
            closes = fence is not None and fence[1].startswith(self._fence) and not fence[0].strip(" `~")
            undecided = self._fence.startswith(self._held.lstrip(" ")) or fence is not None
            if undecided and not whole_line:
                return None
            if not closes:
                self._new_line = False
                return []
            self._fence = ""
            return self._rest_of_line({"dim": True})
        if not whole_line and (fence or _UNDECIDED.fullmatch(self._held)):
            return None
        if fence:
            self._fence = fence[1]
            return self._rest_of_line({"dim": True})
        self._style = {}
        if rule := _RULE.match(self._held):
            self._cut(rule.end())
            return [Piece("─" * 24, {"dim": True})]
        if heading := _HEADING.match(self._held):
            self._style = {"bold": True, "underline": True}
            return self._mark(heading.end(), Piece("", {}))
        if bullet := _BULLET.match(self._held):
            return self._mark(bullet.end(), Piece(f"{bullet[1]}• ", {}))
        if quote := _QUOTE.match(self._held):
            self._style = {"dim": True}
            return self._mark(quote.end(), Piece("│ ", {"dim": True}))
        self._new_line = False
        return []

    def _mark(self, length: int, shown: Piece) -> list[Piece]:
        self._cut(length)
        self._new_line = False
        return [shown]

    def _rest_of_line(self, style: dict[str, Any]) -> list[Piece]:
        end = self._held.find("\n")
        return [Piece(self._cut(len(self._held) if end < 0 else end + 1), style)]

    def _code(self, final: bool) -> list[Piece]:
        return self._rest_of_line(_CODE)

    def _inline(self, final: bool) -> list[Piece] | None:
        """Text up to the next mark, or the mark with what it encloses. `None`: its end has not come yet."""
        mark = _MARK.search(self._held)
        if mark is None:
            return [Piece(self._cut(len(self._held)), self._style)]
        if mark.start():
            return [Piece(self._cut(mark.start()), self._style)]
        if mark[0] == "\n":
            return [Piece(self._cut(1), {})]
        decided = final or "\n" in self._held or len(self._held) > _HELD_AT_MOST
        line = self._held[:_HELD_AT_MOST].partition("\n")[0]
        if mark[0] == "\\":
            if len(self._held) == 1 and not final:
                return None
            return [Piece(self._cut(2 if self._held[1:2] in ("`", "*", "\\") else 1), self._style)]
        length, found = _enclosed(line, self._before, self._style, decided)
        if found:
            self._cut(length)
            return found
        if not decided and length:
            return None
        run = _STARS.match(line) or _TICKS.match(line)
        assert run is not None
        return [Piece(self._cut(run.end()), self._style)]


def _enclosed(line: str, before: str, style: dict[str, Any], decided: bool) -> tuple[int, list[Piece]]:
    """What the mark at the beginning of `line` encloses, and the length of it all.

    Without pieces nothing is enclosed so far; the length is then 0 if nothing can be, whatever comes. Unless it is
    `decided` that nothing comes, a mark at the end may still grow.
    """
    if ticks := _TICKS.match(line):
        for end in _TICKS.finditer(line, ticks.end()):
            if end[0] == ticks[0] and (decided or end.end() < len(line)):
                inner = line[ticks.end() : end.start()]
                return end.end(), [Piece(inner.strip(" ") or inner, {**style, **_CODE})]
        return len(line), []
    stars = _STARS.match(line)
    assert stars is not None
    count = stars.end()
    after = line[count : count + 1]
    if not after:
        return len(line), []
    if count > 3 or after.isspace() or before.isalnum() or (count == 1 and before in "*/(" and after.isdigit()):
        return 0, []
    added = {1: {"italic": True}, 2: {"bold": True}, 3: {"bold": True, "italic": True}}[count]
    for end in _STARS.finditer(line, count):
        follows = line[end.end() : end.end() + 1]
        last = line[end.start() - 1]
        if len(end[0]) != count or last.isspace() or last == "\\" or follows.isalnum():
            continue
        if decided or follows:
            return end.end(), _styled(line[count : end.start()], {**style, **added})
    return len(line), []


def _styled(text: str, style: dict[str, Any]) -> list[Piece]:
    """Text inside a mark, with `code` in it."""
    pieces: list[Piece] = []
    place = 0
    for code in re.finditer(r"`([^`]+)`", text):
        pieces += [Piece(text[place : code.start()], style), Piece(code[1], {**style, **_CODE})]
        place = code.end()
    return [piece for piece in [*pieces, Piece(text[place:], style)] if piece.text]
