"""Encryption of what is stored: AES-256-GCM, with a random nonce, and the row's id as associated data.

What is sealed is `01 | key (4 bytes) | nonce (12 bytes) | ciphertext and tag`. The four bytes of the key are the
beginning of its SHA-256, which tell the keys apart. A row that is put in another one's place cannot be opened.
https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Any

from ..errors import ConfigurationError, StorageError

__all__ = ["Vault"]

_VERSION = b"\x01"
_KEY = slice(1, 5)
_NONCE = slice(5, 17)
_START = 17


class Vault:
    """Seals with the first of its keys, and opens with any of them. Keys are of 32 bytes."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Raises `ConfigurationError` when the extra `crypto` is absent."""
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise ConfigurationError("encryption needs the extra crypto: pip install 'polydriver[crypto]'") from error
        self._ciphers: dict[bytes, Any] = {hashlib.sha256(key).digest()[:4]: AESGCM(key) for key in reversed(keys)}
        self._first = hashlib.sha256(keys[0]).digest()[:4]
        self._naming = hashlib.sha256(b"polydriver names of files" + keys[0]).digest()

    def seal(self, data: bytes, place: str) -> bytes:
        """Encrypt what belongs to a place: the kind and the id of a row."""
        nonce = os.urandom(12)
        sealed: bytes = self._ciphers[self._first].encrypt(nonce, data, place.encode())
        return _VERSION + self._first + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for this place. Raises `StorageError` without its key, and for what was changed."""
        cipher = self._ciphers.get(bytes(sealed[_KEY]))
        if sealed[:1] != _VERSION or cipher is None:
            raise StorageError(
                "what is stored is encrypted with another key", hint="Add the older key to storage.encryption_keys."
            )
        from cryptography.exceptions import InvalidTag

        try:
            opened: bytes = cipher.decrypt(bytes(sealed[_NONCE]), bytes(sealed[_START:]), place.encode())
        except InvalidTag:
            raise StorageError(f"what is stored as {place} was changed: it does not fit its key") from None
        return opened

    def is_current(self, sealed: bytes | None) -> bool:
        """Whether something is sealed with the first key."""
        return sealed is not None and bytes(sealed[_KEY]) == self._first

    def name(self, digest: str) -> str:
        """The name of a file of this SHA-256: nobody without the key can tell whether a known file is stored."""
        return hmac.digest(self._naming, digest.encode(), "sha256").hex()
