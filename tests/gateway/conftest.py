"""The real surface over a real runtime: SQLite in a home of its own, a loopback port, and model servers to command."""

import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from PIL import Image

from oneai import config, runtime
from oneai.core import keys
from oneai.gateway import server as serving
from oneai.gateway.app import App
from oneai.gateway.pace import PACE, Pace
from oneai.runtime import Runtime
from oneai.store import opened as opened_store
from oneai.types import Row
from tests.core.rows_of import key_row, row
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A response, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json()["error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A running gateway and a client of it; `plain`, `narrow` (lp2 alone) and so on are keys by name."""

    running: Runtime
    session: aiohttp.ClientSession
    port: int
    admin: str
    keys: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str, key: str | None = None, method: str = "GET", **headers: str) -> Said:
        return await self.send(method, path, None, self._with_key(key, headers))

    async def run(self, body: Any, key: str | None = "plain", headers: Mapping[str, str] | None = None) -> Said:
        """`POST /v1/run` with JSON, or with bytes as they are."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.send("POST", "/v1/run", data, self._with_key(key, dict(headers or {})))

    async def post(self, path: str, body: Any = None, key: str | None = "admin") -> Said:
        data = None if body is None else orjson.dumps(body)
        return await self.send("POST", path, data, self._with_key(key, {}))

    async def send(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Said:
        async with self.session.request(method, self.url + path, data=data, headers=headers) as response:
            return Said(status=response.status, headers=response.headers, body=await response.read())

    def key(self, name: str) -> str:
        return self.admin if name == "admin" else self.keys[name]

    def _with_key(self, name: str | None, headers: dict[str, str]) -> dict[str, str]:
        return headers if name is None else {"X-API-Key": self.key(name)} | headers


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Where a gateway is opened, as often and with what settings a test likes."""

    home: Path
    admin: str
    keys: Mapping[str, str]

    @asynccontextmanager
    async def opened(self, *, pace: Pace = PACE, **environ: str) -> AsyncIterator[Gate]:
        empty = self.home.parent / "empty.env"
        empty.touch()
        names = {"ONEAI_HOME": str(self.home), "ADMIN_API_KEYS": self.admin, "PORT": "0"}
        async with runtime.opened(config.load(empty, names | environ)) as running:
            runner = serving.runner_of(App(running, pace=pace))
            await runner.setup()
            try:
                await serving.listen(runner, running.settings)
                async with aiohttp.ClientSession() as session:
                    port = runner.addresses[0][1]
                    yield Gate(running=running, session=session, port=port, admin=self.admin, keys=self.keys)
            finally:
                await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """Behind every model but lp2 and os1."""
    async with model_server.serving() as serves:
        yield serves


@pytest.fixture
async def second() -> AsyncIterator[ModelServer]:
    """Behind lp2 and os1, the ends of the chains of lp1 and op1."""
    async with model_server.serving() as serves:
        yield serves


@pytest.fixture
async def house(server: ModelServer, second: ModelServer, tmp_path: Path) -> House:
    """Eight models of all domains, and six keys, in a store that no gateway has opened yet."""
    home = tmp_path / "home"
    home.mkdir()
    made = {
        name: keys.generate(secrets.token_bytes(32)) for name in ("plain", "narrow", "revoked", "expired", "limited")
    }
    async with opened_store(f"sqlite:{home / 'oneai.db'}") as store:
        await store.put_models(_models(server, second))
        for one in _keys(made):
            await store.put_key(one)
    return House(home=home, admin=keys.generate(secrets.token_bytes(32)), keys=made)


@pytest.fixture
async def gate(house: House) -> AsyncIterator[Gate]:
    async with house.opened() as opened:
        yield opened


def page(width: int = 64, height: int = 64, kind: str = "PNG") -> str:
    """A white page, as base64."""
    file = BytesIO()
    Image.new("L", (width, height), 255).save(file, kind)
    return b64encode(file.getvalue()).decode()


def _models(server: ModelServer, second: ModelServer) -> list[Row]:
    meta = {"name": "A model", "description": "For tests"}
    rows = [
        row("lp1", endpoint=server.endpoint, fallback_model_code="lp2", meta=meta),
        row("lp2", endpoint=second.endpoint, meta={"aliases": ["the-second"]}),
        row("lp3", endpoint=server.endpoint, active=False),
        row("op1", endpoint=server.endpoint, fallback_model_code="os1"),
        row("os1", endpoint=second.endpoint),
        row("vp1", endpoint=server.endpoint),
        row("tp1", endpoint=server.endpoint),
        row("ep1", endpoint=f"{server.origin}/v1/embeddings"),
        row("rp1", endpoint=f"{server.origin}/v1/rerank"),
    ]
    return [{name: value for name, value in one.items() if not name.endswith("ed_at")} for one in rows]


def _keys(made: Mapping[str, str]) -> list[Row]:
    changes: dict[str, dict[str, Any]] = {
        "narrow": {"allow": ["lp2"]},
        "revoked": {"revoked_at": "2026-01-02T00:00:00+00:00"},
        "expired": {"expires_at": "2026-01-02T00:00:00+00:00"},
        "limited": {"max_in_flight": 1},
    }
    return [key_row(keys.hash_of(key), name=name, **changes.get(name, {})) for name, key in made.items()]
