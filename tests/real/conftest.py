"""One town for a session, its clients, and the gateway's log beside every failure."""

from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest
import pytest_asyncio
from pytest_asyncio import is_async_test

from tests.real import processes, town
from tests.real.processes import Client
from tests.real.town import Stand, Town

_LOG_LINES = 40
_LINE = 4000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The town's servers live in one loop, and so do its tests."""
    for item in items:
        if is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    found = getattr(item, "funcargs", {}).get("here")
    if report.failed and isinstance(found, Town):
        last = (line[:_LINE] for line in found.gateway.told[-_LOG_LINES:])
        report.sections.append(("the gateway's log", "".join(last)))
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with town.standing(tmp_path_factory.mktemp("town")) as standing:
        yield standing


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def narrow_key(here: Town) -> str:
    """A key that may call the embedding models alone."""
    said = await here.house.cli("keys", "create", "narrow", "--allow", "e", "--json")
    assert said.code == 0, said.err
    return str(said.json["key"])


@pytest.fixture
def fake(here: Town) -> Stand:
    """A model without a fallback."""
    return next(here.alone)


@pytest.fixture
def pair(here: Town) -> tuple[Stand, Stand]:
    """A model and its fallback."""
    return next(here.pairs)


@pytest.fixture(params=["python", "node"])
def openai(here: Town, request: pytest.FixtureRequest) -> Client:
    """openai, in both of its languages."""
    kinds: Any = {"python": processes.python, "node": processes.node}
    client: Client = kinds[request.param]("openai_client", here.settings())
    return client


@pytest.fixture
def openai_python(here: Town) -> Client:
    """Where the client's part takes long, and is the same in both languages."""
    return processes.python("openai_client", here.settings())


@pytest.fixture
def anthropic(here: Town) -> Client:
    return processes.python("anthropic_client", here.settings())


@pytest.fixture
def cohere(here: Town) -> Client:
    return processes.python("cohere_client", here.settings())


@pytest.fixture
def langchain(here: Town) -> Client:
    return processes.python("langchain_client", here.settings())
