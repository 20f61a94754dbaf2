"""Azure OpenAI's batches, in OpenAI's form, for deployments of the types `GlobalBatch` and `DataZoneBatch`.

https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/batch and its `/includes/global-batch-limits`
(2026-11-28)
"""

from __future__ import annotations

import re
from typing import Any

from ...data.http import Request
from ...operations.requests import BatchRequest
from ...wires.operations import Batches, Files

__all__ = ["AZURE_FILES", "AzureBatches"]

_DEPLOYMENT = re.compile(r"^/deployments/[^/]+")

AZURE_FILES = Files(
    default_purpose="assistants",
    options={"upload_file": frozenset({"expires_after"}), "list_files": frozenset({"purpose", "order"})},
)
"""Azure has no `user_data`: https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/responses (2026-11-28)"""


class AzureBatches(Batches, kw_only=True, eq=False):
    """Creates batches, follows them and reads their results.

    All prompts of a batch have one deployment. Azure goes on with a batch that takes longer than a day.
    """

    max_prompts: int | None = 100_000

    def render_creation(self, file_id: str | None, endpoint: str, request: BatchRequest) -> dict[str, Any]:
        """See `Batches.render_creation`. Raises `ConfigurationError` for prompts of several models."""
        self.one_model(request.prompts)
        return super().render_creation(file_id, endpoint, request)

    def endpoint_of(self, request: Request) -> str:
        """See `Batches.endpoint_of`. The API by date has a deployment in its paths, and no version in these names."""
        endpoint = super().endpoint_of(request)
        return _DEPLOYMENT.sub("", endpoint.removeprefix(self.endpoint_root)) if self.driver.is_dated else endpoint
