"""Tools of MCP servers (Model Context Protocol), offered and run like functions. Needs the extra `mcp`.

::

    from polydriver.mcp import MCPTools

    with MCPTools.stdio("uvx", ["mcp-server-time"]) as tools:
        print(ai.conversation().tools(*tools).run_tools("What time is it in Tokyo?").content)

https://modelcontextprotocol.io/specification
"""

from __future__ import annotations

from .toolset import MCPTools

__all__ = ["MCPTools"]
