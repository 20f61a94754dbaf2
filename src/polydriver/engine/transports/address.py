"""Where a request goes: its origin, its target, and the proxy on the way."""

from __future__ import annotations

import base64
import functools
import re
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from ...data.http import TransportConfig
from ...errors import ConfigurationError

__all__ = ["Address", "Origin", "Proxy", "locate", "proxy_for"]

_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


class Origin(NamedTuple):
    """Scheme, host (no brackets, ASCII) and port: what a connection is made to."""

    scheme: str
    host: str
    port: int


class Address(NamedTuple):
    """A URL taken apart: `target` is the path with the query, `authority` the value of the Host header."""

    origin: Origin
    target: str
    authority: str


class Proxy(NamedTuple):
    """A proxy: where it is, and the value of the Proxy-Authorization header, if it needs one."""

    origin: Origin
    authorization: str | None

    @property
    def url(self) -> str:
        """The proxy's URL, without credentials."""
        return f"{self.origin.scheme}://{_authority(self.origin, always_port=True)}"

    def __repr__(self) -> str:
        return f"<Proxy {self.url}>"


@functools.lru_cache(maxsize=256)
def locate(url: str) -> Address:
    """Take an absolute `http` or `https` URL apart.

    Raises `ConfigurationError`, without quoting the URL, for anything else, and for credentials in the URL.
    """
    if _UNSAFE.search(url):
        raise ConfigurationError("The URL has spaces or control characters in it. Check base_url")
    parts, origin = _split(url, "URL")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("The URL has credentials in it. Give them as api_key or as a header")
    target = quote(parts.path or "/", safe=_URL_CHARACTERS)
    if parts.query:
        target = f"{target}?{quote(parts.query, safe=_URL_CHARACTERS)}"
    return Address(origin, target, _authority(origin))


def proxy_for(origin: Origin, config: TransportConfig) -> Proxy | None:
    """The proxy for `origin`: `config.proxy`, else what the environment says when `config.trust_env`.

    `NO_PROXY` is a list of host names, suffixes, `host:port` pairs, or `*`. Raises `ConfigurationError` for a
    proxy that is not `http` or `https`.
    """
    url = config.proxy
    if url is None and config.trust_env:
        proxies = getproxies_environment()
        url = proxies.get(origin.scheme) or proxies.get("all")
        if url and proxy_bypass_environment(_authority(origin, always_port=True), proxies):
            url = None
    return _proxy(url) if url else None


def _proxy(url: str) -> Proxy:
    parts, origin = _split(url if "://" in url else f"http://{url}", "proxy URL")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(origin, authorization)


def _split(url: str, what: str) -> tuple[SplitResult, Origin]:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna" if not url.isascii() else "ascii").decode()
        port = parts.port
    except ValueError:  # UnicodeError included
        raise ConfigurationError(f"The {what} is not valid. Check its host and port") from None
    if parts.scheme not in _PORTS or not host:
        raise ConfigurationError(f"The {what} must start with http:// or https:// and name a host")
    return parts, Origin(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)


def _authority(origin: Origin, *, always_port: bool = False) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return host if origin.port == _PORTS[origin.scheme] and not always_port else f"{host}:{origin.port}"
