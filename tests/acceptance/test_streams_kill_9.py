"""`kill -9` in the middle of streams: each has one row in the end, which says whether its model had come to the end."""

import asyncio
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random

import aiohttp
import pytest

from tests.acceptance.listening import Heard, clients, listen
from tests.acceptance.processes import Gateway, House, model
from tests.acceptance.tongues import TONGUES, Tongue
from tests.fakes import model_server
from tests.fakes.model_server import Line, answers, chat, streams
from tests.fakes.waiting import until

STREAMS = 20
UNDER_WAY = 5
"""Pieces that a model server has sent and no client has seen yet, at most."""
_NUMBER = re.compile(rb"stream (\d+)")


@dataclass(slots=True, kw_only=True)
class Part:
    """A stream whose pieces go out one by one, as they are called up; the last one is its end."""

    tongue: Tongue
    gates: list[asyncio.Event]
    pending: deque[asyncio.Event] = field(init=False)
    heard: Heard = field(init=False)

    def __post_init__(self) -> None:
        self.pending, self.heard = deque(self.gates), Heard(tongue=self.tongue)

    @property
    def was_ended(self) -> bool:
        return not self.pending

    async def play(self, line: Line) -> bool:
        words = [self.tongue.word(f"word-{number}") for number in range(len(self.gates) - 1)]
        said = [piece for gate, word in zip(self.gates, words, strict=False) for piece in (gate, word)]
        return await streams(*self.tongue.first, *said, self.gates[-1], *self.tongue.last)(line)


def composed(chance: Random) -> tuple[list[Part], list[Part]]:
    """The streams, and the order in which their pieces are called up: some end soon, some late, some begin late."""
    parts = [
        Part(
            tongue=chance.choice(list(TONGUES.values())), gates=[asyncio.Event() for _ in range(chance.randint(2, 12))]
        )
        for _ in range(STREAMS)
    ]
    due: list[tuple[float, int]] = []
    for number, part in enumerate(parts):
        begins, pace = chance.uniform(0, 10), chance.uniform(0.3, 1.5)
        due += [(begins + step * pace, number) for step in range(len(part.gates))]
    return parts, [parts[number] for _, number in sorted(due)]


async def perform(gateway: Gateway, session: aiohttp.ClientSession, parts: list[Part], order: list[Part]) -> None:
    """Have clients hear the streams as far as `order` goes, and kill the gateway with the last pieces on their way."""
    room, doomed = asyncio.Semaphore(UNDER_WAY), asyncio.Event()

    def seen(part: Part, frame: bytes) -> None:
        if b'"word-' in frame or part.tongue.end in frame:
            room.release()

    async def hear(number: int, part: Part) -> None:
        each = lambda frame: seen(part, frame)  # noqa: E731 - one for each part
        await listen(gateway, part.heard, "lp1", f"stream {number}", session=session, each=each)
        assert part.heard.ended or doomed.is_set(), part.heard

    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        for number, part in enumerate(parts):
            group.create_task(hear(number, part))
        for part in order:
            await room.acquire()
            part.pending.popleft().set()
        doomed.set()
        assert await gateway.kill() == -9


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_killed_gateways_streams_have_one_row_each_that_says_how_far_they_came(house: House, seed: int) -> None:
    chance = Random(seed)
    parts, order = composed(chance)
    moment = chance.randint(len(order) // 3, 2 * len(order) // 3)

    async def plays(line: Line) -> bool:
        number = _NUMBER.search(line.heard.body)
        return await (parts[int(number[1])].play if number else answers(chat("Hello")))(line)

    async with model_server.serving(plays) as server, clients() as session:
        await house.register(model("lp1", server.endpoint))
        async with house.serving() as gateway:
            await perform(gateway, session, parts, order[:moment])
        async with house.serving() as heir:
            await heir.kill()  # while it gives the store what the first one left
        async with house.serving() as last:
            # Rows are shipped in their order: where this one is, those of the dead are.
            newest = (await last.run({"model": "lp1", "input": {"text": "Hello"}})).headers["X-OneAI-Call"]
            await until(lambda: bool(house.sql("select 1 from model_usage_log where call_id = ?", newest)))
            found = house.sql("select call_id, success, error_class from model_usage_log")
            judge(parts, found)
            usage = (await house.cli("usage", "--json")).json["total"]
            whole, broken = (next(call for call, *_, error in found if error == why) for why in (None, "gateway_died"))
            told = [(await house.cli("why", call, "--json")).json["attempts"] for call in (whole, broken)]
    assert (usage["calls"], usage["errors"]) == (len(found), sum(not success for _, success, _ in found))
    assert [[one["outcome"] for one in attempts] for attempts in told] == [["ok"], ["gateway_died"]]


def judge(parts: list[Part], found: list[tuple[str, int, str | None]]) -> None:
    """Each stream has one row; where its client saw the end, or its model never said it, we know which."""
    assert set(Counter(call for call, *_ in found).values()) == {1}
    rows = {call: (success, error) for call, success, error in found}
    whole = [part.heard.call for part in parts if part.heard.ended]
    broken = [part.heard.call for part in parts if part.heard.words and not part.was_ended]
    assert {part.heard.call for part in parts if part.heard.words} <= set(rows)
    assert {rows[call] for call in whole} == {(1, None)}
    assert {rows[call] for call in broken} == {(0, "gateway_died")}
    assert set(rows.values()) == {(1, None), (0, "gateway_died")}
