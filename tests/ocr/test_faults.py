import logging

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from oneai.errors import OcrQueueFull
from oneai.ocr import faults


async def _broken(request: web.Request) -> web.Response:
    raise RuntimeError("secret detail")


async def _full(request: web.Request) -> web.Response:
    raise OcrQueueFull(waiting=3, retry_after_s=1.2)


async def _moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("/elsewhere")


async def asked(method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    app = web.Application(middlewares=(faults.answered,))
    app.router.add_get("/broken", _broken)
    app.router.add_get("/full", _full)
    app.router.add_get("/moved", _moved)
    async with (
        TestClient(TestServer(app, host="127.0.0.1")) as client,
        client.request(method, path, allow_redirects=False) as response,
    ):
        return response.status, dict(response.headers), await response.read()


async def test_an_error_of_ours_says_when_to_come_back() -> None:
    status, headers, body = await asked("GET", "/full")
    assert (status, headers["Retry-After"]) == (503, "2")
    assert orjson.loads(body)["error"]["code"] == 503


async def test_an_unknown_path_is_a_404_that_names_the_paths() -> None:
    status, _, body = await asked("GET", "/v1/embeddings")
    assert status == 404
    assert "nothing at GET /v1/embeddings" in orjson.loads(body)["error"]["message"]


async def test_a_wrong_method_is_a_405_that_names_the_right_one() -> None:
    status, headers, body = await asked("DELETE", "/full")
    assert (status, headers["Allow"]) == (405, "GET,HEAD")
    assert "it takes GET, HEAD" in orjson.loads(body)["error"]["message"]


async def test_what_nobody_foresaw_is_logged_and_kept_from_the_client(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "oneai.ocr"):
        status, _, body = await asked("GET", "/broken")
    assert (status, b"secret" in body) == (500, False)
    assert [record.message for record in caplog.records] == ["failed"]


async def test_what_is_no_error_goes_through() -> None:
    assert (await asked("GET", "/moved"))[0] == 302
