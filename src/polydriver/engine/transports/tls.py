"""One TLS context for each set of settings, made at the first connection that needs it and then shared."""

from __future__ import annotations

import contextlib
import functools
import ssl
import warnings

from ...data.http import TransportConfig
from ...errors import ConfigurationError

__all__ = ["tls_context"]


_UNVERIFIED = (
    "verify=False: certificates are not checked, so anyone on the way can read the key and change the answers; "
    "name the authority of the server in ca_file instead"
)


def tls_context(config: TransportConfig, *, owner: str = "") -> ssl.SSLContext:
    """The context for `config`: the system's authorities or `ca_file`, and the client certificate if there is one.

    Reading the authorities takes milliseconds, so contexts are kept. `owner` separates a client that changes
    the context it is given. Raises `ConfigurationError` for a file that is missing or not a certificate.
    `verify=False` warns.
    """
    if not config.verify:
        warnings.warn(_UNVERIFIED, stacklevel=2)
    return _make(config.ca_file, config.client_cert, config.verify, owner)


@functools.lru_cache(maxsize=32)
def _make(ca_file: str | None, client_cert: str | tuple[str, str] | None, verify: bool, owner: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(f"ca_file cannot be used: {_reason(error)}. Name a PEM file") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert is not None:
        cert, key = (client_cert, None) if isinstance(client_cert, str) else client_cert
        try:
            # Without an answer to give, a key with a passphrase would make OpenSSL ask on the terminal.
            context.load_cert_chain(cert, key, password=lambda: "")
        except OSError as error:
            message = f"client_cert cannot be used: {_reason(error)}. Name a PEM file with certificate and key, or both"
            raise ConfigurationError(message) from error
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = _SecureLink
    return context


class _SecureLink(ssl.SSLSocket):
    """See `polydriver.engine.transports.sockets.Link`."""

    def __del__(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # its making may have been interrupted
            self.close()


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
