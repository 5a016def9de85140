"""SIGTERM: /ready says no, new calls are refused after the delay, running ones answered, rows stored, exit 0."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from tests.acceptance.processes import Gateway, House, model
from tests.fakes import model_server
from tests.fakes.model_server import answers, chat, hangs, waits_for
from tests.fakes.waiting import until

LLM = {"task": "llm", "input": {"text": "Hello"}}
IN_FLIGHT = 3


async def refuses_connections(gateway: Gateway) -> bool:
    """Whether a new client finds nobody there any more."""
    try:
        async with aiohttp.ClientSession() as stranger, stranger.get(gateway.url + "/live"):
            return False
    except aiohttp.ClientConnectorError:
        return True


@asynccontextmanager
async def kept_open(gateway: Gateway) -> AsyncIterator[Gateway]:
    """The gateway over one connection that stays open from now on."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        known = replace(gateway, session=session)
        assert (await known.get("/live")).status == 200
        yield known


async def is_draining(gateway: Gateway) -> bool:
    return (await gateway.get("/ready")).status == 503


async def test_calls_in_flight_are_answered_and_new_ones_refused(house: House) -> None:
    go_on = asyncio.Event()
    async with model_server.serving(waits_for(go_on, answers(chat("Hello")))) as slow:
        await house.register(model("lp1", slow.endpoint))
        async with house.serving(ONEAI_DRAIN_DELAY_S="1") as gateway, kept_open(gateway) as known:
            calls = [asyncio.create_task(gateway.run(LLM)) for _ in range(IN_FLIGHT)]
            await slow.hears(IN_FLIGHT)
            gateway.process.send_signal(signal.SIGTERM)
            await until(lambda: is_draining(gateway))
            # A balancer that has not noticed yet sends one more: it is answered too.
            calls.append(asyncio.create_task(gateway.run(LLM)))
            await slow.hears(IN_FLIGHT + 1)
            await until(lambda: refuses_connections(gateway))
            late = await known.run(LLM)
            assert not any(call.done() for call in calls)
            go_on.set()
            said = await asyncio.gather(*calls)
            assert await gateway.ended() == 0
    assert [one.status for one in said] == [200] * (IN_FLIGHT + 1)
    assert (late.status, late.error["code"], late.headers["Retry-After"]) == (503, "draining", "5")
    stored = {call for (call,) in house.sql("select call_id from model_usage_log where success")}
    assert stored == {one.headers["X-OneAI-Call"] for one in said}


async def test_a_call_that_outlasts_the_drain_is_cut_and_the_exit_is_clean(house: House) -> None:
    async with model_server.serving(hangs) as hung:
        await house.register(model("lp1", hung.endpoint))
        async with house.serving(ONEAI_DRAIN_S="0.2") as gateway:
            call = asyncio.create_task(gateway.run(LLM))
            await hung.hears()
            assert await gateway.stop() == 0
            with pytest.raises(aiohttp.ClientError):
                await call
        await asyncio.wait_for(hung.aborted.wait(), 10)


async def test_sigint_and_a_second_sigterm_end_it_as_well(house: House) -> None:
    async with house.serving(ONEAI_DRAIN_DELAY_S="0.2") as gateway:
        gateway.process.send_signal(signal.SIGINT)
        await until(lambda: any('"draining"' in line for line in gateway.told))
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.ended() == 0
