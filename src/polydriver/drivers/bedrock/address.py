"""Where Bedrock is: one host for models, one for lists of them and for jobs, and S3 for files. https://docs.aws.amazon.com/general/latest/gr/bedrock.html"""

from __future__ import annotations

import re

from ..traits.base import TraitBase
from ..traits.communication import with_query

__all__ = ["BedrockAddress", "region_of", "runtime_url"]

_CONTROL = ("foundation-models", "inference-profiles", "model-invocation-job")
_RUNTIME = re.compile(r"://bedrock-runtime(?=[.-])")
_ARN_REGION = re.compile(r"model/arn%3A[a-z-]+%3Abedrock%3A([a-z0-9-]+)%3A")
_REGION = re.compile(r"://bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")


def runtime_url(region: str) -> str:
    """The host for models of a region."""
    return f"https://bedrock-runtime.{region}.{_suffix(region)}"


def _suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def region_of(base_url: str) -> str | None:
    """The region in the name of one of AWS's own hosts."""
    found = _REGION.search(base_url)
    return found[1] if found else None


class BedrockAddress(TraitBase):
    """Lists and jobs are at the setting `control_url`, else at AWS's host for them, or at a `base_url` of one's own.

    Files are at the setting `s3_url`, else in S3 of the region.
    """

    region: str = ""

    def url(self, path: str, **query: str | int | None) -> str:
        """The absolute URL of a path."""
        base = self.control_url() if path.startswith(_CONTROL) else self._model_url(path)
        return with_query(f"{base}/{path}", query)

    def control_url(self) -> str:
        """Where the lists of models and the jobs are."""
        given = self.config.setting("control_url")
        return given.rstrip("/") if given else _RUNTIME.sub("://bedrock", self.config.base_url)

    def storage_url(self) -> str:
        """Where the buckets of batches are, with the bucket in the path."""
        given = self.config.setting("s3_url")
        return given.rstrip("/") if given else f"https://s3.{self.region}.{_suffix(self.region)}"

    def _model_url(self, path: str) -> str:
        """The host for a model: of the region in its ARN, where it is named by one, unless the host is not AWS's."""
        base, found = self.config.base_url, _ARN_REGION.match(path)
        own = region_of(base)
        return base if found is None or own is None else base.replace(f".{own}.", f".{found[1]}.", 1)
