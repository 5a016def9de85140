"""200 calls at once over all surfaces, models failing at random: what clients are told of a call is what its rows say.

Three tell of each call's attempts: the gateway to its client (in the head, and in an error's or a run's own words),
`oneai why`, and the usage rows. They must agree one by one.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp
import pytest

from tests.acceptance.listening import clients
from tests.acceptance.mishaps import WAYS, Mishaps, fits
from tests.acceptance.processes import Gateway, House, model, trail
from tests.acceptance.tongues import CHAT, COMPLETIONS, MESSAGES, RESPONSES, RUN, Body, attempts_of
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer
from tests.gateway.conftest import Said

CALLS = 200
OWN = {f"lp{number}": name for number, name in enumerate(WAYS, start=1)}
"""A head of a chain for each way to fail."""
SHARE = {"lp": 0.8, "lb": 0.5, "ls": 0.1, "e": 0.5, "r": 0.5}
Trail = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call: its number is in its text, for the model servers to see."""

    number: int
    path: str
    code: str
    body: Body
    streamed: bool = False
    end: bytes = b""
    """What the last frame of a stream has in it, if all is well."""


def _embeddings(code: str, text: str) -> Body:
    return {"model": code, "input": [text]}


def _ranking(code: str, text: str) -> Body:
    return {"model": code, "query": text, "documents": ["a", "b"]}


def _run_of(task: str, name: str) -> Callable[[str, str], Body]:
    def ask(code: str, text: str) -> Body:
        given = {"query": text, "documents": ["a", "b"]} if name == "query" else {name: text}
        return {"task": task, "model": code, "input": given}

    return ask


WHOLE: Mapping[str, list[tuple[str, Callable[[str, str], Body]]]] = {
    "lp": [
        *((tongue.path, tongue.ask) for tongue in (CHAT, COMPLETIONS, MESSAGES, RESPONSES, RUN)),
        ("/v1/messages/count_tokens", MESSAGES.ask),
    ],
    "ep": [("/v1/embeddings", _embeddings), ("/v1/run", _run_of("embed", "text"))],
    "rp": [
        *((path, _ranking) for path in ("/v1/rerank", "/v2/rerank", "/rerank")),
        ("/v1/run", _run_of("rerank", "query")),
    ],
}
STREAMED = (CHAT, CHAT, COMPLETIONS, MESSAGES, RESPONSES, RUN)


def registered(server: ModelServer) -> Iterator[dict[str, Any]]:
    """A head for each way to fail, three backups that fail in any, a last resort; and three of those that do not chat.

    One backup takes two at once and no more, the others have calls wait.
    """

    def at(code: str, fallback: str | None = None, **changes: Any) -> dict[str, Any]:
        return model(code, f"{server.origin}/{code}/v1/chat/completions", fallback, **changes)

    yield from (at(code, f"lb{1 + number % 3}") for number, code in enumerate(OWN))
    yield from (at("lb1", "ls1"), at("lb3", "ls1"), at("ls1"))
    yield at("lb2", "ls1", meta={"max_in_flight": 2, "when_busy": "next"})
    for letter in "er":
        yield from (at(f"{letter}p1", f"{letter}b1"), at(f"{letter}b1", f"{letter}s1"), at(f"{letter}s1"))


def asked(number: int, chance: Random) -> Asked:
    """Nine of ten chat in some way, with each head in turn."""
    text, kind = f"call-{number}", chance.choice(("ep", "rp")) if number % 10 == 9 else "lp"
    code = list(OWN)[number % len(OWN)] if kind == "lp" else f"{kind}1"
    if kind == "lp" and chance.choice([streamed for streamed in (False, True) if fits(OWN[code], streamed)]):
        tongue = chance.choice(STREAMED)
        return Asked(
            number=number, path=tongue.path, code=code, body=tongue.streamed(code, text), streamed=True, end=tongue.end
        )
    path, ask = chance.choice(WHOLE[kind])
    return Asked(number=number, path=path, code=code, body=ask(code, text))


async def answer(gateway: Gateway, session: aiohttp.ClientSession, call: Asked) -> Said:
    async with session.post(
        gateway.url + call.path, json=call.body, headers={"X-API-Key": gateway.key, "X-Request-Id": f"r{call.number}"}
    ) as response:
        return Said(status=response.status, headers=response.headers, body=await response.read())


def in_words(said: Said) -> Trail | None:
    """The attempts that a body tells of: an error's, a run's, or a stream's last event's."""
    last = said.body.rstrip().rpartition(b"\n\n")[2]
    if b'"attempts":' not in last:
        return None
    return [(one["model"], one.get("error", "ok")) for one in attempts_of(last)]


def in_head(said: Said) -> Trail:
    return [(code, outcome) for code, _, outcome in (one.partition("=") for one in trail(said))]


def known_then(found: Trail) -> Trail:
    """What the head of a stream knew of these attempts: that the last one had begun."""
    return [*found[:-1], (found[-1][0], "streaming")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A call as its client saw it, as `oneai why` has it, and as its rows say."""

    call: Asked
    said: Said
    story: Any
    rows: Trail

    @property
    def everything(self) -> Trail:
        """Models that were passed over, too."""
        return [(attempt["model"], attempt["outcome"]) for attempt in self.story["attempts"]]

    @property
    def tried(self) -> Trail:
        return [(attempt["model"], attempt["outcome"]) for attempt in self.story["attempts"] if attempt["tried"]]

    def agrees(self) -> None:
        assert self.rows == self.tried
        assert in_head(self.said) in (self.everything, known_then(self.everything))
        assert in_words(self.said) in (None, self.everything)

    def ends_well_or_says_why(self) -> None:
        well, streamed = self.everything[-1][1] == "ok", self.said.status == 200 and self.call.streamed
        assert streamed or (self.said.status == 200) is well
        assert not streamed or (self.call.end in self.said.body) is well
        assert well or in_words(self.said) == self.everything


async def had(house: House, mishaps: Mishaps, calls: Sequence[Asked]) -> list[Told]:
    """Have all the calls at once."""
    async with model_server.serving(mishaps) as server, clients() as session:
        await house.register(*registered(server))
        async with house.serving() as gateway:
            said = await asyncio.gather(*(answer(gateway, session, call) for call in calls))
            ids = [one.headers["X-OneAI-Call"] for one in said]
            stories = [(await gateway.get(f"/admin/calls/{id}", gateway.admin)).json() for id in ids]
    rows: dict[str, Trail] = {id: [] for id in ids}
    for id, code, outcome in house.sql(
        "select call_id, model_code, coalesce(error_class, 'ok') from model_usage_log order by call_id, attempt"
    ):
        rows[id].append((code, outcome))
    found = zip(calls, said, stories, ids, strict=True)
    return [Told(call=call, said=one, story=story, rows=rows[id]) for call, one, story, id in found]


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_told_of_each_call_is_what_its_rows_say(house: House, seed: int) -> None:
    chance, mishaps = Random(seed), Mishaps(seed=seed, own=OWN, share=SHARE)
    told = await had(house, mishaps, [asked(number, chance) for number in range(CALLS)])
    for one in told:
        one.agrees()
        one.ends_well_or_says_why()
        if one.call.path == CHAT.path:
            number, streamed = one.call.number, one.call.streamed
            assert one.tried == [(code, mishaps.outcome(number, code, streamed)) for code, _ in one.tried]
    assert {one.said.status for one in told} <= {200, 400, 413, 422, 429, 502, 503, 504}
    assert set(WAYS) <= set(mishaps.done)
