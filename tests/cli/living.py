"""A real gateway, and servers behind it, on a loop in a thread: the command line under test has a loop of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from oneai import config, runtime
from oneai.gateway import server as serving
from oneai.gateway.app import App
from tests.cli.conftest import Cli
from tests.fakes import model_server
from tests.fakes.model_server import Behaviour, ModelServer
from tests.fakes.postgrest import Postgrest, todays

T = TypeVar("T")
Opening = Callable[[AsyncExitStack], Awaitable[T]]


@contextmanager
def opened(opening: Opening[T]) -> Iterator[T]:
    """What `opening` opened, for as long as the block runs; all of it opened and closed by one task in a thread."""
    ready: list[T | BaseException] = []
    known, over = threading.Event(), threading.Event()

    async def live() -> None:
        try:
            async with AsyncExitStack() as stack:
                ready.append(await opening(stack))
                known.set()
                await asyncio.to_thread(over.wait)
        except BaseException as exc:
            ready.append(exc)
            known.set()
            raise

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    try:
        assert known.wait(20)
        assert not isinstance(ready[0], BaseException), ready[0]
        yield ready[0]
    finally:
        over.set()
        thread.join()


def models(*behaviours: Behaviour) -> Opening[Sequence[ModelServer]]:
    """A model server of each behaviour."""

    async def opening(stack: AsyncExitStack) -> Sequence[ModelServer]:
        return [await stack.enter_async_context(model_server.serving(one)) for one in behaviours]

    return opening


def gateway(home: Path, **environ: str) -> Opening[str]:
    """A gateway on `home`, as `oneai serve` runs it: its URL."""
    names = {"ONEAI_HOME": str(home), "PORT": "0"}

    async def opening(stack: AsyncExitStack) -> str:
        running = await stack.enter_async_context(runtime.opened(config.load(None, names | environ)))
        runner = serving.runner_of(App(running))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await serving.listen(runner, running.settings)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    return opening


def project(*, migrated: bool) -> Opening[Postgrest]:
    """A Supabase project with today's five models."""

    async def opening(stack: AsyncExitStack) -> Postgrest:
        return await stack.enter_async_context(todays(migrated=migrated))

    return opening


def add(cli: Cli, code: str, endpoint: str, *words: str) -> None:
    """Register a model; a gateway that runs takes it up at once."""
    ended = cli("models", "add", code, "--provider", "test", "--endpoint", endpoint, "--no-probe", *words)
    assert ended.code == 0, ended.err


def pointed(monkeypatch: pytest.MonkeyPatch, **environ: Any) -> None:
    """Set variables for the command line under test."""
    for name, value in environ.items():
        monkeypatch.setenv(name, str(value))
