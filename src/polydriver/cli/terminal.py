"""Text from outside made safe for a terminal: control characters become visible text.

A model's text, a provider's error or a model list may hold escape sequences that move the cursor, set the window's
title or the clipboard (ECMA-48), or characters that turn the direction of what follows (Unicode TR 36, "Trojan
Source"). Everything that the command line prints goes through here.
"""

from __future__ import annotations

__all__ = ["escape_json", "neutralise"]

_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_C1 = range(0x80, 0xA0)
_SURROGATES = range(0xD800, 0xE000)

_VISIBLE: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: "␡",
    **{code: f"<U+{code:04X}>" for code in (*_C1, *_BIDI)},
    **dict.fromkeys(_SURROGATES, "�"),
}
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in (0x7F, *_C1, *_BIDI)}


def neutralise(text: str) -> str:
    """The text with every control character shown instead of sent: ESC as ␛, U+009B as `<U+009B>`.

    That is all of C0 (but newline and tab), DEL, C1, the bidi embeddings, overrides and isolates, and lone
    surrogates, which no terminal can be sent. Each character is judged by itself, so a sequence that is split
    between two chunks is caught as well.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_VISIBLE)


def escape_json(document: str) -> str:
    """A JSON document with the same characters as JSON escapes: safe to look at, and nothing is lost."""
    return document.translate(_JSON_ESCAPES)
