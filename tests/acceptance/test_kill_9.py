"""`kill -9` under load: every attempt of a call whose answer a client has read is in the store afterwards, once."""

import asyncio
from collections import Counter

import aiohttp

from tests.acceptance.processes import Gateway, House, model, trail
from tests.fakes import model_server
from tests.fakes.model_server import answers, hangs
from tests.fakes.waiting import until
from tests.gateway.conftest import Said

CLIENTS = 8
ENOUGH = 300
LLM = {"task": "llm", "model": "lp1", "input": {"text": "Hello"}}
BUSY = answers({"error": {"message": "too many requests"}}, 429)
"""What makes a call fall back each time: a busy model is passed by and opens no circuit."""


async def keep_calling(gateway: Gateway, answered: dict[str, Said]) -> None:
    """Until the gateway dies."""
    try:
        while True:
            said = await gateway.run(LLM)
            answered[said.headers["X-OneAI-Call"]] = said
    except (aiohttp.ClientError, ConnectionError):
        return


async def call_that_is_never_answered(gateway: Gateway) -> bool:
    try:
        await gateway.run({"task": "llm", "model": "lp3", "input": {"text": "Hello"}})
    except (aiohttp.ClientError, ConnectionError):
        return True
    return False


async def test_kill_9_loses_no_attempt_of_an_answered_call_and_counts_none_twice(house: House) -> None:
    answered: dict[str, Said] = {}
    async with model_server.serving(BUSY) as busy, model_server.serving() as good, model_server.serving(hangs) as hung:
        await house.register(
            model("lp1", busy.endpoint, "lp2", max_tokens=10),
            model("lp2", good.endpoint),
            model("lp3", hung.endpoint),
        )
        async with house.serving() as gateway:
            in_flight = asyncio.create_task(call_that_is_never_answered(gateway))
            await hung.hears()
            clients = [asyncio.create_task(keep_calling(gateway, answered)) for _ in range(CLIENTS)]
            await until(lambda: len(answered) >= ENOUGH)
            # Some rows are in the store then, some are on their way, and some are in the journal only.
            await until(lambda: house.sql("select count(*) from model_usage_log")[0][0] > 0)
            assert await gateway.kill() == -9
            await asyncio.gather(*clients)
            assert await in_flight
        async with house.serving() as heir:
            await heir.kill()  # while it gives the store what the first one left
        async with house.serving() as last:
            await until(last.shipped)
            told = (await house.cli("why", next(reversed(answered)), "--json")).json
    assert {said.status for said in answered.values()} == {200}
    assert {tuple(trail(said)) for said in answered.values()} == {("lp1=busy", "lp2=ok")}
    found = house.sql("select call_id, attempt, model_code, success, error_class from model_usage_log")
    assert max(Counter((call, attempt) for call, attempt, *_ in found).values()) == 1
    attempts: dict[str, list[tuple[object, ...]]] = {}
    for call, *rest in sorted(found):
        attempts.setdefault(call, []).append(tuple(rest))
    assert set(answered) <= set(attempts)
    assert {tuple(attempts[call]) for call in answered} == {((1, "lp1", 0, "busy"), (2, "lp2", 1, None))}
    assert house.sql("select sum(calls) from usage_hourly") == [(len(found),)]
    assert [(one["model"], one["outcome"]) for one in told["attempts"]] == [("lp1", "busy"), ("lp2", "ok")]
