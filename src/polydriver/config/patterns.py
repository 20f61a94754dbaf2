"""What keys look like when they aren't known: the second line of defence against echoes."""

from __future__ import annotations

import re

__all__ = ["redact_patterns"]


def redact_patterns(text: str, mask: str) -> str:
    """`text` with all that has the look of a key replaced by `mask`; names and schemes around it stay."""
    lower = text.lower()
    if len(lower) <= _SHORT and _ANY_HINT.search(lower) is None:
        return text
    for hints, pattern, kept in _PATTERNS:
        if any(hint in lower for hint in hints):
            text = pattern.sub(kept + mask, text)
    return text


# Each row: words of which one occurs in every match (a fast test), the pattern, and what of it is kept.
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # Keys by the prefixes of their issuers, half-masked echoes ("sk-ab***wxyz") included.
    (
        ("sk-", "sk_", "xai-", "pplx-", "hf_", "nvapi-", "tgp_"),
        re.compile(r"(?<![A-Za-z0-9])(?:[a-z]?sk[-_]|xai-|pplx-|hf_|nvapi-|tgp_)[\w*.-]{5,}[\w*]"),
        "",
    ),
    (("aiza",), re.compile(r"AIza[\w*-]{8,}"), ""),
    (("ya29.",), re.compile(r"ya29\.[\w.-]{8,}"), ""),
    (("akia", "asia"), re.compile(r"(?<![A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}"), ""),
    (("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), ""),
    # A scheme and its token. Prose such as "bearer authentication" has no digit and is shorter.
    (
        ("bearer", "basic"),
        re.compile(
            r"\b(bearer|basic)(\s+)(?=[\w.~+/=*-]*[\d*]|[\w.~+/=-]{20})[\w.~+/=*-]{6,}",
            re.IGNORECASE,
        ),
        r"\1\2",
    ),
    # URL parameters.
    (
        ("key=", "token=", "secret=", "password=", "sig=", "signature="),
        re.compile(
            r"([?&](?:[\w-]*(?:key|token|secret)|password|sig|[\w-]*signature)=)[^&#\s\"'<>]+",
            re.IGNORECASE,
        ),
        r"\1",
    ),
    # Headers and JSON members, in any quoting.
    (
        ("api-key", "api_key", "apikey", "authorization"),
        re.compile(
            r"((?:api[-_]?key|authorization)[\\\"']*+\s*+[:=]\s*+[\\\"']*+(?:b[\\\"']++)?+(?:(?:bearer|basic)\s++)?+)"
            r"(?!(?:bearer|basic)\b)[^\s\"'\\,;&}<>]{6,}",
            re.IGNORECASE,
        ),
        r"\1",
    ),
    (("://",), re.compile(r"(://)[^/@\s\"'<>?#]{1,500}(?=@)"), r"\1"),
)

# One look for all hints: the fastest in short texts, such as the ids of requests. In long ones single words are.
_SHORT = 200
_ANY_HINT = re.compile("|".join(re.escape(hint) for hints, _, _ in _PATTERNS for hint in hints))
