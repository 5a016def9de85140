"""Hundreds of streams that say nothing for a while: all are kept, all end, and nothing of them stays."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.acceptance.listening import Heard, clients, listen
from tests.acceptance.processes import Gateway, House, model
from tests.acceptance.tongues import CHAT
from tests.fakes import model_server
from tests.fakes.model_server import Line, streams
from tests.fakes.waiting import until
from tests.gateway.test_metrics import parsed

STREAMS = 300
OPEN_MB = 60
"""What 300 open streams may take: 200 KB each."""
LEFT_MB = 10
"""What may stay of 300 streams that have ended, in a gateway that has had as many before."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says what a process holds")


def held_mb(gateway: Gateway) -> float:
    """Its resident memory."""
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def in_flight(gateway: Gateway) -> float:
    _, samples = parsed((await gateway.get("/metrics", gateway.admin)).body.decode())
    return samples["oneai_in_flight", frozenset({("model", "lp1")})]


class Silence:
    """What a model server does: a word, nothing until the test says so, and another."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def __call__(self, line: Line) -> bool:
        return await streams(*CHAT.first, CHAT.word("word-1"), self.over, CHAT.word("word-2"), *CHAT.last)(line)

    @contextmanager
    def kept(self) -> Iterator[None]:
        self.over.clear()
        try:
            yield
        finally:
            self.over.set()


async def is_at_rest(gateway: Gateway) -> bool:
    return await in_flight(gateway) == 0


async def round_of(gateway: Gateway, session: aiohttp.ClientSession, silence: Silence) -> tuple[list[Heard], float]:
    """300 streams that are open at once, and then end: what was heard, and what the gateway held meanwhile."""
    heard = [Heard(tongue=CHAT) for _ in range(STREAMS)]
    with silence.kept():
        hearing = [asyncio.create_task(listen(gateway, one, "lp1", session=session)) for one in heard]
        await until(lambda: all(one.words for one in heard))
        full_mb = held_mb(gateway)
        assert await in_flight(gateway) == STREAMS
    await asyncio.gather(*hearing)
    await until(lambda: is_at_rest(gateway))
    await until(gateway.shipped)
    return heard, full_mb


async def test_300_idle_streams_all_end_and_leave_a_row_each_and_nothing_else(house: House) -> None:
    silence = Silence()
    async with model_server.serving(silence) as server, clients() as session:
        await house.register(model("lp1", server.endpoint, meta={"max_in_flight": STREAMS}))
        async with house.serving() as gateway:
            fresh_mb = held_mb(gateway)
            first, full_mb = await round_of(gateway, session, silence)
            used_mb = held_mb(gateway)
            second, _ = await round_of(gateway, session, silence)
            left_mb = held_mb(gateway)
    assert {(one.words, one.ended, one.cut) for one in first + second} == {(2, True, False)}
    found = house.sql("select call_id, success, tokens_out from model_usage_log")
    assert sorted(found) == sorted((one.call, 1, 2) for one in first + second)
    assert full_mb - fresh_mb < OPEN_MB
    assert left_mb - used_mb < LEFT_MB
