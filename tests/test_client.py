"""Our own API as a client, against a server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from oneai.client import Gateway
from oneai.errors import GatewayAway, GatewayGone, GatewaySilent, NotAGateway, Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


def answering(document: Any, status: int = 200) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(document, status=status)

    return handler


def envelope(status: int, **error: Any) -> Handler:
    return answering({"error": {"message": "no", "code": "a_code", "param": "x"} | error}, status)


async def test_each_method_asks_its_path_with_the_key() -> None:
    seen: list[tuple[str, str, str | None, Any]] = []

    async def handler(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        seen.append((request.method, str(request.rel_url), request.headers.get("X-API-Key"), body))
        return web.json_response({"models": [{"code": "op1"}]})

    async with serving(handler) as url, Gateway(f"{url}/", "a key") as gateway:
        await gateway.health()
        assert await gateway.models() == [{"code": "op1"}]
        await gateway.models(all=True)
        await gateway.reload()
        await gateway.reload(force=True)
        await gateway.reset("op1")
        await gateway.state()
        await gateway.call("a/b")
        await gateway.run({"model": "op1"})
    assert {key for _method, _path, key, _body in seen} == {"a key"}
    assert [(method, path, body) for method, path, _key, body in seen] == [
        ("GET", "/health", None),
        ("GET", "/models", None),
        ("GET", "/models?all=true", None),
        ("POST", "/admin/reload", None),
        ("POST", "/admin/reload", {"force": True}),
        ("POST", "/admin/models/op1/reset", None),
        ("GET", "/admin/state", None),
        ("GET", "/admin/calls/a%2Fb", None),
        ("POST", "/v1/run", {"model": "op1"}),
    ]


async def test_a_run_gives_document_and_headers() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"echo": request.headers["X-OneAI-Fallback"]}, headers={"X-OneAI-Model": "op2"})

    async with serving(handler) as url, Gateway(url) as gateway:
        ran = await gateway.run({}, headers={"X-OneAI-Fallback": "off"})
    assert (ran.document, ran.headers["X-OneAI-Model"]) == ({"echo": "off"}, "op2")


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [(400, 2), (401, 5), (403, 5), (404, 3), (409, 4), (413, 2), (422, 2), (429, 1), (500, 1), (502, 1), (503, 1)],
)
async def test_a_refusal_carries_the_gateways_words_and_an_exit_code(status: int, exit_code: int) -> None:
    handler = envelope(status, attempts=[{"model": "op1"}])
    async with serving(handler) as url, Gateway(url) as gateway:
        with pytest.raises(Refused) as caught:
            await gateway.run({})
    refused = caught.value
    assert (refused.status, refused.code, refused.param, refused.exit_code) == (status, "a_code", "x", exit_code)
    assert refused.trail == ({"model": "op1"},)
    assert f"{status}: no" in refused.message


async def test_a_tunnels_own_page_is_a_refusal_in_its_words() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=530, text="<html>\n tunnel  error")

    async with serving(handler) as url, Gateway(url) as gateway:
        with pytest.raises(Refused, match="530: <html> tunnel error") as caught:
            await gateway.health()
    assert caught.value.code == "http_530"


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with serving(handler) as url, Gateway(url, "a key") as gateway:
        with pytest.raises(Refused, match="302"):
            await gateway.health()
    assert asked == ["/health"]


async def test_no_gateway_is_away() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with Gateway(f"http://127.0.0.1:{taken.getsockname()[1]}") as gateway:
            with pytest.raises(GatewayAway) as caught:
                await gateway.health()
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("document", [[], 3, "text", None])
async def test_what_is_no_object_is_no_gateway(document: Any) -> None:
    async with serving(answering(document)) as url, Gateway(url) as gateway:
        with pytest.raises(NotAGateway):
            await gateway.health()


async def test_models_that_are_no_list_are_no_gateway() -> None:
    async with serving(answering({"models": "none"})) as url, Gateway(url) as gateway:
        with pytest.raises(NotAGateway, match="models"):
            await gateway.models()


async def test_one_that_does_not_answer_in_time_is_silent() -> None:
    left = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        await left.wait()
        return web.Response()

    async with serving(handler) as url, Gateway(url) as gateway:
        with pytest.raises(GatewaySilent):
            await gateway.run({}, timeout_s=0.05)
        left.set()


async def test_a_server_that_hangs_up_is_gone_and_not_away() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, Gateway(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as gateway:
        with pytest.raises(GatewayGone, match="hung up"):
            await gateway.health()


async def test_what_is_no_http_is_no_gateway() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server, Gateway(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as gateway:
        with pytest.raises(NotAGateway):
            await gateway.health()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
Wire = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def streaming(then: Wire) -> AsyncIterator[Gateway]:
    """A gateway that begins a stream, and does then as it is told, once."""
    over = asyncio.Event()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        writer.write(HEAD + b"7\r\n: ping\n\r\n")
        await then(reader, writer)
        writer.close()
        await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server, asyncio.timeout(10):
        async with Gateway(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as gateway:
            yield gateway
        await over.wait()


async def until_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_a_stream_is_given_as_it_comes() -> None:
    more = asyncio.Event()

    async def go_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await more.wait()
        writer.write(b"5\r\ndata:\r\n0\r\n\r\n")

    async with streaming(go_on) as gateway, aclosing(gateway.streamed({"stream": True})) as blocks:
        assert await anext(blocks) == b": ping\n"
        more.set()
        assert [block async for block in blocks] == [b"data:"]


async def test_a_stream_that_falls_silent_is_given_up() -> None:
    async with streaming(until_gone) as gateway, aclosing(gateway.streamed({}, silence_s=0.05)) as blocks:
        await anext(blocks)
        with pytest.raises(GatewaySilent, match=r"0\.05 s"):
            await anext(blocks)


async def test_a_stream_that_breaks_off_is_gone() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.drain()

    async with streaming(hang_up) as gateway:
        with pytest.raises(GatewayGone):
            async for _block in gateway.streamed({}):
                pass


async def test_whoever_leaves_a_stream_hangs_up_at_once() -> None:
    begun, left = asyncio.Event(), asyncio.Event()

    async def see(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""
        left.set()

    async def follow(gateway: Gateway) -> None:
        async for _block in gateway.streamed({}):
            begun.set()

    async with streaming(see) as gateway:
        following = asyncio.create_task(follow(gateway))
        await begun.wait()
        following.cancel()
        await left.wait()
        with pytest.raises(asyncio.CancelledError):
            await following


async def test_a_stream_that_is_refused_is_so_in_the_gateways_words() -> None:
    async with serving(envelope(503)) as url, Gateway(url) as gateway:
        with pytest.raises(Refused, match="503: no") as caught:
            await anext(gateway.streamed({"stream": True}))
    assert caught.value.code == "a_code"


async def test_an_answer_without_events_is_no_gateways() -> None:
    async with serving(answering({"id": "run_1"})) as url, Gateway(url) as gateway:
        with pytest.raises(NotAGateway, match="no stream"):
            await anext(gateway.streamed({"stream": True}))


async def test_a_key_that_no_header_can_hold_is_no_crash() -> None:
    async with serving(answering({})) as url, Gateway(url, "a\nkey") as gateway:
        with pytest.raises(GatewayAway):
            await gateway.health()
