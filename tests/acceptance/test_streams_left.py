"""A client that is killed in mid-stream: its model is freed at once, and the row says what it took until then."""

import asyncio
import sys

import orjson
import pytest

from tests.acceptance import stream_reader
from tests.acceptance.processes import PATIENCE_S, Gateway, House, killed, model
from tests.acceptance.tongues import TONGUES, Tongue
from tests.fakes import model_server
from tests.fakes.model_server import streams
from tests.fakes.waiting import until

WORDS = 7


async def reader(gateway: Gateway, tongue: Tongue) -> asyncio.subprocess.Process:
    """A client as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, stream_reader.__file__, gateway.url.removeprefix("http://"), tongue.path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(f"{gateway.key}\n".encode() + orjson.dumps(tongue.streamed("lp1", "Hello")) + b"\n")
    process.stdin.close()
    return process


async def heard_all(process: asyncio.subprocess.Process) -> str:
    """Wait until it has seen all the words: the id of its call."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        call = (await process.stdout.readline()).decode().strip()
        seen = 0
        while seen < WORDS:
            line = await process.stdout.readline()
            assert line, "it ended by itself"
            seen += b'"word-' in line
    return call


@pytest.mark.parametrize("name", TONGUES)
async def test_a_killed_clients_model_is_freed_and_its_row_counts_what_passed(house: House, name: str) -> None:
    tongue = TONGUES[name]
    words = [tongue.word(f"word-{number}") for number in range(WORDS)]
    async with model_server.serving(streams(*tongue.first, *words, asyncio.Event())) as server:
        await house.register(model("lp1", server.endpoint))
        async with house.serving() as gateway:
            process = await reader(gateway, tongue)
            try:
                call = await heard_all(process)
                assert not server.aborted.is_set()
            finally:
                await killed(process)
            await asyncio.wait_for(server.aborted.wait(), PATIENCE_S)
            await until(lambda: house.sql("select count(*) from model_usage_log")[0][0] > 0)
            told = (await house.cli("why", call, "--json")).json
    found = house.sql("select call_id, success, error_class, tokens_out from model_usage_log")
    assert found == [(call, 0, "client_gone", WORDS)]
    assert (told["status"], [one["outcome"] for one in told["attempts"]]) == (499, ["client_gone"])
