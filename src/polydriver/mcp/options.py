"""How the tools of an MCP server are offered and run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Self

import msgspec

from ..errors import ConfigurationError

__all__ = ["MCPOptions"]


class MCPOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of all ways to make `MCPTools`.

    - `prefix`: put before each name (`prefix_name`), so that two servers' tools don't clash.
    - `only`: the server's names of the tools to offer; `None` offers all. `max_tools`: how many at most.
    - `requires_approval`: whether the approval hook must agree to a call: for all tools, none, or those named.
    - `timeout` of one call, `connect_timeout` of connecting and of listing, in seconds.
    - `max_result_bytes`: the most text and bytes that are taken from one call; more is that call's failure.
    """

    prefix: str = ""
    only: Collection[str] | None = None
    max_tools: int = 128
    requires_approval: bool | Collection[str] = False
    timeout: float | None = 60.0
    connect_timeout: float = 30.0
    max_result_bytes: int = 1_000_000

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """The options in `values`. Raises `ConfigurationError` for a name that there isn't."""
        unknown = sorted(set(values) - set(cls.__struct_fields__))
        if unknown:
            raise ConfigurationError(
                f"MCPTools has no option {', '.join(unknown)}", hint=f"There are: {', '.join(cls.__struct_fields__)}."
            )
        return cls(**values)

    def needs_approval(self, name: str) -> bool:
        """Whether calls of this tool need an approval."""
        return self.requires_approval if isinstance(self.requires_approval, bool) else name in self.requires_approval
