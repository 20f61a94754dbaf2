"""What traits may expect of the driver that they become part of, for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["TraitBase"]

if TYPE_CHECKING:
    from ...contract import DriverHooks
    from ...data.http import Reply, Request
    from ...errors import InvalidResponseError, ProviderError

    class TraitBase(DriverHooks):
        """A driver with the helpers that traits lend to each other."""

        def url(self, path: str, **query: str | int | None) -> str:
            """See `HandlesApiCommunication`."""

        def place(self, path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
            """See `HandlesApiCommunication`."""

        def build_get(self, path: str, **query: str | int | None) -> Request:
            """See `HandlesApiCommunication`."""

        def build_post(
            self, path: str, body: dict[str, Any], *, stream: bool = False, headers: dict[str, str] | None = None
        ) -> Request:
            """See `HandlesApiCommunication`."""

        def decode(self, reply: Reply) -> dict[str, Any]:
            """See `HandlesApiCommunication`."""

        def decode_any(self, reply: Reply) -> Any:
            """See `HandlesApiCommunication`."""

        def map_payload(self, payload: Any) -> ProviderError:
            """See `HandlesErrors`."""

        def invalid_response(self, problem: str, body: bytes = b"") -> InvalidResponseError:
            """See `HandlesErrors`."""
else:
    from ...contract import Trait as TraitBase
