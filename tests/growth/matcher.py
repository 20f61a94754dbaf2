"""A matcher of regular expressions that works as Python's does, step by step, and counts its steps.

It reads the parsed form that Python's own compiler makes. Limits such as `{0,200}` are scaled down to 20, so that what
they bound does not look as if it grew with the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["Matcher", "TooManySteps"]

_UNBOUNDED = c.MAXREPEAT
_SCALE = 20
_REPEATS = (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT)
Next = Callable[[int], bool]


class TooManySteps(Exception):
    """The pattern took more steps than any linear one does."""


class Matcher:
    """One pattern. `steps` counts the characters and positions that were tried since it was set to 0."""

    def __init__(self, pattern: str | bytes, flags: int = 0, limit: int = 10**6) -> None:
        text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
        self.tree = _parser.parse(text, flags & ~re.UNICODE & ~re.DEBUG)
        self.flags = flags | self.tree.state.flags
        self.limit = limit
        self.steps = 0
        self._text = ""
        self._groups: dict[int, tuple[int, int]] = {}

    def search(self, text: str, *, anchored: bool) -> int:
        """The steps of looking for all matches in `text`, or for one at its start."""
        self._text = text.lower() if self.flags & re.IGNORECASE else text
        self.steps = 0
        position = 0
        while position <= len(text):
            self._groups = {}
            end: list[int] = []
            if self._run(list(self.tree), 0, position, lambda at, end=end: bool(end.append(at) or True)):
                position = max(end[0], position + 1)
            else:
                position += 1
            if anchored:
                break
        return self.steps

    def finds(self, text: str) -> bool:
        """Whether the pattern matches anywhere."""
        self._text = text.lower() if self.flags & re.IGNORECASE else text
        return any(self._run(list(self.tree), 0, at, lambda _: True) for at in range(len(text) + 1))

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self.limit:
            raise TooManySteps

    def _run(self, nodes: list[Any], index: int, at: int, then: Next) -> bool:
        if index == len(nodes):
            return then(at)
        self._step()
        op, value = nodes[index]

        def go_on(position: int) -> bool:
            return self._run(nodes, index + 1, position, then)

        if op in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN):
            return self._is(op, value, at) and go_on(at + 1)
        if op in _REPEATS:
            low, high, body = value
            return self._repeat(op, _scaled(low), _scaled(high), list(body), at, go_on)
        if op is c.BRANCH:
            return any(self._run(list(branch), 0, at, go_on) for branch in value[1])
        if op is c.SUBPATTERN:
            group, _, _, body = value

            def close(position: int) -> bool:
                before = self._groups.get(group)
                self._groups[group] = (at, position)
                if go_on(position):
                    return True
                self._groups[group] = before or (at, at)
                return False

            return self._run(list(body), 0, at, close)
        if op is c.ATOMIC_GROUP:
            end = self._alone(list(value), at)
            return end is not None and go_on(end)
        if op in (c.ASSERT, c.ASSERT_NOT):
            direction, body = value
            start = at if direction > 0 else at - body.getwidth()[0]
            found = start >= 0 and self._alone(list(body), start) is not None
            return found is (op is c.ASSERT) and go_on(at)
        if op is c.AT:
            return self._stands(value, at) and go_on(at)
        if op is c.GROUPREF:
            start, end = self._groups.get(value, (0, 0))
            return self._text.startswith(self._text[start:end], at) and go_on(at + end - start)
        raise NotImplementedError(f"{op} in a pattern")

    def _alone(self, nodes: list[Any], at: int) -> int | None:
        end: list[int] = []
        return end[0] if self._run(nodes, 0, at, lambda position: bool(end.append(position) or True)) else None

    def _repeat(self, op: Any, low: int, high: int, body: list[Any], at: int, then: Next) -> bool:
        if op is c.POSSESSIVE_REPEAT:
            count = 0
            while count < high and (end := self._alone(body, at)) is not None:
                count += 1
                if end == at:
                    break
                at = end
            return count >= low and then(at)
        if len(body) == 1 and body[0][0] in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN):
            return self._repeat_one(op, low, high, body[0], at, then)

        def once_more(count: int, position: int) -> bool:
            self._step()

            def longer() -> bool:
                return count < high and self._run(
                    body, 0, position, lambda end: (end > position or count < low) and once_more(count + 1, end)
                )

            if count < low:
                return longer()
            if op is c.MIN_REPEAT:
                return then(position) or longer()
            return longer() or then(position)

        return once_more(0, at)

    def _repeat_one(self, op: Any, low: int, high: int, node: Any, at: int, then: Next) -> bool:
        """A repeated character, without recursion."""
        if op is c.MIN_REPEAT:
            count = 0
            while True:
                if count >= low and then(at + count):
                    return True
                if count >= high or not self._is(*node, at + count):
                    return False
                count += 1
                self._step()
        count = 0
        while count < high and self._is(*node, at + count):
            count += 1
            self._step()
        while count >= low:
            if then(at + count):
                return True
            count -= 1
            self._step()
        return False

    def _is(self, op: Any, value: Any, at: int) -> bool:
        if not 0 <= at < len(self._text):
            return False
        return self._fits(op, value, self._text[at])

    def _fits(self, op: Any, value: Any, char: str) -> bool:
        if op is c.ANY:
            return char != "\n" or bool(self.flags & re.DOTALL)
        if op is c.IN:
            return _is_in(char, value, bool(self.flags & re.IGNORECASE))
        same = char == (chr(value).lower() if self.flags & re.IGNORECASE else chr(value))
        return same is (op is c.LITERAL)

    def _stands(self, where: Any, at: int) -> bool:
        text = self._text
        if where in (c.AT_BEGINNING, c.AT_BEGINNING_STRING):
            return at == 0 or (where is c.AT_BEGINNING and bool(self.flags & re.MULTILINE) and text[at - 1] == "\n")
        if where in (c.AT_END, c.AT_END_STRING):
            return at == len(text) or (where is c.AT_END and text[at:] == "\n")
        inside = (at > 0 and _is_word(text[at - 1])) != (at < len(text) and _is_word(text[at]))
        return inside is (where is c.AT_BOUNDARY)

    def long_texts(self) -> Iterator[Callable[[int], str]]:
        """Texts of any length that have the pattern try for long: what comes before each loop, and its body again and
        again, with an end that does not match."""
        usual, other = (dict.fromkeys(_loops(list(self.tree), "", order)) for order in _ORDERS)
        for before, body in usual:
            for piece in {self._behaviour(piece): piece for piece in (*reversed(_ALPHABET), body)}.values():
                for end in ("", "\0"):
                    yield lambda n, before=before, piece=piece, end=end: before + piece * n + end
        for before, body in usual | other:
            yield lambda n, before=before, body=body: (before + body) * n + "\0"
        whole = _sample(list(self.tree), _ORDERS[0])
        for text in (whole[:-1], whole, whole[: len(whole) // 2]):
            if text:
                yield lambda n, text=text: text * n

    def _behaviour(self, piece: str) -> tuple[Any, ...]:
        """What the pattern sees of a text: equal for texts that it takes the same steps on."""
        text = piece.lower() if self.flags & re.IGNORECASE else piece
        if self.tree.state.groups > 1 and any(op is c.GROUPREF for op, _ in _nodes(list(self.tree))):
            return (text,)
        leaves = [node for node in _nodes(list(self.tree)) if node[0] in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN)]
        return tuple(
            (_is_word(char), char == "\n", *(self._fits(op, value, char) for op, value in leaves)) for char in text
        )


_ALPHABET = ("a", "0", " ", "\n", '"', "\\", '\\"', "'", "-", "_", ".", "/", "<", "=", ":", "@", "{", "[", "b")


def _scaled(limit: int) -> int:
    return limit if limit == _UNBOUNDED else min(limit, _SCALE)


def _is_word(char: str) -> bool:
    return char == "_" or char.isalnum()


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    c.CATEGORY_DIGIT: str.isdigit,
    c.CATEGORY_NOT_DIGIT: lambda char: not char.isdigit(),
    c.CATEGORY_SPACE: str.isspace,
    c.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    c.CATEGORY_WORD: _is_word,
    c.CATEGORY_NOT_WORD: lambda char: not _is_word(char),
}


def _is_in(char: str, items: list[Any], fold: bool) -> bool:
    wanted = items[0][0] is not c.NEGATE
    forms = {char, char.upper()} if fold else {char}
    for op, value in items:
        for form in forms:
            code = ord(form) if len(form) == 1 else -1
            if op is c.LITERAL and code == value:
                return wanted
            if op is c.RANGE and value[0] <= code <= value[1]:
                return wanted
            if op is c.CATEGORY and _CATEGORIES[value](form):
                return wanted
    return not wanted


def _loops(nodes: list[Any], before: str, order: str) -> Iterator[tuple[str, str]]:
    """Every loop without a small limit, as what comes before it and what it repeats."""
    for op, value in nodes:
        if op in _REPEATS:
            low, high, body = value
            if high > _SCALE:
                yield before, _sample(list(body), order)
            yield from _loops(list(body), before, order)
            before += _sample(list(body), order) * min(max(low, 1), 20)
            continue
        if op is c.SUBPATTERN:
            yield from _loops(list(value[3]), before, order)
        elif op is c.ATOMIC_GROUP:
            yield from _loops(list(value), before, order)
        elif op is c.BRANCH:
            for branch in value[1]:
                yield from _loops(list(branch), before, order)
        elif op in (c.ASSERT, c.ASSERT_NOT):
            yield from _loops(list(value[1]), before, order)
        before += _sample([(op, value)], order)


def _nodes(nodes: list[Any]) -> Iterator[tuple[Any, Any]]:
    """All nodes of a pattern, with those inside others."""
    for op, value in nodes:
        yield op, value
        if op in _REPEATS:
            yield from _nodes(list(value[2]))
        elif op is c.SUBPATTERN:
            yield from _nodes(list(value[3]))
        elif op is c.ATOMIC_GROUP:
            yield from _nodes(list(value))
        elif op is c.BRANCH:
            for branch in value[1]:
                yield from _nodes(list(branch))
        elif op in (c.ASSERT, c.ASSERT_NOT):
            yield from _nodes(list(value[1]))


def _sample(nodes: list[Any], order: str) -> str:
    """A text that the nodes match, of the characters that come first in `order`."""
    text = ""
    for op, value in nodes:
        if op is c.LITERAL:
            text += chr(value)
        elif op in (c.ANY, c.NOT_LITERAL):
            text += "a" if value != ord("a") else "b"
        elif op is c.IN:
            text += next((char for char in order if _is_in(char, value, False)), "a")
        elif op is c.BRANCH:
            text += _sample(list(value[1][0]), order)
        elif op is c.SUBPATTERN:
            text += _sample(list(value[3]), order)
        elif op is c.ATOMIC_GROUP:
            text += _sample(list(value), order)
        elif op in _REPEATS:
            text += _sample(list(value[2]), order) * min(max(value[0], 1), 20)
    return text


_USUAL = "a0A-_. \n\"'\\/:=<>[]{}"
_ORDERS = tuple(order + "".join(map(chr, range(256))) for order in (_USUAL, _USUAL[::-1]))
"""Which characters a text is made of, where a pattern takes several: what one loop ends at, another goes on over."""
