"""Reasoning that comes as `<think>...</think>` at the start of the text."""

from __future__ import annotations

__all__ = ["ThinkTags", "split_thinking"]


def split_thinking(text: str) -> tuple[str, str]:
    """Reasoning and answer of a text that begins with `<think>`; a missing end tag means that all of it is
    reasoning."""
    stripped = text.lstrip()
    if not stripped.startswith("<think>"):
        return "", text
    thinking, found, answer = stripped[len("<think>") :].partition("</think>")
    return thinking.strip("\n"), answer.lstrip("\n") if found else ""


class ThinkTags:
    """Splits text with `<think>...</think>` at its start into reasoning and answer; tags may be cut anywhere."""

    __slots__ = ("_blank", "_held", "_state")

    def __init__(self) -> None:
        self._state = "start"
        self._held = ""
        self._blank: list[str] = []

    def feed(self, text: str) -> list[tuple[bool, str]]:
        """Pieces as (is reasoning, text)."""
        if not self._held and self._is_blank(text):
            self._blank.append(text)
            return []
        self._held += "".join(self._blank) + text
        self._blank.clear()
        pieces: list[tuple[bool, str]] = []
        if self._state == "start":
            begun = self._held.lstrip()
            if begun.startswith("<think>"):
                self._state, self._held = "opened", begun[len("<think>") :]
            elif not "<think>".startswith(begun):
                self._state = "answer"
        if self._state == "opened" and (begun := self._held.lstrip("\n")):
            self._state, self._held = "thinking", begun
        if self._state == "thinking":
            pieces += self._read_thinking()
        if self._state == "closed" and (begun := self._held.lstrip("\n")):
            self._state, self._held = "answer", begun
        if self._state == "answer" and self._held:
            pieces.append((False, self._held))
            self._held = ""
        if self._held and self._is_blank(self._held):
            self._held, self._blank = "", [self._held]
        return pieces

    def _is_blank(self, text: str) -> bool:
        """Whether a piece may be left out in the end: it is kept aside, and looked at once, however many there are."""
        if self._state == "start":
            return not text.strip()
        return self._state != "answer" and not text.strip("\n")

    def _read_thinking(self) -> list[tuple[bool, str]]:
        """Reasoning up to the end tag. What may be the start of that tag, or line breaks before it, are held back."""
        thinking, found, rest = self._held.partition("</think>")
        if found:
            self._state, self._held = "closed", rest
            thinking = thinking.rstrip("\n")
        else:
            keep = next((n for n in range(min(8, len(thinking)), 0, -1) if "</think>".startswith(thinking[-n:])), 0)
            ready = thinking[: len(thinking) - keep].rstrip("\n")
            self._held = thinking[len(ready) :]
            thinking = ready
        return [(True, thinking)] if thinking else []

    def finish(self) -> list[tuple[bool, str]]:
        """What was held back because it could have been a tag."""
        held, self._held = self._held + "".join(self._blank), ""
        self._blank.clear()
        if self._state in ("opened", "thinking"):
            held = held.strip("\n")
        return [(self._state in ("opened", "thinking"), held)] if held and self._state != "closed" else []
