"""How a surface speaks to model servers: what an attempt sends, and what its answer means."""

from typing import TYPE_CHECKING, Protocol

from oneai.types import Answer, Call, Model, Reply, Request

if TYPE_CHECKING:
    from oneai.core.listening import Listener  # it raises what is here


GAVE_UP = "the model server gave the reply up (finish_reason abort)"


class Unusable(Exception):
    """An answer of 2xx that is no reply. Never shown: `outcome` is the word of core/outcome.py's table for it.

    `why` says what was wrong, without the prompt or the document. `reply` is there where the answer could be read
    and only a gate of the profile spoke against it: it took tokens, and may be all that there is.
    """

    def __init__(self, outcome: str, why: str, *, reply: Reply | None = None) -> None:
        super().__init__(f"{outcome}: {why}")
        self.outcome = outcome
        self.why = why
        self.reply = reply


class Dialect(Protocol):
    """One of these a surface: pure, and called once an attempt."""

    def prepare(self, call: Call, model: Model, served: str | None) -> Request:
        """What to send `model`, which knows itself as `served` (None: not known yet). Raises BadRequest."""
        ...

    def read(self, call: Call, model: Model, answer: Answer) -> Reply:
        """What an answer of 2xx says. Raises Unusable."""
        ...

    def listen(self, call: Call, model: Model) -> "Listener":
        """What hears the stream that answers a call which wants one."""
        ...
