"""A real MCP server for the tests. `python server.py` serves over stdio, `python server.py http` on loopback."""

from __future__ import annotations

import os
import sys
from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

server = MCPServer("tests", log_level="ERROR")


@server.tool()
def add(a: int, b: int) -> CallToolResult:
    """Add two numbers."""
    return CallToolResult(content=[TextContent(text=str(a + b))])


@server.tool(name="files/read now!")
def read(path: str) -> str:
    """Read a file."""
    return f"content of {path}"


@server.tool()
def measure() -> dict[str, float]:
    """Give structured content."""
    return {"celsius": 21.5}


@server.tool()
def only_structured() -> CallToolResult:
    """Give structured content without text."""
    return CallToolResult(content=[], structured_content={"celsius": 21.5})


@server.tool()
def everything() -> CallToolResult:
    """Give one of each."""
    return CallToolResult(
        content=[
            TextContent(text="look:"),
            ImageContent(data="AAEC", mime_type="image/png"),
            AudioContent(data="AwQ=", mime_type="audio/wav"),
            EmbeddedResource(resource=TextResourceContents(uri="file:///a.txt", text="inside")),
            EmbeddedResource(
                resource=BlobResourceContents(uri="file:///b.pdf", mime_type="application/pdf", blob="BQ==")
            ),
            ResourceLink(name="more", uri="file:///c.txt", description="the rest"),
        ]
    )


@server.tool()
def refuse() -> CallToolResult:
    """Fail in the way that tools should."""
    return CallToolResult(content=[TextContent(text="no such city")], is_error=True)


@server.tool()
def crash() -> str:
    """Raise."""
    raise RuntimeError("broken inside")


@server.tool()
def big(size: int) -> str:
    """Give much text."""
    return "x" * size


@server.tool()
async def hang() -> str:
    """Never answer."""
    await anyio.sleep_forever()
    return ""


@server.tool()
def environment(name: str) -> str:
    """Tell an environment variable."""
    return os.environ.get(name, "not set")


@server.tool()
async def grow(context: Context[Any]) -> str:
    """Get one more tool."""
    server.add_tool(lambda: "new", name="grown", description="Was not there before.")
    await context.notify_tools_changed()
    return "done"


@server.tool()
def leave() -> str:
    """End the process in the middle of a call."""
    os._exit(3)


if __name__ == "__main__":
    if sys.argv[1:] == ["http"]:
        server.run("streamable-http", port=int(os.environ["PORT"]))
    elif sys.argv[1:] == ["sse"]:
        server.run("sse", port=int(os.environ["PORT"]))
    else:
        server.run()
