"""What the pipeline and the gateway see of a stream that is listened to."""

from typing import Any, Protocol, runtime_checkable


class Listener(Protocol):
    """Hears one stream, from its first byte to its end, cut into blocks anywhere."""

    began: bool
    """Content has come: text, reasoning, a piece of a tool call, a refusal, …, or a finish reason."""
    ended: bool
    """The frame that ends the surface's streams has come: [DONE], message_stop, response.completed."""
    finish_reason: str | None
    """In the surface's own word; of responses the status, or why it is incomplete."""
    tokens_in: int | None
    tokens_out: int | None
    deltas: int
    """Pieces of the answer so far: what a stream took that ends without saying its usage."""
    error: bytes | None
    """What the model server sent of an error, mostly JSON, for upstream_error.said."""
    aborted: bool
    """The model server broke the answer off and calls that its end."""
    sequence_number: int
    """That of the next event, of responses."""

    def hear(self, block: bytes) -> bytes:
        """What may go to the client now: whole frames, `model` exchanged; of an error or behind the end nothing.

        Raises Unusable (protocol_error) for a frame that is too long or no JSON, once what came before is given out.
        """

    def close(self) -> bytes:
        """At the end of the bytes: the last frame, where only its blank line is missing. Raises as `hear`."""

    def is_whole(self) -> bool:
        """Whether it may end here: with the frame that ends it, or a finish reason, and no failure."""


@runtime_checkable
class RunListener(Listener, Protocol):
    """Tells the stream in a run's own `delta` events, and keeps what it said for the last one, which is not its."""

    @property
    def text(self) -> str: ...

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The calls put together, in the order of their indices."""
