"""Where Azure OpenAI's models are: the v1 API, or an API by date with deployments in the path.

https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..traits import HandlesApiCommunication

__all__ = ["AzureAddress", "api_root"]

_UNDATED = ("v1", "preview", "latest")
_DEPLOYED = ("chat/completions", "embeddings", "images/", "audio/")


def api_root(endpoint: str, dated: bool) -> str:
    """The base URL of an endpoint, which people give with or without the path of the API."""
    plain = endpoint.rstrip("/").removesuffix("/v1").removesuffix("/openai")
    return f"{plain}/openai" if dated else f"{plain}/openai/v1"


class AzureAddress(HandlesApiCommunication):
    """Addresses of both APIs. A deployment takes the place of the model in a body, and is in the older API's path."""

    @property
    def api_version(self) -> str | None:
        """The version in the query; `None` with the v1 API."""
        version = self.config.setting("api_version")
        return None if version in (None, "v1") else str(version)

    @property
    def is_dated(self) -> bool:
        """Whether the API by date is spoken, which has deployments in its paths."""
        return self.config.setting("api_version") not in (None, *_UNDATED)

    def url(self, path: str, **query: str | int | None) -> str:
        """The absolute URL of a path, with the version."""
        return super().url(path, **{"api-version": self.api_version, **query})

    def place(self, path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The deployment of the model that a body names: in the path of the older API, and in the body."""
        model = body.get("model")
        if not isinstance(model, str):
            return path, body
        deployment = self.config.setting("deployment") or model
        if self.is_dated and path.startswith(_DEPLOYED):
            path = f"deployments/{quote(deployment, safe='')}/{path}"
        return path, {**body, "model": deployment}
