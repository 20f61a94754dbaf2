"""The kinds of values that settings have: how each is checked and converted, from a value or from text."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..prices.rates import ModelPricing, pricing_from_mapping
from .limits import read_model_limits
from .secrets import Secret

__all__ = ["KINDS", "check_key", "read_base_url", "read_headers"]

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_LEVELS = ("debug", "info", "warning", "error", "critical")


def _number(value: object) -> float:
    number = float(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError
    return float(number)


def _whole(value: object) -> int:
    number = int(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError
    return number


def _at_least(
    read: Callable[[object], Any], least: float, complaint: str, *, above: bool = False
) -> Callable[[object], Any]:
    """A reader of numbers from `least` on (or `above` it), finite ones only."""

    def reader(value: object) -> Any:
        try:
            number = read(value)
            wrong = not math.isfinite(number) or number < least or (above and number == least)
        except (ValueError, OverflowError):
            wrong = True
        if wrong:
            raise ValueError(complaint)
        return number

    return reader


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError("is neither true nor false; use true, 1, yes, on, or false, 0, no, off")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"is not text but {type(value).__name__}")
    if not value.strip():
        raise ValueError("is blank; leave it out or give a text")
    if not value.isprintable():
        raise ValueError("has line breaks or control characters; remove them")
    return value.strip()


def _level(value: object) -> str:
    word = value.strip().lower() if isinstance(value, str) else value
    if word not in _LEVELS:
        raise ValueError(f"is not a log level; use one of {', '.join(_LEVELS)}")
    return str(word)


def _ratio(value: object) -> float:
    number = _above_zero(value)
    if number > 1:
        raise ValueError("is not a share, more than 0 and at most 1")
    return float(number)


def _limit_mode(value: object) -> str:
    if value not in ("wait", "raise"):
        raise ValueError("is neither 'wait' nor 'raise'")
    return str(value)


_REDIS = re.compile(r"(rediss?(\+cluster)?://[^/\s]+|unix://)\S*")


def _redis_url(value: object) -> Secret:
    text = value.reveal() if isinstance(value, Secret) and value else value
    if not isinstance(text, str) or not _REDIS.fullmatch(text):
        raise ValueError(
            "is not the address of a Redis server; write redis://host:6379/0, rediss://..., redis+cluster://host "
            "or unix:///path"
        )
    return Secret(text)


def _redis_failure(value: object) -> str:
    if value not in ("local", "open", "closed"):
        raise ValueError("is not one of 'local', 'open', 'closed'")
    return str(value)


def _cache_store(value: object) -> str:
    if value not in ("memory", "database", "redis"):
        raise ValueError("is not one of 'memory', 'database', 'redis'")
    return str(value)


def _path(value: object) -> Any:
    from pathlib import Path

    if not isinstance(value, str | os.PathLike) or not str(value).strip():
        raise ValueError("is not a path")
    return Path(value).expanduser()


def _json(value: object) -> Any:
    if not isinstance(value, str):
        return value
    import json

    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("is text that is not JSON") from None


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"is not a table (dict with text as keys) but {type(value).__name__}")
    return dict(value)


def _prices(value: object) -> dict[str, ModelPricing]:
    """Prices by model. Raises `ValueError` that names the model and the key, with what it can be."""
    read: dict[str, ModelPricing] = {}
    for model, given in _mapping(value).items():
        if isinstance(given, ModelPricing):
            read[model] = given
            continue
        try:
            read[model] = pricing_from_mapping(_mapping(given))
        except ValueError as error:
            raise ValueError(f"are wrong for {model!r}: {error}") from None
    return read


def _names(value: object) -> tuple[str, ...]:
    """A list of names, or text with commas between them."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) and item.strip() for item in items):
        raise ValueError("is not a list of names, such as ['anthropic', 'openai/gpt-5-mini']")
    return tuple(item.strip() for item in items)


_OPERATIONS = (
    "count_tokens", "edit_image", "embed", "generate_image", "moderate", "ocr", "rerank", "speak", "transcribe",
    "translate",
)  # fmt: skip


def _operation_names(value: object) -> dict[str, tuple[str, ...]]:
    """Lists of names by the methods of operations that any account can do."""
    given = _mapping(value)
    for method, names in given.items():
        if method not in _OPERATIONS:
            raise ValueError(f"has {method!r}, which is not one of {', '.join(_OPERATIONS)}")
        try:
            given[method] = _names(names)
        except ValueError as error:
            raise ValueError(f"is wrong for {method}: it {error}") from None
    return given


def _duration(value: object) -> float | None:
    if value is None or (isinstance(value, str) and value.strip().lower() == "none"):
        return None
    return float(_above_zero(value))


def _proxy(value: object) -> str:
    text = _text(value)
    match = _URL.fullmatch(text)
    if match is None or match["scheme"].lower() not in ("http", "https") or not match["host"]:
        raise ValueError("is not the http or https URL of a proxy; write it in full, such as http://proxy:3128")
    return text


_above_zero = _at_least(_number, 0, "is not a number of seconds above 0", above=True)

