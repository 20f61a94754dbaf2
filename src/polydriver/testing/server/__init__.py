"""The mock driver behind a real HTTP server, so that any program in any language can be tested against it.

A module for each wire: `responses`, `messages`, `generate_content`; and for what each service has beyond chat.
"""

from __future__ import annotations

from .listening import MockServer, serve

__all__ = ["MockServer", "serve"]
