"""`oneai` as its users have it: processes in a folder, a home and an environment of their own."""

import asyncio
import json
import os
import secrets
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from oneai.core import keys
from oneai.store import Store, opened
from oneai.types import Row
from tests.core.rows_of import row
from tests.gateway.conftest import Said

PATIENCE_S = 10.0
NOWHERE = "http://127.0.0.1:1"
_LISTENING = "OneAI Gateway on "


def new_key() -> str:
    """A key that nobody has seen before."""
    return keys.generate(secrets.token_bytes(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; json refuses a second."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line that says why it failed. No traceback, and nothing is called a fault of ours."""
        assert "Traceback" not in self.err
        (line,) = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert "fault of oneai" not in line
        return line.removeprefix("error: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """An `oneai serve` that listens, and a client of it that holds a key."""

    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession
    url: str
    key: str
    admin: str
    told: list[str]
    """Its lines on stderr so far."""

    async def get(self, path: str, key: str | None = None) -> Said:
        return await self.send("GET", path, headers={"X-API-Key": key or self.key})

    async def run(self, body: Any, key: str | None = None, **headers: str) -> Said:
        """`POST /v1/run`."""
        fields = {"X-API-Key": key or self.key, "Content-Type": "application/json"} | headers
        return await self.send("POST", "/v1/run", data=orjson.dumps(body), headers=fields)

    async def reload(self) -> Any:
        """`POST /admin/reload`: what it says."""
        return (await self.send("POST", "/admin/reload", headers={"X-API-Key": self.admin})).json()

    async def health(self) -> Any:
        return (await self.send("GET", "/health")).json()

    async def shipped(self) -> bool:
        """Whether the store has every row."""
        return bool((await self.health())["journal"]["rows"] == 0)

    async def send(self, method: str, path: str, **options: Any) -> Said:
        async with self.session.request(method, self.url + path, **options) as response:
            return Said(status=response.status, headers=response.headers, body=await response.read())

    async def stop(self) -> int:
        """Ask it to end, as an orchestrator does: its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> int:
        """End it as a power switch does: its exit code."""
        self.process.kill()
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@dataclass(slots=True, kw_only=True)
class House:
    """Where `oneai` runs: nothing of the machine's own settings comes in, nothing is left outside `folder`."""

    folder: Path
    key: str = field(default_factory=new_key)
    """A client's key, of API_KEYS."""
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "tmp").mkdir()
        self.settings |= {"ONEAI_HOME": str(self.home), "ONEAI_URL": NOWHERE, "API_KEYS": self.key}

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def environ(self, settings: Mapping[str, str]) -> dict[str, str]:
        bare = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp")}
        return bare | {"LANG": "C.UTF-8"} | self.settings | dict(settings)

    async def start(
        self, *words: str, before: Callable[[], None] | None = None, **settings: str
    ) -> asyncio.subprocess.Process:
        """`oneai WORDS`; `before` runs in the child."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "oneai", *words),
            cwd=self.folder,
            env=self.environ(settings),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=before,
            limit=1 << 20,
        )

    async def cli(
        self, *words: str, stdin: bytes = b"", before: Callable[[], None] | None = None, **settings: str
    ) -> Ended:
        """A command run to its end."""
        process = await self.start(*words, before=before, **settings)
        try:
            async with asyncio.timeout(PATIENCE_S):
                out, err = await process.communicate(stdin)
        finally:
            await killed(process)
        assert process.returncode is not None
        return Ended(code=process.returncode, out=out.decode(), err=err.decode())

    @asynccontextmanager
    async def serving(
        self, *words: str, before: Callable[[], None] | None = None, **settings: str
    ) -> AsyncIterator[Gateway]:
        """A gateway on a free port; the command line reaches it. At the end it is stopped, and must end well."""
        process = await self.start("serve", *words, before=before, **{"PORT": "0"} | settings)
        told: list[str] = []
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session,
            _heard(process, told) as url,
        ):
            self.settings["ONEAI_URL"] = url
            admin = (self.home / "local.key").read_text().strip()
            gateway = Gateway(process=process, session=session, url=url, key=self.key, admin=admin, told=told)
            try:
                yield gateway
            finally:
                self.settings["ONEAI_URL"] = NOWHERE
            by_hand = process.returncode is not None
            assert by_hand or await gateway.stop() == 0, "".join(told)
        assert "Traceback" not in "".join(told), "".join(told)

    async def register(self, *models: Row) -> None:
        """Put models into the SQLite store, before a gateway runs."""
        async with self.store() as store:
            await store.put_models(
                [{name: value for name, value in one.items() if not name.endswith("ed_at")} for one in models]
            )

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The SQLite store of the home, opened here: a process for each row that a test needs would take too long."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        async with opened(f"sqlite:{self.home / 'oneai.db'}") as store:
            yield store

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the SQLite store holds."""
        with closing(sqlite3.connect(self.home / "oneai.db", timeout=PATIENCE_S)) as db:
            found = db.execute(query, values).fetchall()
            db.commit()
            return found


def model(code: str, endpoint: str, fallback: str | None = None, **changes: Any) -> Row:
    """A row of `models` that is called at `endpoint`."""
    return row(code, endpoint=endpoint, fallback_model_code=fallback, **changes)


def trail(said: Said) -> list[str]:
    """`["op1=unreachable", "os1=ok"]` of an answer's X-OneAI-Attempts."""
    return [one.partition(";")[0] for one in said.headers["X-OneAI-Attempts"].split(",")]


@asynccontextmanager
async def _heard(process: asyncio.subprocess.Process, told: list[str]) -> AsyncIterator[str]:
    """Keep what it says on stderr in `told`; the URL that it listens on."""
    listening = asyncio.get_running_loop().create_future()

    async def hear() -> None:
        assert process.stderr is not None
        async for raw in process.stderr:
            told.append(raw.decode())
            if told[-1].startswith(_LISTENING):
                listening.set_result(told[-1].split()[-1])
        if not listening.done():
            listening.set_exception(AssertionError("".join(told)))

    hearing = asyncio.create_task(hear())
    try:
        async with asyncio.timeout(PATIENCE_S):
            url: str = await listening
        yield url
    finally:
        await killed(process)
        await hearing


async def killed(process: asyncio.subprocess.Process) -> None:
    """Whatever happened, it is gone when this returns."""
    if process.returncode is None:
        process.kill()
    await process.wait()
