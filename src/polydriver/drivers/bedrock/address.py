"""Where Bedrock is: one host for models, and one for lists of them. https://docs.aws.amazon.com/general/latest/gr/bedrock.html"""

from __future__ import annotations

import re

from ..traits.base import TraitBase
from ..traits.communication import with_query

__all__ = ["BedrockAddress", "region_of", "runtime_url"]

_LISTS = ("foundation-models", "inference-profiles")
_RUNTIME = re.compile(r"://bedrock-runtime(?=[.-])")
_ARN_REGION = re.compile(r"model/arn%3A[a-z-]+%3Abedrock%3A([a-z0-9-]+)%3A")
_REGION = re.compile(r"://bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")


def runtime_url(region: str) -> str:
    """The host for models of a region."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{suffix}"


def region_of(base_url: str) -> str | None:
    """The region in the name of one of AWS's own hosts."""
    found = _REGION.search(base_url)
    return found[1] if found else None


class BedrockAddress(TraitBase):
    """Lists are at the setting `control_url`, else at AWS's host for them, or at a `base_url` that is not AWS's."""

    def url(self, path: str, **query: str | int | None) -> str:
        """The absolute URL of a path."""
        base = self.control_url() if path.startswith(_LISTS) else self._model_url(path)
        return with_query(f"{base}/{path}", query)

    def control_url(self) -> str:
        """Where the lists of models are."""
        given = self.config.setting("control_url")
        return given.rstrip("/") if given else _RUNTIME.sub("://bedrock", self.config.base_url)

    def _model_url(self, path: str) -> str:
        """The host for a model: of the region in its ARN, where it is named by one, unless the host is not AWS's."""
        base, found = self.config.base_url, _ARN_REGION.match(path)
        own = region_of(base)
        return base if found is None or own is None else base.replace(f".{own}.", f".{found[1]}.", 1)
