"""A reply that is on its way: its content has begun, and what comes of it passes as it comes."""

from collections.abc import Callable

from oneai.core import meter
from oneai.core.dialect import GAVE_UP, Unusable
from oneai.core.limit import Limit
from oneai.core.listening import Listener
from oneai.core.outcome import Outcome
from oneai.core.seams import Left, Opened
from oneai.core.trial import Trial
from oneai.core.upstream_error import said, without
from oneai.core.watch import Watch
from oneai.errors import StreamBroken
from oneai.types import Answer, Usage

HELD_BYTES = 64 * 1024
"""What is held back at most before content has come; beyond it, the reply has begun."""
TAIL_S = 0.1
"""How long a server has to end its answer properly after the last word: its connection may then be kept."""


class Stream:
    """`held` is what came with the first content; then `next` until it gives nothing. To be closed, however it ends."""

    def __init__(
        self,
        opened: Opened,
        listener: Listener,
        trial: Trial,
        *,
        held: bytes,
        max_s: float,
        hidden: tuple[str, ...],
        left: Left,
    ) -> None:
        self.held = held
        self.listener = listener
        self.trial = trial
        self._opened = opened
        self._idle_s = trial.model.idle_ms / 1000
        self._max_s = max_s
        self._hidden = hidden
        self._left = left
        self._watch = Watch()
        self._fault: StreamBroken | None = None
        self._over = False
        self._leave: Callable[[], None] | None = None
        if listener.ended:
            self._end()

    def then(self, leave: Callable[[], None]) -> None:
        """What to do when it is closed."""
        self._leave = leave

    async def next(self) -> bytes:
        """The next whole frames; b"" where it has ended as it should, its row written. Raises StreamBroken."""
        while not self._over:
            if frames := self._heard(await self._block()):
                return frames
        if self._fault is not None:
            raise self._fault
        return b""

    def abandon(self, outcome: Outcome) -> None:
        """Its client is gone, or takes nothing: no fault of the model's."""
        self._over = True
        self._settle(outcome, None)

    async def finish(self) -> None:
        """After the client has it all: read the end of the answer, so that the connection can be kept."""
        if self._fault is None:
            try:
                with Limit(TAIL_S):
                    await self._opened.block()
            except (TimeoutError, Unusable):
                pass  # the connection is cut then, and that is all

    def close(self) -> None:
        """Free the model server and the place at it. One that is not over was given up."""
        self._watch.stop()
        self._opened.close()
        self._settle(self._left(), None)
        if self._leave is not None:
            self._leave()
            self._leave = None

    async def _block(self) -> bytes:
        left_s = self._max_s - self.trial.elapsed_s()
        try:
            with self._watch.within(max(0.0, min(self._idle_s, left_s))):
                return await self._opened.block()
        except TimeoutError:
            if left_s <= self._idle_s:
                self._break(Outcome.DEADLINE, f"it was not done within {self._max_s:g} s")
            else:
                self._break(Outcome.TIMEOUT, f"it said nothing for {self._idle_s:g} s")
        except Unusable as exc:
            self._break(Outcome(exc.outcome), without(exc.why, self._hidden))
        return b""

    def _heard(self, block: bytes) -> bytes:
        if self._over:
            return b""
        listener = self.listener
        try:
            frames = listener.hear(block) if block else listener.close()
        except Unusable as exc:
            self._break(Outcome(exc.outcome), exc.why)
            return b""
        if listener.error is not None or listener.aborted:
            self._break(*failure(listener, self._hidden))
        elif listener.ended or (not block and listener.is_whole()):
            self._end()
        elif not block:
            self._break(Outcome.CONNECTION_LOST, "its stream ended in the middle")
        return frames

    def _end(self) -> None:
        self._over = True
        self._settle(Outcome.OK, None)

    def _break(self, outcome: Outcome, why: str) -> None:
        self._over = True
        self._settle(outcome, why)
        self._fault = StreamBroken(model=self.trial.model.code, why=why, call=self.trial.journey.call.id)
        self._fault.attempts = tuple(self.trial.journey.attempts)

    def _settle(self, outcome: Outcome, message: str | None) -> None:
        trial, listener = self.trial, self.listener
        if trial.is_settled:
            return
        trial.outcome, trial.message = outcome, message
        trial.finish_reason = listener.finish_reason
        trial.usage = _usage(trial, listener)
        trial.settle()


def failure(listener: Listener, hidden: tuple[str, ...]) -> tuple[Outcome, str]:
    """What went wrong by the server's own word, and that word."""
    if listener.error is None:
        return Outcome.ABORT, GAVE_UP
    return Outcome.ERROR_EVENT, said(Answer(status=200, headers={}, body=listener.error, ours=hidden)).message


def _usage(trial: Trial, listener: Listener) -> Usage:
    """What the server counted; of one that did not come to that, the pieces of content that passed."""
    tokens_in = listener.tokens_in
    tokens_out = listener.deltas if listener.tokens_out is None else listener.tokens_out
    cost = meter.cost(trial.model.price, tokens_in, tokens_out)
    return Usage(tokens_in=tokens_in, tokens_out=tokens_out, cost_usd=cost)
