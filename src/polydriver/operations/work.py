"""An operation that is ready to be performed."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from ..data.prompt import Prompt
from .kinds import OperationKind
from .requests import BatchRequest, OperationRequest

__all__ = ["Work"]

R = TypeVar("R")


class Work(msgspec.Struct, Generic[R], frozen=True):
    """What to perform: the record of the operation, what its hooks take, and the limits of the call."""

    kind: OperationKind[R]
    request: OperationRequest | Prompt
    limits: dict[str, Any]

    @property
    def model(self) -> str | None:
        """The model that is asked for, where the operation has one."""
        if isinstance(self.request, BatchRequest):
            models = {entry.prompt.model for entry in self.request.prompts}
            return models.pop() if len(models) == 1 else None
        return self.request.model or None
