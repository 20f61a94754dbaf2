"""HandlesApiCommunication: headers, URLs and JSON bodies, as most HTTP APIs want them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, ClassVar
from urllib.parse import quote

from ...config import Secret
from ...data.http import Reply, Request, has_dot_segment
from ...data.json import decode_json, encode_json
from ...data.sealed import Headers, SealedText
from ...errors import ConfigurationError
from .base import TraitBase
from .framed import unframe

__all__ = ["HandlesApiCommunication", "with_query"]


def with_query(address: str, query: Mapping[str, str | int | None]) -> str:
    """A URL with a query; values that are `None` are left out.

    Raises `ConfigurationError` for a path that leads elsewhere: a model's name can be foreign, too.
    """
    if has_dot_segment(address):
        raise ConfigurationError("a name or id in the path of the request has '.' or '..' between its slashes")
    pairs = [f"{name}={quote(str(value), safe='')}" for name, value in query.items() if value is not None]
    return f"{address}?{'&'.join(pairs)}" if pairs else address


@lru_cache(maxsize=1024)
def _address(base: str, roots: tuple[str, ...], path: str) -> str:
    """The URL of a path below an address, which may end with one of the roots of all paths."""
    if base.endswith(roots):
        base = base.rpartition("/")[0]
    return with_query(f"{base}/{path}", {})


class HandlesApiCommunication(TraitBase):
    """Builds requests and decodes replies.

    `setting_headers`: settings of the driver that go out as headers where they are set, by the setting's name.
    `path_roots`: what the paths of the API begin with, as "/v1", where `base_url` has it not: people who give it all
    the same mean the address without it.
    """

    setting_headers: ClassVar[Mapping[str, str]] = {}
    path_roots: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def fixed_headers(self) -> Headers:
        """Those of `headers` that the settings decide, which are worked out once."""
        key = self.config.api_key
        headers = Headers({"authorization": f"Bearer {key.reveal()}"} if key else {})
        for setting, name in self.setting_headers.items():
            if value := self.config.settings[setting]:
                headers[name] = SealedText(value.reveal()) if isinstance(value, Secret) else str(value)
        return headers

    def headers(self) -> dict[str, str]:
        """Headers for each request: the key as a bearer token, where there is one, and `setting_headers`."""
        return dict(self.fixed_headers)

    def url(self, path: str, **query: str | int | None) -> str:
        """The absolute URL of a path below `base_url`; query values that are `None` are left out."""
        address = _address(self.config.base_url, self.path_roots, path)
        return with_query(address, query) if query else address

    def place(self, path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Where a request with this body goes, and the body there: for services with the model in the path."""
        return path, body

    def build_get(self, path: str, **query: str | int | None) -> Request:
        """A GET request."""
        return Request(method="GET", url=self.url(path, **query), headers=self.headers())

    def build_post(
        self, path: str, body: dict[str, Any], *, stream: bool = False, headers: dict[str, str] | None = None
    ) -> Request:
        """A POST request with a JSON body; `headers` are added to those of every request."""
        path, body = self.place(path, body)
        all_headers = self.headers()
        all_headers["content-type"] = "application/json"
        if stream:
            all_headers["accept"] = "text/event-stream"
        if headers:
            all_headers.update({name.lower(): value for name, value in headers.items()})
        return Request(method="POST", url=self.url(path), headers=all_headers, body=encode_json(body), stream=stream)

    def decode_any(self, reply: Reply) -> Any:
        """The reply's body as JSON of any shape. Raises `InvalidResponseError` when it is none, and the error that it
        holds when it is one framed as a stream."""
        try:
            return decode_json(reply.body)
        except ValueError as error:
            framed = unframe(reply.body)
            if isinstance(framed, dict) and framed.get("error"):
                raise self.map_payload(framed) from None
            raise self.invalid_response(str(error), reply.body) from None

    def decode(self, reply: Reply) -> dict[str, Any]:
        """The reply's body as a JSON object. Raises `InvalidResponseError` when it is none."""
        payload = self.decode_any(reply)
        if not isinstance(payload, dict):
            raise self.invalid_response(f"a JSON object was expected, not {type(payload).__name__}", reply.body)
        return payload
