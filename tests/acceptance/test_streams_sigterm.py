"""SIGTERM with streams under way: they are heard to their end, or cut when the drain is over; each has its row."""

import asyncio
import signal

from tests.acceptance.listening import Heard, listening
from tests.acceptance.processes import House, model
from tests.acceptance.test_sigterm import is_draining, kept_open, refuses_connections
from tests.acceptance.tongues import CHAT, TONGUES
from tests.fakes import model_server
from tests.fakes.model_server import streams
from tests.fakes.waiting import until

WORDS = tuple(CHAT.word(f"word-{number}") for number in range(3))


async def test_streams_under_way_are_heard_to_their_end_and_new_calls_refused(house: House) -> None:
    go_on = asyncio.Event()
    async with model_server.serving(streams(*CHAT.first, *WORDS, go_on, *WORDS, *CHAT.last)) as server:
        await house.register(model("lp1", server.endpoint))
        async with (
            house.serving(ONEAI_DRAIN_DELAY_S="1") as gateway,
            kept_open(gateway) as asking,
            kept_open(gateway) as calling,
        ):
            heard = [Heard(tongue=TONGUES[name]) for name in ("chat", "run")]
            under_way = [listening(gateway, one) for one in heard]
            await until(lambda: all(one.words == 3 for one in heard))
            gateway.process.send_signal(signal.SIGTERM)
            await until(lambda: is_draining(asking))
            await until(lambda: refuses_connections(gateway))
            late = await calling.run({"model": "lp1", "input": {"text": "Hello"}, "stream": True})
            assert not any(one.done() for one in under_way)
            go_on.set()
            await asyncio.gather(*under_way)
            assert await gateway.ended() == 0
    assert (late.status, late.error["code"], late.headers["Retry-After"]) == (503, "draining", "5")
    assert [(one.words, one.ended, one.cut) for one in heard] == [(6, True, False)] * 2
    found = house.sql("select call_id, success, tokens_out from model_usage_log")
    assert sorted(found) == sorted((one.call, 1, 6) for one in heard)


async def test_a_stream_that_outlasts_the_drain_is_cut_with_a_word_and_its_row_is_stored(house: House) -> None:
    async with model_server.serving(streams(*CHAT.first, *WORDS, asyncio.Event())) as server:
        await house.register(model("lp1", server.endpoint))
        async with house.serving(ONEAI_DRAIN_S="0.2") as gateway:
            heard = Heard(tongue=CHAT)
            under_way = listening(gateway, heard)
            await until(lambda: heard.words == 3)
            assert await gateway.stop() == 0
            await under_way
        await asyncio.wait_for(server.aborted.wait(), 10)
    assert (heard.ended, heard.cut) == (False, False)
    assert b'"code":"stopped"' in heard.frames[-1]
    found = house.sql("select call_id, success, tokens_out, error_class from model_usage_log")
    assert found == [(heard.call, 0, 3, "gateway_stopped")]
