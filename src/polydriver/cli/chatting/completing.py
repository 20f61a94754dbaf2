"""What the Tab key makes of a line in a chat: commands, connections, models, files."""

from __future__ import annotations

import glob
import os

from ..completing import model_names, provider_names, starting
from .slash import COMMANDS
from .state import Chat

__all__ = ["complete_line"]

_PATHS = ("attach", "load", "save")


def complete_line(chat: Chat, begun: str) -> list[str]:
    """What the last word of a chat's line may be, as whole words."""
    command, space, rest = begun.partition(" ")
    if not command.startswith("/"):
        return []
    if not space:
        takes = {name: usage for name, (usage, _, _) in COMMANDS.items()} | {"exit": ""}
        return starting(command, lambda: [f"/{name} " if usage else f"/{name}" for name, usage in takes.items()])
    if command == "/provider":
        return starting(rest, lambda: provider_names(chat.session))
    if command == "/model":
        return starting(rest, lambda: model_names(chat.session, chat.provider))
    if command[1:] in _PATHS:
        word = rest.rpartition(" ")[2]
        found = glob.glob(glob.escape(os.path.expanduser(word)) + "*")
        return sorted(path + os.sep if os.path.isdir(path) else path for path in found)
    return []
