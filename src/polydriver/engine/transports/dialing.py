"""Connections of urllib3 that end by a deadline: names, addresses, proxy tunnels and TLS."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig

from ...data.http import TransportConfig
from .address import Origin, Proxy
from .base import broken, remaining, timed_out
from .sockets import dial, never
from .tls import tls_context

__all__ = ["connect"]


def connect(
    origin: Origin,
    proxy: Proxy | None,
    config: TransportConfig,
    expires: float,
    is_stopped: Callable[[], bool] = never,
) -> socket.socket:
    """A connected socket to `origin`, through `proxy` and TLS where they are needed.

    urllib3 does the work, except for opening the socket, which ends soon after `is_stopped`. Raises
    `APIConnectionError`, and `APITimeoutError` (phase "connect") at `expires`.
    """
    link = _link(origin, proxy, config)
    link.expires, link.is_stopped = expires, is_stopped
    try:
        link.connect()
    except TimeoutError as error:
        link.close()
        raise timed_out("connect", origin.host) from error
    except Exception as error:  # noqa: BLE001 - `http.client`, which reads a proxy's answer, and resolvers have errors of their own
        link.close()
        cause = error if isinstance(error, OSError) else None
        raise broken("connect", origin.host, _reason(error)) from cause
    except BaseException:
        link.close()
        raise
    # The connection object is let go and must not close what it made.
    connected, link.sock = link.sock, None
    assert connected is not None
    return connected


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or 'no reason given'})"
    text = str(error)
    if text.startswith("Tunnel connection failed"):
        return f"the proxy refused the tunnel ({text[25:].strip()[:3]})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


class _Deadline:
    """Opens the socket by a deadline, which then also bounds the answer of a proxy and the TLS handshake."""

    expires: float
    is_stopped: Callable[[], bool]

    def _new_conn(self) -> socket.socket:
        return dial(self._dns_host, self.port, self.expires, self.is_stopped)  # type: ignore[attr-defined]

    def response_class(self, link: socket.socket, **options: Any) -> HTTPResponse:
        """What reads a proxy's answer to CONNECT; `http.client` calls it like a class."""
        return HTTPResponse(_Bounded(link, self.expires), **options)  # type: ignore[arg-type]


class _Link(_Deadline, HTTPConnection):  # type: ignore[misc]
    pass


class _SecureLink(_Deadline, HTTPSConnection):  # type: ignore[misc]
    pass


class _Bounded(io.RawIOBase):
    """The reading side of a socket that sets the time left before each receive."""

    def __init__(self, link: socket.socket, expires: float) -> None:
        self._link = link
        self._expires = expires

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = remaining(self._expires)
        if not left:
            raise TimeoutError
        self._link.settimeout(left)
        data = self._link.recv(len(buffer))
        self._link.settimeout(remaining(self._expires) or 0.001)
        buffer[: len(data)] = data
        return len(data)


def _link(origin: Origin, proxy: Proxy | None, config: TransportConfig) -> _Link | _SecureLink:
    first = proxy.origin if proxy else origin
    if first.scheme == "http" and origin.scheme == "http":
        return _Link(first.host, first.port)
    context = tls_context(config)
    requirement = ssl.CERT_REQUIRED if config.verify else ssl.CERT_NONE
    options: dict[str, Any] = {"ssl_context": context, "cert_reqs": requirement}
    if proxy is None or origin.scheme == "http":
        return _SecureLink(first.host, first.port, **options)
    link = _SecureLink(
        first.host,
        first.port,
        proxy=urllib3.util.parse_url(proxy.url),
        proxy_config=ProxyConfig(context, False, None, None),
        **options,
    )
    headers = {"proxy-authorization": proxy.authorization} if proxy.authorization else None
    link.set_tunnel(origin.host, origin.port, headers=headers, scheme=first.scheme)
    return link
