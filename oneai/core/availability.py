"""Whether a model may be tried now, asked in one place: its key, its routes, its circuit; and the places at it."""

from oneai.core import keys
from oneai.core.breaker import Circuit, State
from oneai.core.outcome import Outcome
from oneai.core.room import Room
from oneai.types import Call, Model

ABSENT_S = 600.0
"""How long a route that a model server does not have is not asked for again."""


class Availability:
    """The circuits, rooms and missing routes of all models; they live as long as the gateway."""

    def __init__(self) -> None:
        self._circuits: dict[str, Circuit] = {}
        self._rooms: dict[str, Room] = {}
        self._absent: dict[tuple[str, ...], float] = {}

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

    def refusal(self, call: Call, model: Model, now: float) -> Outcome | None:
        """Why the model is passed over; None where it may be tried."""
        if not keys.may(call.key, model):
            return Outcome.FORBIDDEN
        if self._absent and self._lacks_route(call, model, now):
            return Outcome.NO_ROUTE
        return Outcome.CIRCUIT_OPEN if self.circuit(model.code).is_shut(now) else None

    def has_no_route(self, call: Call, model: Model, now: float) -> None:
        """Remember that the model's server has nothing at the path of this call."""
        self._absent = {route: until for route, until in self._absent.items() if until > now}
        self._absent[_route(call, model)] = now + ABSENT_S

    def forget_routes(self, code: str) -> None:
        """Ask for the model's missing routes again: its operator says that it is mended."""
        self._absent = {route: until for route, until in self._absent.items() if route[0] != code}

    def _lacks_route(self, call: Call, model: Model, now: float) -> bool:
        return self._absent.get(_route(call, model), 0.0) > now


def _route(call: Call, model: Model) -> tuple[str, ...]:
    """By where its row says that it is, too: a row that was mended is asked at once."""
    where = model.paths.get(call.surface, "")
    return model.code, model.endpoint, where, call.passage.path if call.passage else call.surface
