"""One call's way through its chain. Read this first.

plan the chain → for each model: may the key? does the circuit admit? is there room? → prepare → send → outcome →
the next model, as the table in outcome.py says, while the deadline stands. Every attempt is recorded before the
caller hears of it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from oneai.core import chain, deadline, keys, outcome
from oneai.core.breaker import Admission, Circuit, State
from oneai.core.deadline import Share
from oneai.core.dialect import Dialect, Unusable
from oneai.core.exhausted import fault
from oneai.core.journey import Done, Journey, Result
from oneai.core.limit import Limit
from oneai.core.outcome import TABLE, Next, Outcome
from oneai.core.registry import Registry
from oneai.core.room import Room
from oneai.core.seams import Clock, Names, Recorder, Send
from oneai.core.upstream_error import ours, said, without
from oneai.errors import Forbidden
from oneai.types import Attempt, Call, Model, Reply, Request, Surface, Usage


class Pipeline:
    """Answers calls over the registry in force. Circuits and rooms live as long as it does."""

    def __init__(
        self,
        *,
        registry: Callable[[], Registry],
        dialects: Mapping[Surface, Dialect],
        send: Send,
        names: Names,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._dialects = dialects
        self._send = send
        self._names = names
        self._recorder = recorder
        self._clock = clock
        self._circuits: dict[str, Circuit] = {}
        self._rooms: dict[str, Room] = {}

    def circuit(self, code: str) -> Circuit:
        """The model's circuit, made closed when first asked for."""
        if (circuit := self._circuits.get(code)) is None:
            circuit = self._circuits[code] = Circuit()
        return circuit

    def open_circuits(self) -> list[str]:
        """The codes whose circuit is open; a model that was never tried has none."""
        return [code for code, circuit in self._circuits.items() if circuit.state is State.OPEN]

    def room(self, model: Model) -> Room:
        """The places at the model, as many as its row says now."""
        if (room := self._rooms.get(model.code)) is None:
            room = self._rooms[model.code] = Room(model.max_in_flight)
        elif room.limit != model.max_in_flight:
            room.limit = model.max_in_flight
            room.admit_waiting()
        return room

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
        asked = registry.models[start] if call.requested else None
        if (asked and not keys.may(call.key, asked)) or not any(keys.may(call.key, model) for model in models):
            raise Forbidden(model=start)
        return models

    async def _walk(self, journey: Journey, models: tuple[Model, ...]) -> Done | None:
        for position, model in enumerate(models):
            now = self._clock.monotonic()
            if now >= journey.ends_at:
                break
            if reason := self._passes_over(journey.call, model, now):
                self._pass_over(journey, model, reason)
                continue
            later = self._may_be_tried(journey.call, models[position + 1 :], now)
            reply = await self._visit(journey, model, later)
            if reply is not None:
                return self._done(journey, model, reply)
            if TABLE[journey.attempts[-1].outcome].next is Next.NO:
                break
        return None

    async def _try_what_is_due(self, journey: Journey, models: tuple[Model, ...]) -> Done | None:
        """With every circuit open, one call at a time tries the model that is due next."""
        now = self._clock.monotonic()
        allowed = [model for model in models if keys.may(journey.call.key, model)]
        circuits = {model.code: self.circuit(model.code) for model in allowed}
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

    def _done(self, journey: Journey, model: Model, reply: Reply) -> Done:
        return Done(reply=reply, model=model, attempts=tuple(journey.attempts), upstream_s=journey.upstream_s)

    def _passes_over(self, call: Call, model: Model, now: float) -> Outcome | None:
        if not keys.may(call.key, model):
            return Outcome.FORBIDDEN
        return Outcome.CIRCUIT_OPEN if self.circuit(model.code).is_shut(now) else None

    def _may_be_tried(self, call: Call, models: tuple[Model, ...], now: float) -> int:
        return sum(1 for model in models if self._passes_over(call, model, now) is None)

    def _pass_over(self, journey: Journey, model: Model, reason: Outcome, why: str | None = None) -> None:
        attempt = Attempt(
            model=model.code,
            outcome=reason.value,
            provider=model.provider,
            started_at=self._clock.wall(),
            message=why,
            circuit=self.circuit(model.code).state.value,
        )
        journey.attempts.append(attempt)
        self._recorder.passed_over(journey.call, attempt)

    async def _visit(self, journey: Journey, model: Model, later: int, *, force: bool = False) -> Reply | None:
        """Take a place and leave of the circuit, then try; None when the chain must look further."""
        room = self.room(model)
        entered = room.try_enter() or (
            not model.passes_when_busy and await room.enter(self._share(journey, model, later).seconds)
        )
        if not entered:
            journey.retry_after_s = journey.retry_after_s or 1.0
            self._pass_over(journey, model, Outcome.BUSY, f"all {room.limit} places of the model are taken")
            return None
        try:
            # Before the circuit's leave is taken: what the caller asked wrongly is no attempt.
            request = self._prepared(journey.call, model)
            admission = self.circuit(model.code).admit(self._clock.monotonic(), model.timeout_ms / 1000, force=force)
            if admission is None:
                if not force:
                    self._pass_over(journey, model, Outcome.CIRCUIT_OPEN)
                return None
            # Divided anew: waiting took of the call's time, and not of the attempt's.
            return await self._try(journey, model, request, self._share(journey, model, later), admission)
        finally:
            room.leave()

    def _share(self, journey: Journey, model: Model, later: int) -> Share:
        return deadline.share(model, max(0.0, journey.ends_at - self._clock.monotonic()), later)

    def _prepared(self, call: Call, model: Model) -> Request:
        return self._dialects[call.surface].prepare(call, model, self._names.of(model))

    async def _try(
        self, journey: Journey, model: Model, request: Request, share: Share, admission: Admission
    ) -> Reply | None:
        """One attempt, settled with the circuit and recorded however it ends."""
        started, wall, result, reply = self._clock.monotonic(), self._clock.wall(), Result(), None
        try:
            with Limit(share.seconds):
                reply = await self._exchange(journey, model, request, result)
        except TimeoutError:
            result.outcome, result.message = share.outcome, f"no answer within {share.seconds:.1f} s"
        except Unusable as exc:
            result.outcome, result.spoilt = Outcome(exc.outcome), exc.reply
            result.message = without(exc.why, ours(request))
        except asyncio.CancelledError:
            result.outcome = Outcome.CLIENT_GONE
            raise
        finally:
            elapsed = self._clock.monotonic() - started
            journey.upstream_s += elapsed
            self._settle(journey, model, admission, result, reply, elapsed, wall)
        return reply

    async def _exchange(self, journey: Journey, model: Model, request: Request, result: Result) -> Reply | None:
        call = journey.call
        answer = await self._send(request)
        if outcome.names_wrong_model(answer):
            await self._names.ask_again(model)
            answer = await self._send(self._prepared(call, model))
        result.status = answer.status
        result.outcome = outcome.of_answer(answer, call.surface)
        if result.outcome is Outcome.OK:
            return self._dialects[call.surface].read(call, model, answer)
        answer = replace(answer, ours=ours(request))
        result.message = said(answer).message
        journey.retry_after_s = outcome.retry_after_s(answer) or journey.retry_after_s
        if TABLE[result.outcome].status is None:
            journey.refusals.append(answer)
        return None

    def _settle(
        self,
        journey: Journey,
        model: Model,
        admission: Admission,
        result: Result,
        reply: Reply | None,
        elapsed: float,
        wall: float,
    ) -> None:
        verdict, known = TABLE[result.outcome].verdict, reply or result.spoilt
        self.circuit(model.code).settle(admission, verdict, self._clock.monotonic(), self._clock.jitter())
        attempt = Attempt(
            id=self._clock.new_id(),
            model=model.code,
            provider=model.provider,
            outcome=result.outcome,
            started_at=wall,
            latency_ms=round(elapsed * 1000),
            status=result.status,
            message=result.message,
            circuit=admission.state.value,
            usage=known.usage if known else Usage(),
            finish_reason=known.finish_reason if known else None,
        )
        journey.attempts.append(attempt)
        self._recorder.attempted(journey.call, attempt, journey.tries)
