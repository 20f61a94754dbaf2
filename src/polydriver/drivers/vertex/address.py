"""Where Vertex AI's models are. https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations"""

from __future__ import annotations

from urllib.parse import quote

from ..traits.base import TraitBase
from ..traits.communication import with_query

__all__ = ["BASE_URL", "VertexAddress"]

BASE_URL = "https://aiplatform.googleapis.com"
_MULTI_REGIONS = ("us", "eu")


class VertexAddress(TraitBase):
    """Addresses by project and location. Without a project, an API key alone does (express mode)."""

    def url(self, path: str, **query: str | int | None) -> str:
        """The absolute URL of a path below the API's version; a path may begin with another version."""
        if not path.startswith("v1"):
            path = f"{self.config.setting('api_version')}/{path}"
        return with_query(f"{self.host_url()}/{path}", query)

    def host_url(self) -> str:
        """The host of the location, or the connection's own `base_url`, with or without the API's version."""
        location = self.config.setting("location")
        base = self.config.base_url.removesuffix("/v1").removesuffix("/v1beta1")
        if base != BASE_URL or location == "global":
            return base
        if location in _MULTI_REGIONS:
            return f"https://aiplatform.{location}.rep.googleapis.com"
        return f"https://{location}-aiplatform.googleapis.com"

    def model_path(self, model: str, publisher: str = "google") -> str:
        """The resource of a model: its id, `publisher/id`, a resource name, or `endpoints/...` of a tuned model."""
        parts = model.split("/")
        if parts[0] == "projects":
            return quote(model, safe="/@")
        if parts[0] == "models":
            parts = parts[1:]
        if parts[0] not in ("publishers", "endpoints"):
            parts = ["publishers", publisher, "models", *parts] if len(parts) == 1 else [
                "publishers", parts[0], "models", *parts[1:]
            ]  # fmt: skip
        project = self.project()
        home = ["projects", project, "locations", self.config.setting("location")] if project else []
        return quote("/".join([*home, *parts]), safe="/@")

    def project(self) -> str | None:
        """The project whose quota is used."""
        found = self.config.setting("project")
        return found if isinstance(found, str) else None