KINDS: dict[str, Callable[[object], Any]] = {
    "str": _text,
    "int": _at_least(_whole, -math.inf, "is not a whole number"),
    "float": _at_least(_number, -math.inf, "is not a number"),
    "bool": _flag,
    "seconds": _at_least(_number, 0, "is not a number of seconds, 0 or more"),
    "path": _path,
    "url": lambda value: read_base_url(value),
    "json": _json,
    "timeout": _above_zero,
    "optional_timeout": _duration,
    "count": _at_least(_whole, 1, "is not a whole number of at least 1"),
    "level": _level,
    "header_name": lambda value: _header_name(value),
    "mapping": _mapping,
    "names": _names,
    "operation_names": _operation_names,
    "prices": _prices,
    "model_limits": read_model_limits,
    "ratio": _ratio,
    "limit_mode": _limit_mode,
    "redis_failure": _redis_failure,
    "cache_store": _cache_store,
    "redis_url": _redis_url,
    "proxy": lambda value: None if value is None else _proxy(value),
    "any": lambda value: value,
}
"""Each kind's reader: it converts a value or a text, or raises `ValueError` saying what is wrong."""

_PLACEHOLDER = re.compile(
    r"<.*>|\$\{?\w+\}?|\{.*\}|.*\.\.\..*|(?:sk-)?x{3,}|(?:sk-)?\*{3}.*|(?:[\w-]*[-_])?your[-_].*|your.*key"
    r"|(?:change|replace)[-_]?me|(?:insert|enter|paste|put)[-_].*key.*|api[-_]?key|(?:env:.*)",
    re.IGNORECASE,
)
_ABSENT = frozenset({"none", "null", "undefined"})


_ISSUERS = {
    "sk-ant-": "anthropic",
    "sk-or-": "openrouter",
    "sk-proj-": "openai",
    "sk-svcacct-": "openai",
    "gsk_": "groq",
    "hf_": "huggingface",
    "nvapi-": "nvidia",
    "pplx-": "perplexity",
    "xai-": "xai",
}
"""Prefixes of keys that only one service issues, and which services accept them."""


def check_key(key: str, *, required: bool, prefix: str | None, driver: str | None = None) -> str | None:
    """What is certainly wrong with an API key, if anything, not showing it.

    `prefix`: how it must begin; `driver`: whose own address it is for, or `None` for another address.
    """
    if not key.strip():
        return "is blank; give the key, or leave it out"
    if any(character in key for character in "\r\n"):
        return "has a line break; remove it (a key read from a file often ends in one)"
    if any(character.isspace() for character in key):
        return "has spaces in it; copy the key again"
    if not (key.isascii() and key.isprintable()):
        return "has characters that no key has (control characters or non-ASCII letters); copy the key again"
    if _PLACEHOLDER.fullmatch(key) or (required and key.lower() in _ABSENT):
        return "is a placeholder; put the real key there"
    if prefix and not key.startswith(prefix):
        return f"does not begin with {prefix!r}, so it is another service's; give the right one, or set base_url"
    if driver in _ISSUERS.values():
        for start, issuer in _ISSUERS.items():
            if key.startswith(start) and issuer != driver:
                return f"begins with {start!r}, so it is a key of {issuer}; give the right one, or set base_url"
    return None


_HOST = re.compile(r"(?:\[[0-9a-f:.%]+\]|[^\s\[\]:@\\]+)(?::(?P<port>\d{1,5}))?", re.IGNORECASE)


def read_base_url(value: object) -> str:
    """An `http(s)` URL without slash at its end. Raises `ValueError` that does not show the URL."""
    text = _text(value)
    match = _URL.fullmatch(text)
    if match is None or match["scheme"].lower() not in ("http", "https"):
        raise ValueError("is not an http or https URL; write it in full, such as https://host/v1")
    if "@" in match["host"]:
        raise ValueError("has credentials in it; give them as api_key or headers")
    if "?" in match["rest"] or "#" in match["rest"]:
        raise ValueError("has a query or a fragment; end the URL with its path")
    host = _HOST.fullmatch(match["host"])
    if host is None or int(host["port"] or 1) not in range(1, 65536) or re.search(r"[\s\\]", text):
        raise ValueError("has no valid host and port; write it in full, such as https://host/v1")
    return text.rstrip("/")


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _header_name(value: object) -> str:
    name = _text(value)
    if not _TOKEN.fullmatch(name):
        raise ValueError("is not a name that a header can have; write it like Idempotency-Key")
    return name


def read_headers(value: object) -> dict[str, str | Secret]:
    """Headers by lower-case names. Raises `ValueError` saying what is wrong, without showing the values."""
    headers: dict[str, str | Secret] = {}
    for name, item in _mapping(value).items():
        text = item.reveal() if isinstance(item, Secret) and item else item
        if not _TOKEN.fullmatch(name):
            raise ValueError("has a name that no header can have")
        if not isinstance(text, str):
            raise ValueError(f"has a value that is not text, at {name}")
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text) or re.search(r"[^\x00-\xff]", text):
            raise ValueError(f"has line breaks, control characters or characters beyond Latin-1, at {name}")
        headers[name.lower()] = item
    return headers
