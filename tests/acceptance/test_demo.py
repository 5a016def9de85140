"""`oneai demo`: tells its story, ends well by itself and at Ctrl-C, and leaves nothing behind."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.acceptance.processes import House, killed
from tests.fakes.waiting import until

pytest.importorskip("tesserocr", reason="the demo reads its page with the extra `ocr`")

STORY_S = 60.0


def processes_of(house: House) -> list[str]:
    """The command lines of whatever runs in the house; without /proc none are seen."""
    mark, found = str(house.folder).encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes() and process.name != str(os.getpid()):
                found.append((process / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def left_behind(house: House) -> list[str]:
    return [*processes_of(house), *(str(path) for path in (house.folder / "tmp").iterdir())]


async def told_until(process: asyncio.subprocess.Process, sign: str) -> str:
    """What it has said on stdout when a line with this sign has come."""
    assert process.stdout is not None
    told = ""
    while sign not in told:
        line = await process.stdout.readline()
        assert line, told
        told += line.decode()
    return told


async def answers_at(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url + "/health"):
            return True
    except aiohttp.ClientConnectorError:
        return False


async def is_reading_a_page(house: House) -> bool:
    """Whether a call is at one of the models of the demo's gateway."""
    (folder,) = (house.folder / "tmp").glob("oneai-demo-*")
    url = (folder / "serve.log").read_text().partition("OneAI Gateway on ")[2].split()[0]
    headers = {"X-API-Key": (folder / "home" / "local.key").read_text().strip()}
    async with aiohttp.ClientSession() as session, session.get(url + "/models", headers=headers) as response:
        return any(model["in_flight"] for model in (await response.json())["models"])


@asynccontextmanager
async def demo(house: House, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The demo as it starts; nothing of it outlives the block, even where a test fails."""
    process = await house.start("demo", *words)
    try:
        yield process
    except BaseException:
        process.send_signal(signal.SIGINT)  # killed, it could not stop its own processes
        await process.communicate()
        raise
    finally:
        await killed(process)


async def test_once_ends_by_itself_and_tells_of_the_fallback(house: House) -> None:
    async with demo(house, "--once", "--json") as process, asyncio.timeout(STORY_S):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    told = json.loads(out)
    shown = "".join(step["output"] + step.get("words", "") for step in told["steps"])
    assert "op1=unreachable → os1=ok" in shown
    assert "Halden & Moor Instruments" in shown  # what the page says
    assert left_behind(house) == []
    assert not await answers_at(told["gateway"])


async def test_ctrl_c_ends_it_cleanly_when_all_is_shown(house: House) -> None:
    async with demo(house) as process, asyncio.timeout(STORY_S):
        told = await told_until(process, "  export ONEAI_HOME=")
        url = f"http://127.0.0.1:{told.rpartition(' PORT=')[2].split()[0]}"
        assert await answers_at(url)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert "op1=unreachable → os1=ok" in told
    assert process.returncode == 0
    assert b"Traceback" not in err
    assert left_behind(house) == []
    assert not await answers_at(url)


@pytest.mark.parametrize("sign", ["$ oneai ocr-server", "$ oneai serve", "$ oneai models add op1"])
async def test_a_sigterm_as_a_process_is_started_leaves_nothing_behind(house: House, sign: str) -> None:
    async with demo(house, "--once") as process, asyncio.timeout(STORY_S):
        await told_until(process, sign)
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert left_behind(house) == []


async def test_ctrl_c_while_a_page_is_read_leaves_nothing_behind(house: House) -> None:
    async with demo(house) as process, asyncio.timeout(STORY_S):
        await told_until(process, "$ oneai run ")
        await until(lambda: is_reading_a_page(house))
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert left_behind(house) == []
