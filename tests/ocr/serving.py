"""The server as a test meets it: on loopback, with real worker processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import orjson
from aiohttp.test_utils import TestClient, TestServer

from oneai.ocr.options import Options
from oneai.ocr.server import build

Client = TestClient[Any, Any]


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Client]:
    """A client of a server with these options."""
    async with TestClient(TestServer(build(Options(**options)), host="127.0.0.1")) as client:
        yield client


async def post(client: Client, body: Any) -> Any:
    """The answer to a chat request, which must be a good one."""
    async with client.post("/v1/chat/completions", json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def refused(client: Client, body: Any) -> tuple[int, dict[str, Any]]:
    """Status and error of a chat request."""
    async with client.post("/v1/chat/completions", data=BytesIO(orjson.dumps(body))) as response:
        error = (await response.json())["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["code"] == response.status
        return response.status, error


async def until_health(client: Client, **wanted: int) -> None:
    """Return once /health says so."""
    async with asyncio.timeout(30):
        while True:
            async with client.get("/health") as response:
                if (await response.json()).items() >= wanted.items():
                    return
