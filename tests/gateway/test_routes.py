"""Which handler answers which method and path."""

import pytest
from aiohttp import web

from oneai.errors import MethodNotAllowed, UnknownPath
from oneai.gateway.routes import Needs, Route, Routes
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime


async def handler(runtime: Runtime, visit: Visit) -> web.StreamResponse:
    return web.Response()


@pytest.fixture
def routes() -> Routes:
    paths = [("GET", "/models"), ("GET", "/models/all"), ("GET", "/models/{code}"), ("POST", "/models/{code}/reset")]
    return Routes(Route(method, path, handler, Needs.KEY) for method, path in paths)


@pytest.mark.parametrize(
    ("method", "path", "route", "params"),
    [
        ("GET", "/models", "/models", {}),
        ("HEAD", "/models", "/models", {}),
        ("GET", "/models/all", "/models/all", {}),
        ("GET", "/models/op1", "/models/{code}", {"code": "op1"}),
        ("POST", "/models/op1/reset", "/models/{code}/reset", {"code": "op1"}),
    ],
)
def test_the_whole_path_is_looked_for_first(
    routes: Routes, method: str, path: str, route: str, params: dict[str, str]
) -> None:
    found, values = routes.find(method, path)
    assert (found.path, values) == (route, params)


def test_a_name_is_decoded_once(routes: Routes) -> None:
    assert routes.find("GET", "/models/a%2Fb%2525")[1] == {"code": "a/b%25"}


def test_a_name_may_hold_slashes_where_its_route_says_so() -> None:
    routes = Routes([Route("GET", "/v1/models/{id}", handler, Needs.KEY, slashes=True)])
    assert routes.find("GET", "/v1/models/hub/name%2F1")[1] == {"id": "hub/name/1"}
    for path in ("/v1/models/", "/v1/models"):
        with pytest.raises(UnknownPath):
            routes.find("GET", path)


@pytest.mark.parametrize("path", ["", "/", "/models/", "/models/op1/", "/models//reset", "/models/a/b"])
def test_an_unknown_path_is_said(routes: Routes, path: str) -> None:
    with pytest.raises(UnknownPath):
        routes.find("GET", path)


def test_a_wrong_method_names_the_right_ones(routes: Routes) -> None:
    with pytest.raises(MethodNotAllowed, match="it takes POST"):
        routes.find("HEAD", "/models/op1/reset")
