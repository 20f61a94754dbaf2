"""The state of a chat: a conversation, what will be attached to the next message, and where it forked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ...data.messages import AIMessage, Text
from ...errors import ConfigurationError
from ..session import Session, default_model
from ..terminal import neutralise

if TYPE_CHECKING:
    from ...conversation import Conversation
    from ...data.messages import Part
    from ...data.responses import AIChunk, AIResponse

__all__ = ["Chat"]


class Chat:
    """A chat over one conversation at a time.

    Each turn is made on a copy of the conversation, which takes its place when the answer is whole: a turn that fails
    leaves no trace in the history, and its attachments stay for the next try.
    """

    def __init__(self, session: Session, provider: str, model: str | None, system: str | None) -> None:
        self.session = session
        self.provider = provider
        self.model = model
        self.system = system
        self.attached: list[tuple[str, Part]] = []
        self.saved: set[str] = set()
        self._forks: list[Conversation] = []
        self.conversation = session.ai.conversation(provider)

    @property
    def model_in_use(self) -> str | None:
        """The model that answers: the one that was named, else the connection's."""
        return self.model or default_model(self.session.ai.provider(self.provider))

    def change_provider(self, name: str) -> None:
        """Go on with another connection and its own model. Raises `ConfigurationError` when it cannot be used."""
        self.session.ai.provider(name)
        self.provider, self.model = name, None

    def answer(self, text: str, show: Callable[[AIChunk], object]) -> AIResponse:
        """Send a message and show the answer as it comes. Raises `AIError`, and `KeyboardInterrupt`.

        After Ctrl-C the message and what came of its answer are in the history, as plain text; nothing is when nothing
        came.
        """
        model = self.model_in_use
        if not model:
            raise ConfigurationError(
                f"no model is named for {self.provider}",
                hint=f"Name one with /model NAME; `polydriver models {self.provider}` lists them.",
            )
        parts = [part for _, part in self.attached]
        message = AIMessage.user([*parts, Text(text)] if parts else text)
        turn = self.conversation.fork().provider(self.provider).model(model).system(self.system)
        turn.id = self.conversation.id
        stream = turn.stream(message)
        came: list[str] = []
        try:
            with stream:
                for chunk in stream:
                    if not chunk.index:
                        came.append(chunk.content)
                    show(chunk)
        except KeyboardInterrupt:
            self._keep(message, "".join(came))
            raise
        self.conversation, self.attached = turn, []
        return stream.response

    def fork(self) -> None:
        """Go on in a copy of the conversation; `back` returns to the original."""
        self._forks.append(self.conversation)
        self.conversation = self.conversation.fork()

    def back(self) -> bool:
        """Return to the conversation that was last forked from. False when there is none."""
        if not self._forks:
            return False
        self.conversation = self._forks.pop()
        return True

    def clear(self) -> None:
        """Begin anew, with the same settings."""
        self.conversation, self.attached = self.session.ai.conversation(self.provider), []

    def as_json(self) -> bytes:
        """The conversation as JSON: provider, model, system, and the messages with their parts."""
        messages = [{"role": message.role, **msgspec.to_builtins(message)} for message in self.conversation.history]
        values = {"provider": self.provider, "model": self.model_in_use, "system": self.system, "messages": messages}
        return msgspec.json.format(msgspec.json.encode(values), indent=2) + b"\n"

    def as_markdown(self) -> str:
        """The conversation as text for people, with control characters shown."""
        pieces = [f"_{self.system}_"] if self.system else []
        pieces += [f"**{message.role}**\n\n{message.text}" for message in self.conversation.history]
        return neutralise("\n\n".join(pieces)) + "\n"

    def _keep(self, message: AIMessage, text: str) -> None:
        """Record a stopped turn, if anything came of it."""
        if text:
            self.conversation.history.extend([message, AIMessage.assistant(text)])
            self.attached = []
