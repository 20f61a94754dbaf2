"""The commands of a chat: lines that begin with a slash."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from ...data.messages import AIMessage, Text
from ..documents import read_document, write_document
from ..inputs import read_file
from ..output import amount, describe_usage, note, say
from .state import Chat

__all__ = ["COMMANDS", "run_slash"]

_SHOWN = 400


def is_command(text: str) -> bool:
    """Whether what was typed is a command; a text of several lines that begins with a path is not one."""
    if not text.startswith("/") or text.startswith("//"):
        return False
    return "\n" not in text or _name(text) in COMMANDS


def _name(line: str) -> str:
    return line[1:].split(maxsplit=1)[0].lower() if line[1:].strip() else ""


def run_slash(chat: Chat, line: str) -> bool | AIMessage:
    """Do what a line such as `/model gpt-4o-mini` says. Raises `AIError`.

    False when the chat is to end, and the message when one is to be sent.
    """
    name, rest = _name(line), line[1:].strip().partition(" ")[2]
    if name in ("exit", "quit"):
        return False
    if name == "retry":
        message = chat.ask_again()
        if message is None:
            note("there is nothing to ask again")
        return message or True
    command = COMMANDS.get(name)
    if command is None:
        near = get_close_matches(name, COMMANDS, 1)
        note(f"there is no /{name}." + (f" Did you mean /{near[0]}?" if near else " /help lists what there is."))
    else:
        command[1](chat, rest.strip())
    return True


def _model(chat: Chat, name: str) -> None:
    if name:
        chat.model = name
    note(f"model: {chat.model_in_use or '(none: name one with /model NAME)'}")


def _provider(chat: Chat, name: str) -> None:
    if name:
        chat.change_provider(name)
    note(f"provider: {chat.provider}, model: {chat.model_in_use or '(none: name one with /model NAME)'}")


def _system(chat: Chat, text: str) -> None:
    if text:
        chat.system = None if text == "off" else text
    note(f"system: {chat.system or '(none)'}")


def _attach(chat: Chat, path: str) -> None:
    if path:
        try:
            chat.attached.append((path, read_file(Path(path).expanduser())))
        except (OSError, ValueError) as error:
            note(f"cannot attach it: {error}")
            return
    names = ", ".join(name for name, _ in chat.attached)
    note(f"goes with the next message: {names}" if names else "nothing is attached: /attach PATH")


def _history(chat: Chat, _: str) -> None:
    if not chat.conversation.history:
        note("nothing was said yet")
    for number, message in enumerate(chat.conversation.history, 1):
        say(f"{number:3} {message.role}: ", end="", bold=True)
        text = _summary(message)
        say(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)")


def _summary(message: AIMessage) -> str:
    others = [type(part).__name__.lower() for part in message.parts if not isinstance(part, Text)]
    return "".join(f"[{name}] " for name in others) + message.text


def _fork(chat: Chat, _: str) -> None:
    chat.fork()
    note("this is a copy now; /back returns to the original as it was here")


def _back(chat: Chat, _: str) -> None:
    note("back in the original" if chat.back() else "there is no fork to return from")


def _retry(chat: Chat, _: str) -> None:
    """Done by `run_slash`, since it sends something."""


def _cost(chat: Chat, _: str) -> None:
    responses = chat.conversation.responses
    for number, response in enumerate(responses, 1):
        facts = (response.model, describe_usage(response.usage), amount(response.cost))
        say(f"{number:3} " + " · ".join(fact for fact in facts if fact))
    if responses:
        total = chat.conversation.total_cost
        say("total " + (str(total) if total is not None else "unknown, since one of these is"), bold=True)
    else:
        note("no answer yet")
    left_out = [
        f"{count} {what if count > 1 else what.replace('answers', 'answer', 1)}"
        for what, count in (+chat.left_out).items()
    ]
    if left_out:
        note("left out, though they may be paid for: " + ", ".join(left_out))


def _save(chat: Chat, name: str) -> None:
    if not name:
        note("name a file: /save chat.json (all of it) or /save chat.md (the text)")
        return
    path = Path(name).expanduser()
    data = chat.as_markdown().encode() if path.suffix in (".md", ".txt") else write_document(chat.document())
    try:
        if path.exists() and str(path) not in chat.saved:
            note(f"{path} exists; name another file")
            return
        beside = path.with_name(f"{path.name}.part")
        try:
            beside.write_bytes(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        note(f"cannot write {path}: {getattr(error, 'strerror', None) or error}")
    else:
        chat.saved.add(str(path))
        note(f"saved {len(chat.conversation.history)} messages to {path}")


def _load(chat: Chat, name: str) -> None:
    if not name:
        note("name a file that /save wrote as .json: /load chat.json")
        return
    path = Path(name).expanduser()
    try:
        document = read_document(path.read_bytes())
    except OSError as error:
        note(f"cannot read {path}: {error.strerror}")
    except ValueError as error:
        note(f"cannot load {path}: {error}")
    else:
        chat.load(document)
        note(f"loaded {len(document.messages)} messages; {chat.provider} · {chat.model_in_use or 'no model yet'}")


def _clear(chat: Chat, _: str) -> None:
    chat.clear()
    note("a new conversation, with the same settings")


def _help(chat: Chat, _: str) -> None:
    for name, (usage, _command, text) in COMMANDS.items():
        say(f"  /{name} {usage}".ljust(20), end="", bold=True)
        say(text)
    say("  /exit".ljust(20), end="", bold=True)
    say("leave; so does Ctrl-D")
    note('A line that ends in \\ goes on in the next; """ begins and ends a block. // begins a message with a slash.')
    note("Ctrl-C stops an answer; what came of it stays in the conversation.")


COMMANDS: dict[str, tuple[str, Callable[[Chat, str], None], str]] = {
    "model": ("NAME", _model, "go on with another model"),
    "provider": ("NAME", _provider, "go on with another connection; the history goes along"),
    "system": ("TEXT", _system, "instructions for the model; `/system off` removes them"),
    "attach": ("PATH", _attach, "attach a file or an image to the next message"),
    "retry": ("", _retry, "ask the last question again; the new answer takes the place of the old one"),
    "history": ("", _history, "what was said"),
    "fork": ("", _fork, "go on in a copy of the conversation"),
    "back": ("", _back, "return to what was forked"),
    "cost": ("", _cost, "tokens and cost, answer by answer"),
    "save": ("FILE", _save, "write the conversation to a file: .json, .md or .txt"),
    "load": ("FILE", _load, "go on with a conversation that was saved as .json"),
    "clear": ("", _clear, "begin a new conversation"),
    "help": ("", _help, "this list"),
}
"""The commands beside /exit, in the order of the help: what follows the name, the function, and what it does."""
