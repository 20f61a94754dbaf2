"""The address of an Ollama server, as `OLLAMA_HOST` gives it. https://docs.ollama.com/faq"""

from __future__ import annotations

import re

from ...errors import ConfigurationError

__all__ = ["read_host"]

_FORM = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9a-f:.]+\]|[^\s/:@?#\[\]]*|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*)"
    r"(?::(?P<port>\d{1,5}))?(?P<path>/[^\s?#]*)?",
    re.IGNORECASE,
)
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
_PORTS = {"http": "80", "https": "443"}


def read_host(value: str) -> str:
    """The base URL for `host`, `host:port`, `:port`, an IPv6 address, or a URL with or without port and path.

    Without a scheme it is HTTP at port 11434; the addresses that a server listens on everywhere (`0.0.0.0`, `::`) mean
    this machine. Raises `ConfigurationError` for anything else.
    """
    match = _FORM.fullmatch(value.strip().strip("\"'"))
    if match is None or not 0 < int(match["port"] or 1) < 65536:
        raise ConfigurationError("OLLAMA_HOST (host) is not an address: write host, host:port or http://host:port")
    scheme = (match["scheme"] or "http").lower()
    host = match["host"]
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    port = match["port"] or (_PORTS[scheme] if match["scheme"] else "11434")
    shown = "" if port == _PORTS[scheme] else f":{port}"
    return f"{scheme}://{_ANY.get(host, host)}{shown}{(match['path'] or '').rstrip('/')}"
