"""What a port sends requests with: the only package that imports an HTTP client, each when it is first needed.

aiohttp serves async callers and urllib3 blocking ones; httpx2, an extra, serves both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from ...data.http import TransportConfig
from ...errors import ConfigurationError
from .base import AsyncBody, AsyncTransport, BlockingBody, BlockingTransport

if TYPE_CHECKING:
    from .httpx2 import AsyncHTTPX2Transport, HTTPX2Transport

__all__ = ["AsyncBody", "AsyncTransport", "BlockingBody", "BlockingTransport", "transport_for"]

_DEFAULTS = {"blocking": "urllib3", "async": "aiohttp"}


@overload
def transport_for(kind: Literal["blocking"], config: TransportConfig, name: str | None = None) -> BlockingTransport: ...


@overload
def transport_for(kind: Literal["async"], config: TransportConfig, name: str | None = None) -> AsyncTransport: ...


def transport_for(
    kind: Literal["blocking", "async"], config: TransportConfig, name: str | None = None
) -> BlockingTransport | AsyncTransport:
    """The transport for blocking or async callers, by the client's name.

    Without a `name`, `config.http_client` decides where it serves this kind of caller, and the default where
    it does not: one configuration serves both colours. Raises `ConfigurationError` for an unknown name, or
    when the client is not installed.
    """
    if name is None:
        name = "httpx2" if config.http_client == "httpx2" else _DEFAULTS[kind]
    if name == "httpx2":
        return _httpx2(kind, config)
    if name != _DEFAULTS[kind]:
        known = f"{_DEFAULTS[kind]!r} or 'httpx2'"
        raise ConfigurationError(f"http_client {name!r} does not serve {kind} calls. Use {known}")
    if kind == "blocking":
        from .blocking_urllib3 import Urllib3Transport

        return Urllib3Transport(config)
    from .async_aiohttp import AiohttpTransport

    return AiohttpTransport(config)


def _httpx2(kind: Literal["blocking", "async"], config: TransportConfig) -> HTTPX2Transport | AsyncHTTPX2Transport:
    try:
        from .httpx2 import AsyncHTTPX2Transport, HTTPX2Transport
    except ModuleNotFoundError as error:
        raise ConfigurationError("http_client 'httpx2' needs: pip install 'polydriver[httpx2]'") from error
    return HTTPX2Transport(config=config) if kind == "blocking" else AsyncHTTPX2Transport(config=config)
