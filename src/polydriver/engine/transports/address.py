"""Where a request goes: its origin, its target, and the proxy on the way."""

from __future__ import annotations

import base64
import functools
import os
import re
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import getproxies_environment

from ...data.http import TransportConfig, has_dot_segment
from ...data.sealed import SealedText
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
    if has_dot_segment(url):
        raise ConfigurationError("The URL has '.' or '..' as a segment of its path. Check base_url, names and ids")
    target = quote(parts.path or "/", safe=_URL_CHARACTERS)
    if parts.query:
        target = f"{target}?{quote(parts.query, safe=_URL_CHARACTERS)}"
    return Address(origin, target, _authority(origin))


def proxy_for(origin: Origin, config: TransportConfig) -> Proxy | None:
    """The proxy for `origin`: `config.proxy`, else what the environment says when `config.trust_env`.

    `NO_PROXY` is a list of host names, suffixes, addresses, networks (`10.0.0.0/8`), each with a port or without, or
    `*`; names are not resolved for it. A SOCKS proxy of the environment never stands before this machine itself.
    Raises `ConfigurationError` for a proxy that is not `http` or `https`, with the name of its variable.
    """
    if config.proxy is not None or not config.trust_env:
        return _proxy(config.proxy, "proxy") if config.proxy else None
    proxies = getproxies_environment()
    name = origin.scheme if proxies.get(origin.scheme) else "all"
    url = proxies.get(name)
    if not url or _is_exempt(origin, proxies.get("no", "")):
        return None
    if _is_socks(url) and _is_loopback(origin.host):
        return None
    return _proxy(url, _variable(f"{name}_proxy"))


def _variable(name: str) -> str:
    """The variable of the environment as it is written there."""
    return next((found for found in os.environ if found.lower() == name and os.environ[found]), name.upper())


def _is_exempt(origin: Origin, listed: str) -> bool:
    return any(_exempts(entry, origin) for entry in listed.replace(",", " ").split())


def _exempts(entry: str, origin: Origin) -> bool:
    """Whether one entry of `NO_PROXY` means `origin`."""
    if entry == "*":
        return True
    host = origin.host.lower().rstrip(".")
    try:
        network = ip_network(entry.strip("[]"), strict=False)
        return ip_address(host) in network
    except ValueError:
        pass  # not both of them are addresses
    name, separator, port = entry.rpartition(":")
    if separator and port.isdecimal() and "]" not in port:
        return int(port) == origin.port and _exempts(name, origin)
    suffix = entry.lower().lstrip("*").lstrip(".").rstrip(".")
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".").endswith("localhost")


def _is_socks(url: str) -> bool:
    return url.lower().startswith("socks")


def _proxy(url: str, source: str) -> Proxy:
    if _is_socks(url):
        raise ConfigurationError(
            f"{source} names a SOCKS proxy, which is not supported",
            hint="Give an http:// or https:// proxy as proxy, unset the variable, set trust_env=False, or bring a "
            "client that speaks SOCKS (pip install 'polydriver[httpx2]' 'httpx2[socks]'): "
            "transport=HTTPX2Transport(httpx2.Client(proxy='socks5://...')).",
        )
    parts, origin = _split(url if "://" in url else f"http://{url}", f"proxy URL of {source}")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = SealedText("Basic " + base64.b64encode(pair.encode()).decode())
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
