"""A cheap question to the server of an open circuit."""

import asyncio

import pytest

from oneai.core.dialect import Unusable
from oneai.types import Answer, Request
from oneai.upstream import probe
from tests.core.run_calls import model
from tests.fakes.virtual_time import in_virtual_time


class Server:
    def __init__(self, status: int | None = 200) -> None:
        self.status = status
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Answer:
        self.asked.append(request)
        if self.status is None:
            raise Unusable("unreachable", "connection refused")
        return Answer(status=self.status, headers={}, body=b"")


@pytest.mark.parametrize("status", [200, 204, 302, 401, 403, 404, 429])
async def test_any_answer_but_a_5xx_says_that_it_lives(status: int) -> None:
    assert await probe.answers(Server(status).send, model(), {})


@pytest.mark.parametrize("status", [500, 502, 503, None])
async def test_a_5xx_or_no_connection_says_that_it_does_not(status: int | None) -> None:
    assert not await probe.answers(Server(status).send, model(), {})


async def test_its_models_are_asked_for_and_nothing_that_generates() -> None:
    server = Server()
    await probe.answers(server.send, model(), {})
    [asked] = server.asked
    assert (asked.method, asked.url, asked.body) == ("GET", "http://gpu.example:8000/v1/models", b"")


async def test_the_rows_health_path_is_asked_instead() -> None:
    server = Server()
    await probe.answers(server.send, model(health_path="/healthz"), {})
    assert server.asked[0].url == "http://gpu.example:8000/healthz"


async def test_the_models_credential_is_sent() -> None:
    server = Server()
    await probe.answers(server.send, model(credential_env="MODEL_OP1_API_KEY"), {"MODEL_OP1_API_KEY": "secret"})
    assert server.asked[0].headers == {"Authorization": "Bearer secret"}


@in_virtual_time
async def test_a_server_that_hangs_is_given_two_seconds() -> None:
    async def hang(request: Request) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    began = asyncio.get_running_loop().time()
    assert not await probe.answers(hang, model(), {})
    assert asyncio.get_running_loop().time() - began == pytest.approx(2.0)
