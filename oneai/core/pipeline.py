"""One call's way through its chain. Read this first.

plan the chain → for each model: may the key? does the circuit admit? is there room? → prepare → send → outcome →
the next model, as the table in outcome.py says, while the deadline stands. Every attempt is recorded before the
caller hears of it.
"""

import asyncio
from collections.abc import Callable, Mapping

from oneai.core import chain, deadline, keys
from oneai.core.availability import Availability
from oneai.core.breaker import State
from oneai.core.deadline import Share
from oneai.core.dialect import Dialect, Unusable
from oneai.core.exchange import Exchange
from oneai.core.exhausted import fault
from oneai.core.journey import Done, Journey
from oneai.core.limit import Limit
from oneai.core.outcome import TABLE, Next, Outcome
from oneai.core.registry import Registry
from oneai.core.seams import Clock, Left, Names, Open, Recorder, Send
from oneai.core.stream import Stream
from oneai.core.trial import STREAMING, Trial
from oneai.core.upstream_error import ours, without
from oneai.errors import Forbidden
from oneai.types import Attempt, Call, Model, Reply, Request, Surface

STREAM_MAX_S = 1800.0


class Pipeline:
    """Answers calls over the registry in force. Circuits and rooms live as long as it does."""

    def __init__(
        self,
        *,
        registry: Callable[[], Registry],
        dialects: Mapping[Surface, Dialect],
        send: Send,
        open: Open,
        names: Names,
        recorder: Recorder,
        clock: Clock,
        stream_max_s: float = STREAM_MAX_S,
        left: Left = lambda: Outcome.CLIENT_GONE,
    ) -> None:
        self._registry = registry
        self._names = names
        self._recorder = recorder
        self._clock = clock
        self._left = left
        self._exchange = Exchange(
            dialects=dialects, send=send, open=open, names=names, stream_max_s=stream_max_s, left=left
        )
        self.availability = Availability()

    async def answer(self, call: Call, attempts: list[Attempt] | None = None) -> Done:
        """The reply of the first model that gives one.

        `attempts` is filled as they end: all that a caller has of them whose call is cut off.
        Raises what `errors` has for a chain that gave none, with the attempts on it; UnknownModel, WrongDomain,
        InactiveModel and NothingCanAnswer before any attempt.
        """
        models = self._plan(call)
        ends_at = self._clock.monotonic() + deadline.allowed(call, models)
        journey = Journey(call=call, ends_at=ends_at, attempts=[] if attempts is None else attempts)
        done = await self._walk(journey, models)
        if done is None and not journey.tries:
            done = await self._try_what_is_due(journey, models)
        if done is None:
            raise fault(call, journey.attempts, journey.refusals, journey.retry_after_s)
        return done

    def _plan(self, call: Call) -> tuple[Model, ...]:
        registry = self._registry()
        start = chain.start(registry, call.task, call.requested)
        models = chain.plan(registry, start)
        models = models if call.falls_back else models[:1]
        if call.key.allow is None:
            return models
        asked = registry.models[start] if call.requested else None
        if (asked and not keys.may(call.key, asked)) or not any(keys.may(call.key, model) for model in models):
            raise Forbidden(model=start)
        return models

    async def _walk(self, journey: Journey, models: tuple[Model, ...]) -> Done | None:
        for position, model in enumerate(models):
            now = self._clock.monotonic()
            if now >= journey.ends_at:
                break
            if reason := self.availability.refusal(journey.call, model, now):
                self._pass_over(journey, model, reason)
                continue
            if journey.wider_than is not None and (self._names.window(model) or 0) <= journey.wider_than:
                continue
            later = self._may_be_tried(journey.call, models[position + 1 :], now) if model is not models[-1] else 0
            reply = await self._visit(journey, model, later)
            if reply is not None:
                return self._done(journey, model, reply)
            if not self._goes_on(journey, model):
                break
        return None

    def _goes_on(self, journey: Journey, model: Model) -> bool:
        """Whether the chain does after this model."""
        last = journey.attempts[-1].outcome
        if last == Outcome.NO_ROUTE:
            self.availability.has_no_route(journey.call, model, self._clock.monotonic())
        if TABLE[last].next is Next.WIDER:
            journey.wider_than = self._names.window(model)
            return journey.wider_than is not None
        return TABLE[last].next is Next.YES

    async def _try_what_is_due(self, journey: Journey, models: tuple[Model, ...]) -> Done | None:
        """With every circuit open, one call at a time tries the model that is due next."""
        now = self._clock.monotonic()
        allowed = [model for model in models if keys.may(journey.call.key, model)]
        circuits = {model.code: self.availability.circuit(model.code) for model in allowed}
        if not all(circuit.is_shut(now) for circuit in circuits.values()) or now >= journey.ends_at:
            return None
        due = min(allowed, key=lambda model: circuits[model.code].retry_after(now))
        journey.retry_after_s = circuits[due.code].retry_after(now)
        if any(circuit.state is State.HALF_OPEN for circuit in circuits.values()):
            return None  # another call is trying one of them
        reply = await self._visit(journey, due, 0, force=True)
        if journey.tries:  # it was tried after all: that it was passed over at first would only confuse
            journey.attempts[:] = [each for each in journey.attempts if each.id or each.model != due.code]
        return None if reply is None else self._done(journey, due, reply)

    def _done(self, journey: Journey, model: Model, reply: Reply | Stream) -> Done:
        attempts, upstream_s = tuple(journey.attempts), journey.upstream_s
        if isinstance(reply, Stream) and not reply.trial.is_settled:
            attempts = (*attempts, reply.trial.attempt(STREAMING))
            upstream_s += reply.trial.elapsed_s()
        return Done(reply=reply, model=model, attempts=attempts, upstream_s=upstream_s)

    def _may_be_tried(self, call: Call, models: tuple[Model, ...], now: float) -> int:
        return sum(1 for model in models if self.availability.refusal(call, model, now) is None)

    def _pass_over(self, journey: Journey, model: Model, reason: Outcome, why: str | None = None) -> None:
        attempt = Attempt(
            model=model.code,
            outcome=reason.value,
            provider=model.provider,
            started_at=self._clock.wall(),
            message=why,
            circuit=self.availability.circuit(model.code).state,
        )
        journey.attempts.append(attempt)
        self._recorder.passed_over(journey.call, attempt)

    async def _visit(self, journey: Journey, model: Model, later: int, *, force: bool = False) -> Reply | Stream | None:
        """Take a place and leave of the circuit, then try; None when the chain must look further."""
        room = self.availability.room(model)
        entered = room.try_enter() or (
            not model.passes_when_busy and await room.enter(self._share(journey, model, later).seconds)
        )
        if not entered:
            journey.retry_after_s = journey.retry_after_s or 1.0
            self._pass_over(journey, model, Outcome.BUSY, f"all {room.limit} places of the model are taken")
            return None
        reply = None
        try:
            reply = await self._admitted(journey, model, later, force=force)
        finally:
            if isinstance(reply, Stream):
                reply.then(room.leave)
            else:
                room.leave()
        return reply

    async def _admitted(self, journey: Journey, model: Model, later: int, *, force: bool) -> Reply | Stream | None:
        # Before the circuit's leave is taken: what the caller asked wrongly is no attempt.
        request = self._exchange.prepared(journey.call, model)
        circuit = self.availability.circuit(model.code)
        admission = circuit.admit(self._clock.monotonic(), model.timeout_ms / 1000, force=force)
        if admission is None:
            if not force:
                self._pass_over(journey, model, Outcome.CIRCUIT_OPEN)
            return None
        trial = Trial(journey, model, circuit=circuit, admission=admission, recorder=self._recorder, clock=self._clock)
        # Divided anew: waiting took of the call's time, and not of the attempt's.
        return await self._try(trial, request, self._share(journey, model, later))

    def _share(self, journey: Journey, model: Model, later: int) -> Share:
        return deadline.share(model, max(0.0, journey.ends_at - self._clock.monotonic()), later)

    async def _try(self, trial: Trial, request: Request, share: Share) -> Reply | Stream | None:
        """One attempt, settled however it ends; that of a stream, when the stream does."""
        reply: Reply | Stream | None = None
        try:
            with Limit(share.seconds):
                reply = await self._exchange.reply(trial, request)
        except TimeoutError:
            trial.outcome, trial.message = share.outcome, f"no answer within {share.seconds:.1f} s"
        except Unusable as exc:
            trial.outcome, trial.message = Outcome(exc.outcome), without(exc.why, ours(request))
            _note(trial, exc.reply)  # an answer that a gate refused took tokens all the same
        except asyncio.CancelledError:
            trial.outcome = self._left()
            raise
        finally:
            if not isinstance(reply, Stream):
                _note(trial, reply)
                trial.settle()
        return reply


def _note(trial: Trial, reply: Reply | None) -> None:
    if reply is not None:
        trial.usage, trial.finish_reason = reply.usage, reply.finish_reason
