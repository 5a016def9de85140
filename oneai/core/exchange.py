"""An attempt's way over the wire and back: sent, asked again by another name, then read whole or listened to."""

from collections.abc import Mapping
from dataclasses import replace

from oneai.core import outcome
from oneai.core.dialect import Dialect, Unusable
from oneai.core.listening import Listener
from oneai.core.outcome import TABLE, Outcome
from oneai.core.seams import Left, Names, Open, Opened, Send
from oneai.core.stream import HELD_BYTES, Stream, failure
from oneai.core.trial import Trial
from oneai.core.upstream_error import ours, said
from oneai.types import Answer, Call, Model, Reply, Request, Surface

_EVENTS = "text/event-stream"


class Exchange:
    """Bounded in time by who calls it."""

    def __init__(
        self,
        *,
        dialects: Mapping[Surface, Dialect],
        send: Send,
        open: Open,
        names: Names,
        stream_max_s: float,
        left: Left,
    ) -> None:
        self._dialects = dialects
        self._send = send
        self._open = open
        self._names = names
        self._stream_max_s = stream_max_s
        self._left = left

    def prepared(self, call: Call, model: Model) -> Request:
        """What to send. Raises BadRequest."""
        return self._dialects[call.surface].prepare(call, model, self._names.of(model))

    async def reply(self, trial: Trial, request: Request) -> Reply | Stream | None:
        """The reply, whole or begun; None for an answer that is none, with what it was in the trial.

        Raises Unusable.
        """
        return await (self._streamed if trial.journey.call.streams else self._whole)(trial, request)

    async def _whole(self, trial: Trial, request: Request) -> Reply | None:
        answer = await self._send(request)
        if outcome.names_wrong_model(answer):
            await self._names.ask_again(trial.model)
            answer = await self._send(self.prepared(trial.journey.call, trial.model))
        return self._read(trial, request, answer)

    async def _streamed(self, trial: Trial, request: Request) -> Reply | Stream | None:
        reply = await self._opened(trial, request)
        if isinstance(reply, Answer) and outcome.names_wrong_model(reply):
            await self._names.ask_again(trial.model)
            request = self.prepared(trial.journey.call, trial.model)
            reply = await self._opened(trial, request)
        return self._read(trial, request, reply) if isinstance(reply, Answer) else reply

    async def _opened(self, trial: Trial, request: Request) -> Answer | Stream:
        """A stream whose content has begun, or what came in its place: an error, or a server that does not stream."""
        opened = await self._open(request)
        stays = False
        try:
            if opened.status != 200 or not opened.headers.get("Content-Type", "").lower().startswith(_EVENTS):
                return Answer(status=opened.status, headers=opened.headers, body=await opened.whole())
            stream = await self._begun(trial, opened, ours(request))
            stays = True
            return stream
        finally:
            if not stays:
                opened.close()

    async def _begun(self, trial: Trial, opened: Opened, hidden: tuple[str, ...]) -> Stream:
        trial.status = opened.status
        listener = self._dialects[trial.journey.call.surface].listen(trial.journey.call, trial.model)
        held = await _until_content(opened, listener, hidden)
        trial.begin(has_ended=listener.ended)
        return Stream(opened, listener, trial, held=held, max_s=self._stream_max_s, hidden=hidden, left=self._left)

    def _read(self, trial: Trial, request: Request, answer: Answer) -> Reply | None:
        call = trial.journey.call
        trial.status = answer.status
        trial.outcome = outcome.of_answer(answer, call.surface)
        if trial.outcome is Outcome.OK:
            return self._dialects[call.surface].read(call, trial.model, answer)
        answer = replace(answer, ours=ours(request))
        trial.message = said(answer).message
        journey = trial.journey
        journey.retry_after_s = outcome.retry_after_s(answer) or journey.retry_after_s
        if TABLE[trial.outcome].status is None:
            journey.refusals.append(answer)
        return None


async def _until_content(opened: Opened, listener: Listener, hidden: tuple[str, ...]) -> bytes:
    """All that may go to the client once content has come, and nothing before. Raises Unusable."""
    held = b""
    while not listener.began and len(held) <= HELD_BYTES:
        block = await opened.block()
        held += listener.hear(block) if block else listener.close()
        if listener.error is not None or listener.aborted:
            raise Unusable(*failure(listener, hidden))
        if (listener.ended or not block) and not listener.began:
            raise Unusable(Outcome.PROTOCOL_ERROR, "its stream ended before any content")
    return held
