"""No room on the disk, as the kernel enforces it on the size of the gateway's files: the reply wins, no row is lost."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.acceptance.processes import Gateway, House, model
from tests.fakes.model_server import ModelServer
from tests.fakes.waiting import until

LLM = {"task": "llm", "input": {"text": "Hello"}}

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits a process from outside")


def no_room() -> None:
    """In a child, before it is `oneai`."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


@contextmanager
def full(gateway: Gateway) -> Iterator[None]:
    """No file of this gateway takes a byte more."""
    pid = gateway.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


async def test_calls_are_answered_and_their_rows_arrive_when_there_is_room(house: House, server: ModelServer) -> None:
    await house.register(model("lp1", server.endpoint))
    async with house.serving() as gateway:
        with full(gateway):
            said = [await gateway.run(LLM) for _ in range(10)]
            health = await gateway.health()
            assert (await gateway.get("/live")).status == 200
        await until(gateway.shipped)
        after = await gateway.health()
    assert {one.status for one in said} == {200}
    assert health["status"] == "degraded"
    assert "usage rows wait in memory: the disk takes none" in health["troubles"]
    assert (health["journal"]["degraded"], health["journal"]["rows"]) == (True, 10)
    assert (after["journal"]["degraded"], after["journal"]["dropped"]) == (False, 0)
    stored = {call for (call,) in house.sql("select call_id from model_usage_log")}
    assert stored == {one.headers["X-OneAI-Call"] for one in said}


async def test_rows_that_find_no_room_to_the_end_are_told_to_be_lost(house: House, server: ModelServer) -> None:
    await house.register(model("lp1", server.endpoint))
    async with house.serving() as gateway:
        with full(gateway):
            said = [await gateway.run(LLM) for _ in range(3)]
            assert await gateway.stop() == 0
    assert {one.status for one in said} == {200}
    (lost,) = [line for line in gateway.told if "journal_rows_lost" in line]
    assert '"rows":3' in lost


async def test_a_gateway_that_has_served_before_starts_and_serves_on_a_full_disk(
    house: House, server: ModelServer
) -> None:
    await house.register(model("lp1", server.endpoint))
    async with house.serving():
        pass
    async with house.serving(before=no_room) as gateway:
        said = await gateway.run(LLM)
        health = await gateway.health()
    assert said.status == 200
    assert (health["status"], health["journal"]["degraded"]) == ("degraded", True)


async def test_a_first_start_on_a_full_disk_names_the_home(house: House) -> None:
    ended = await house.cli("serve", before=no_room)
    assert ended.code == 2
    assert ended.error.startswith(f"ONEAI_HOME: found {house.home}")
