"""A house of its own for each test, and a model server that answers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.processes import House
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(folder=tmp_path)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server.serving() as serves:
        yield serves
