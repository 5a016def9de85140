"""What a model server's event stream says while it passes, and what of it goes on to the client.

Frames are read one by one (ear.py, with a file for each surface) until one has brought content; those that differ
from it in nothing but their text then pass by the block, unread (template.py), with the same bytes and facts.
"""

from collections.abc import Callable, Mapping

from oneai.core.listening import chat, messages, responses
from oneai.core.listening.ear import Ear
from oneai.core.listening.heard import Grammar
from oneai.core.listening.listener import Listener, RunListener
from oneai.core.listening.retelling import Retelling
from oneai.types import Surface

__all__ = ["GRAMMARS", "RETELLINGS", "Listener", "RunListener", "of"]

GRAMMARS: Mapping[Surface, Grammar] = {
    Surface.RUN: chat.GRAMMAR,
    Surface.CHAT: chat.GRAMMAR,
    Surface.COMPLETIONS: chat.GRAMMAR,
    Surface.MESSAGES: messages.GRAMMAR,
    Surface.RESPONSES: responses.GRAMMAR,
}
"""The surfaces that stream, and what their model servers speak."""

RETELLINGS: Mapping[Surface, Callable[[], Retelling]] = {Surface.RUN: Retelling}
"""The surfaces whose clients are told in events of our own."""


def of(surface: Surface, *, code: str, asks_usage: bool) -> Listener:
    """A listener to one stream: a RunListener where it is a run's.

    `code` is the model's; `asks_usage` says whether the client itself asked for the usage chunk.
    """
    retelling = RETELLINGS.get(surface)
    return Ear(GRAMMARS[surface], code=code, asks_usage=asks_usage, retelling=retelling() if retelling else None)
