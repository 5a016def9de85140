"""The store goes while streams are under way: they are heard to their end, and their rows arrive when it is back."""

import asyncio

from tests.acceptance.listening import Heard, listening
from tests.acceptance.processes import House, model
from tests.acceptance.test_store_away import Project, rows_in
from tests.acceptance.tongues import CHAT
from tests.fakes import model_server
from tests.fakes.model_server import streams
from tests.fakes.waiting import until

STREAMS = 10
WORDS = tuple(CHAT.word(f"word-{number}") for number in range(3))


async def test_streams_go_on_without_the_store_and_their_rows_arrive_later(house: House) -> None:
    go_on = asyncio.Event()
    async with (
        model_server.serving(streams(*CHAT.first, *WORDS, go_on, *WORDS, *CHAT.last)) as server,
        Project() as project,
    ):
        project.database.insert("models", [model("lp1", server.endpoint)], None)
        house.settings |= project.settings
        async with house.serving() as gateway:
            heard = [Heard(tongue=CHAT) for _ in range(STREAMS)]
            before = [listening(gateway, one) for one in heard[: STREAMS // 2]]
            await until(lambda: all(one.words == 3 for one in heard[: STREAMS // 2]))
            async with project.away():
                refused = await gateway.reload()
                meanwhile = [listening(gateway, one) for one in heard[STREAMS // 2 :]]
                await until(lambda: all(one.words == 3 for one in heard))
                go_on.set()
                await asyncio.gather(*before, *meanwhile)
                during = await gateway.health()
            await until(lambda: {one.call for one in heard} <= rows_in(project))
            await until(gateway.shipped)
    assert refused["error"]["code"] == "store_unreachable"
    assert {(one.words, one.ended, one.cut) for one in heard} == {(6, True, False)}
    assert (during["status"], during["journal"]["rows"]) == ("degraded", STREAMS)
    stored = list(project.database.rows["model_usage_log"].values())
    assert {(row["success"], row["tokens_out"]) for row in stored} == {(True, 6)}
    assert len(stored) == STREAMS
