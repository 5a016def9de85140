"""What the pipeline is handed: a way to send, the names that servers go by, a recorder, time and chance."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from oneai.core.outcome import Outcome
from oneai.types import Answer, Attempt, Call, Model, Request

Send = Callable[[Request], Awaitable[Answer]]
"""Sends one attempt; raises `Unusable` for what went wrong on the way. The pipeline bounds its time by cancelling."""


class Opened(Protocol):
    """An answer whose head has come. `close` it, however it ends."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    async def block(self) -> bytes:
        """The next bytes of the body, as many as have come; b"" at its end. Raises Unusable."""

    async def whole(self) -> bytes:
        """The rest of the body. Raises Unusable."""

    def close(self) -> None:
        """Free the model server at once: unless the body was read to its end, the connection is cut."""


Left = Callable[[], Outcome]
"""What it means that a call is given up: its client has gone, or the gateway is being stopped."""

Open = Callable[[Request], Awaitable[Opened]]
"""Sends one attempt and returns once the head of the answer is there; otherwise as `Send`."""


class Names(Protocol):
    """The names that model servers go by."""

    def of(self, model: Model) -> str | None:
        """The served name, None while it is not known."""

    def window(self, model: Model) -> int | None:
        """The server's context window in tokens, None while it is not known."""

    async def ask_again(self, model: Model) -> None:
        """Forget the name and ask the server now."""


class Recorder(Protocol):
    """Where every attempt goes before its reply does."""

    def begun(self, call: Call, attempt: Attempt, number: int) -> None:
        """A stream's first content is there: a row must be left whatever happens now."""

    def attempted(self, call: Call, attempt: Attempt, number: int) -> None: ...

    def passed_over(self, call: Call, attempt: Attempt) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time and chance, handed in: seconds monotonic, seconds since the epoch, 0 to 1, a fresh id."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    jitter: Callable[[], float]
    new_id: Callable[[], str]
