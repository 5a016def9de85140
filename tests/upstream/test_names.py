"""What a model server is called: learnt from what it says, kept while it says nothing, asked again when it changes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest

from oneai.core.dialect import Unusable
from oneai.types import Answer, Model, Request
from oneai.upstream.names import ServedNames
from tests.core.run_calls import model
from tests.fakes.model_server import models
from tests.fakes.virtual_time import in_virtual_time


@dataclass
class Servers:
    """Model servers by URL; what is not there is unreachable."""

    says: dict[str, Any] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    now: float = 0.0

    async def send(self, request: Request) -> Answer:
        self.asked.append(request)
        said = self.says.get(request.url)
        if said is None:
            raise Unusable("unreachable", "connection refused")
        if said == "hang":
            await asyncio.Event().wait()
        return said if isinstance(said, Answer) else Answer(status=200, headers={}, body=orjson.dumps(said))

    def names(self, known: dict[str, str] | None = None, **credentials: str) -> ServedNames:
        names = ServedNames(self.send, credentials, monotonic=lambda: self.now)
        names.recall(known or {})
        return names


URL = "http://gpu.example:8000/v1/models"


@pytest.fixture
def servers() -> Servers:
    return Servers()


async def learnt(servers: Servers, of: Model) -> ServedNames:
    names = servers.names()
    await names.learn([of])
    return names


async def test_one_id_is_the_name_with_its_window(servers: Servers) -> None:
    servers.says[URL] = models("qwen", max_model_len=32_768)
    names = await learnt(servers, model())
    known = names.learnt("op1")
    assert names.of(model()) == "qwen"
    assert known is not None
    assert (known.window, known.trouble) == (32_768, None)


async def test_of_several_the_one_equal_to_the_rows_name_is_it(servers: Servers) -> None:
    servers.says[URL] = models("a", "DeepSeek-OCR", "b")
    named = model(name="DeepSeek-OCR")
    assert (await learnt(servers, named)).of(named) == "DeepSeek-OCR"


async def test_several_names_of_one_root_are_one_model(servers: Servers) -> None:
    servers.says[URL] = models("tiny", "tiny-alias", root="org/tiny")
    assert (await learnt(servers, model())).of(model()) == "tiny"


@pytest.mark.parametrize(
    "said",
    [models("a", "b"), {"data": [{"id": "a", "root": "x"}, {"id": "b", "root": "y"}]}],
    ids=["no root", "two roots"],
)
async def test_several_models_are_trouble_and_no_name(servers: Servers, said: Any) -> None:
    servers.says[URL] = said
    names = await learnt(servers, model())
    known = names.learnt("op1")
    assert names.of(model()) is None
    assert known is not None
    assert known.trouble is not None
    assert "2 models (a, b)" in known.trouble
    assert "served_model" in known.trouble
    assert "gpu.example" not in known.trouble


async def test_the_rows_served_model_wins_over_what_the_server_says(servers: Servers) -> None:
    servers.says[URL] = models("qwen")
    names = await learnt(servers, model(served_model="mine"))
    assert names.of(model(served_model="mine")) == "mine"


@pytest.mark.parametrize(
    "said",
    [[], {}, {"data": None}, {"data": ["a"]}, {"data": [{"name": "a"}]}, Answer(status=200, headers={}, body=b"<html")],
)
async def test_a_server_that_says_nothing_of_use_has_no_name_yet(servers: Servers, said: Any) -> None:
    servers.says[URL] = said
    names = await learnt(servers, model())
    assert names.of(model()) is None
    assert names.known() == {}


async def test_until_a_server_is_asked_the_snapshots_name_is_good(servers: Servers) -> None:
    names = servers.names(known={"op1": "from-disk"})
    assert names.of(model()) == "from-disk"
    await names.learn([model()])
    assert names.of(model()) == "from-disk"
    servers.says[URL], servers.now = models("fresh"), 30.0 + 600.0
    await names.learn([model()])
    assert (names.of(model()), names.known()) == ("fresh", {"op1": "fresh"})


@pytest.mark.parametrize("status", [401, 404, 500, 503])
async def test_a_server_that_refuses_to_say_keeps_its_name_and_window(servers: Servers, status: int) -> None:
    servers.says[URL] = models("qwen", max_model_len=4096)
    names = await learnt(servers, model())
    servers.says[URL], servers.now = Answer(status=status, headers={}, body=b"{}"), 600.0
    await names.learn([model()])
    known = names.learnt("op1")
    assert len(servers.asked) == 2
    assert known is not None
    assert (known.name, known.window) == ("qwen", 4096)


@in_virtual_time
async def test_a_server_that_hangs_is_given_two_seconds_and_keeps_its_name() -> None:
    servers = Servers(says={URL: models("qwen", max_model_len=4096)})
    names = servers.names()
    await names.learn([model()])
    servers.says[URL], servers.now = "hang", 600.0
    began = asyncio.get_running_loop().time()
    await names.learn([model()])
    assert asyncio.get_running_loop().time() - began == pytest.approx(2.0)
    assert names.of(model()) == "qwen"


async def test_a_known_name_is_asked_for_again_after_ten_minutes_and_an_unknown_after_half_a_minute(
    servers: Servers,
) -> None:
    servers.says[URL] = models("qwen")
    other = model(code="op2", endpoint="http://gpu.example:8001/v1/chat/completions")
    names = servers.names()
    asked_at = []
    for at in (0.0, 29.0, 30.0, 59.0, 60.0, 599.0, 600.0):
        servers.now = at
        before = len(servers.asked)
        await names.learn([model(), other])
        asked_at.append(["8001" if ":8001" in request.url else "8000" for request in servers.asked[before:]])
    assert asked_at == [["8000", "8001"], [], ["8001"], [], ["8001"], ["8001"], ["8000"]]


async def test_a_changed_endpoint_has_no_name_until_it_is_asked(servers: Servers) -> None:
    servers.says[URL] = models("old")
    names = await learnt(servers, model())
    moved = replace(model(), endpoint="http://gpu.example:9000/v1/chat/completions")
    assert names.of(moved) is None
    await names.learn([moved])
    assert names.of(moved) is None
    servers.says["http://gpu.example:9000/v1/models"], servers.now = models("new"), 30.0
    await names.learn([moved])
    assert names.of(moved) == "new"


async def test_a_name_that_stays_unclear_is_logged_once(servers: Servers, caplog: pytest.LogCaptureFixture) -> None:
    names = servers.names()
    for servers.now in (0.0, 30.0, 60.0):
        servers.says[URL] = models("one", "two")
        await names.learn([model()])
    servers.says[URL], servers.now = models("one", "two", "three"), 90.0
    await names.learn([model()])
    assert [record.message for record in caplog.records] == ["served_name_unclear"] * 2


async def test_asking_again_forgets_first(servers: Servers) -> None:
    servers.says[URL] = models("old")
    names = await learnt(servers, model())
    servers.says.clear()
    await names.ask_again(model())
    assert names.of(model()) is None
    servers.says[URL] = models("new")
    await names.ask_again(model())
    assert names.of(model()) == "new"


async def test_asking_again_forgets_the_snapshots_name_too(servers: Servers) -> None:
    names = servers.names(known={"op1": "from-disk"})
    await names.ask_again(model())
    assert names.of(model()) is None


async def test_inactive_models_are_not_asked(servers: Servers) -> None:
    await servers.names().learn([model(active=False)])
    assert servers.asked == []


async def test_the_models_own_credential_is_sent_and_no_other(servers: Servers) -> None:
    names = servers.names(MODEL_OP1_API_KEY="secret-1", MODEL_OP2_API_KEY="secret-2")
    await names.learn([model(credential_env="MODEL_OP1_API_KEY"), model(code="op3")])
    assert [request.headers.get("Authorization") for request in servers.asked] == ["Bearer secret-1", None]


async def test_one_server_that_breaks_keeps_nobody_else_from_a_name(servers: Servers) -> None:
    servers.says["http://gpu.example:8001/v1/models"] = models("good")
    good = model(code="op2", endpoint="http://gpu.example:8001/v1/chat/completions")
    names = servers.names()
    await names.learn([model(), good])
    assert names.of(good) == "good"


async def test_sixteen_servers_are_asked_at_once_and_no_more() -> None:
    busy, most, gate = 0, 0, asyncio.Event()

    async def send(request: Request) -> Answer:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        if busy == 16:
            gate.set()
        await gate.wait()
        busy -= 1
        return Answer(status=200, headers={}, body=orjson.dumps(models("x")))

    clock: Callable[[], float] = lambda: 0.0  # noqa: E731
    names = ServedNames(send, {}, monotonic=clock)
    await names.learn([model(code=f"op{number}") for number in range(1, 41)])
    assert most == 16
    assert len(names.known()) == 40
