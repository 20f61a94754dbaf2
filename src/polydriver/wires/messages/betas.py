"""The `anthropic-beta` names that a request needs.

https://platform.claude.com/docs/en/api/beta-headers
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...data.json import as_dict, as_list

__all__ = ["FILES", "find_betas"]

FILES = "files-api-2025-04-14"

_FIELDS = {
    "mcp_servers": "mcp-client-2025-11-20",
    "context_management": "context-management-2025-06-27",
    "speed": "fast-mode-2026-02-01",
    "fallbacks": "server-side-fallback-2026-07-01",
    "fallback_credit_token": "fallback-credit-2026-07-01",
    "diagnostics": "cache-diagnosis-2026-04-07",
}
_TOOLS = {
    "computer_20241022": "computer-use-2024-10-22",
    "bash_20241022": "computer-use-2024-10-22",
    "text_editor_20241022": "computer-use-2024-10-22",
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    "advisor_20260301": "advisor-tool-2026-03-01",
    "mcp_toolset": "mcp-client-2025-11-20",
}
_COMPACTION = "compact-2026-01-12"


def find_betas(body: dict[str, Any], asked: list[str]) -> list[str]:
    """The betas that the body uses, after those that the caller asked for; each once.

    A beta asked for in another version takes the place of ours.
    """
    families = {beta[: -len("-2026-01-01")] for beta in asked}
    found = [beta for beta in _needed(body) if beta[: -len("-2026-01-01")] not in families]
    return list(dict.fromkeys([*asked, *found]))


def _needed(body: dict[str, Any]) -> Iterator[str]:
    for field, beta in _FIELDS.items():
        if body.get(field) is not None:
            yield beta
    edits = as_list(as_dict(body["context_management"]).get("edits")) if "context_management" in body else ()
    for edit in edits:
        if str(as_dict(edit).get("type")).startswith("compact_"):
            yield _COMPACTION
    for tool in as_list(body["tools"]) if "tools" in body else ():
        if needed := _TOOLS.get(str(as_dict(tool).get("type"))):
            yield needed
    if isinstance(body.get("container"), dict):
        yield "skills-2025-10-02"
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message["content"]
        if isinstance(content, list) and any(map(_refers_to_file, content)):
            yield FILES


def _refers_to_file(block: Any) -> bool:
    block = as_dict(block)
    if block.get("type") == "tool_result":
        return any(_refers_to_file(inner) for inner in as_list(block.get("content")))
    return block.get("type") == "container_upload" or as_dict(block.get("source")).get("type") == "file"
