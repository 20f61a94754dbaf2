"""MCP: the tools of a server are offered and run like functions. Needs `pip install 'polydriver[mcp]'`.

Run with the argument `server`, this file is the server itself, talking over stdin and stdout.
"""

from __future__ import annotations

import sys

from playground import playground

from polydriver.mcp import MCPTools
from polydriver.testing import tool_call


def serve() -> None:
    """A small MCP server."""
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("shop", log_level="ERROR")

    @server.tool()
    def stock(article: str) -> int:
        """How many of an article are left."""
        return {"umbrella": 3}[article]

    server.run()


def main() -> None:
    """Ask a model that may use the server's tools."""
    with (
        playground(tool_call("shop_stock", article="umbrella"), "Three umbrellas are left.") as ai,
        MCPTools.stdio(sys.executable, [__file__, "server"], prefix="shop", timeout=20) as tools,
    ):
        print([tool.name for tool in tools])
        chat = ai.conversation().model("gpt-4o-mini").tools(*tools)
        chat.on_tool_result(lambda result: print("result:", result.text))
        print(chat.run_tools("How many umbrellas are left?").content)


if __name__ == "__main__":
    if sys.argv[1:] == ["server"]:
        serve()
    else:
        main()
