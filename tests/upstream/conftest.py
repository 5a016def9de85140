"""Every way out is tried on both event loops: the gateway runs on uvloop, the CLI on asyncio's own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from oneai.upstream.client import Upstream
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server.serving() as serving:
        yield serving
