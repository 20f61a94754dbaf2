"""HandlesFunctionCalling: which tools a prompt offers, sorted for rendering."""

from __future__ import annotations

from ...data.prompt import Prompt, ProviderTool, ToolSpec
from .base import TraitBase

__all__ = ["HandlesFunctionCalling"]


class HandlesFunctionCalling(TraitBase):
    """What all wires share in offering tools; how a tool is written is the wire's own `render_tools`."""

    def function_tools(self, prompt: Prompt) -> list[ToolSpec]:
        """The tools that the caller runs."""
        return [tool for tool in prompt.tools if isinstance(tool, ToolSpec)]

    def provider_tools(self, prompt: Prompt) -> list[ProviderTool]:
        """The tools that the provider runs itself."""
        return [tool for tool in prompt.tools if isinstance(tool, ProviderTool)]

    def tool_parameters(self, tool: ToolSpec) -> dict[str, object]:
        """The tool's JSON schema; one without parameters is an empty object schema, which every wire accepts."""
        return tool.parameters or {"type": "object", "properties": {}}
