"""One attempt on the wire: what comes back, what is tried again, and what is said of a failure."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from oneai.core.dialect import Unusable
from oneai.types import Request
from oneai.upstream import client
from oneai.upstream.client import Upstream
from tests.fakes import model_server
from tests.fakes.model_server import Behaviour, ModelServer, answers, chat


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server.serving() as serving:
        yield serving


def post(url: str, body: bytes = b'{"messages":[]}', **headers: str) -> Request:
    return Request(method="POST", url=url, body=body, headers={"Content-Type": "application/json"} | headers)


async def failure(upstream: Upstream, url: str) -> Unusable:
    with pytest.raises(Unusable) as caught:
        await upstream.send(post(url))
    return caught.value


async def test_an_answer_comes_back_whole(upstream: Upstream, server: ModelServer) -> None:
    server.default = answers(b'{"a": 1}', 418, {"X-Of-Theirs": "yes"})
    answer = await upstream.send(post(server.endpoint))
    assert (answer.status, answer.body, answer.headers["x-of-theirs"]) == (418, b'{"a": 1}', "yes")


async def test_what_is_sent_arrives_as_it_is_and_asks_for_no_compression(
    upstream: Upstream, server: ModelServer
) -> None:
    await upstream.send(post(server.endpoint, b'{"x":"\xc3\xa9"}', Authorization="Bearer secret", traceparent="00-a"))
    [heard] = server.heard
    assert (heard.method, heard.path, heard.body) == ("POST", "/v1/chat/completions", b'{"x":"\xc3\xa9"}')
    sent = {name: heard.headers[name] for name in ("accept-encoding", "authorization", "traceparent", "user-agent")}
    assert sent == {
        "accept-encoding": "identity",
        "authorization": "Bearer secret",
        "traceparent": "00-a",
        "user-agent": "oneai",
    }


async def test_a_redirect_is_an_answer_and_is_not_followed(upstream: Upstream, server: ModelServer) -> None:
    server.default = answers(b"", 302, {"Location": f"{server.origin}/elsewhere"})
    answer = await upstream.send(post(server.endpoint))
    assert answer.status == 302
    assert [heard.path for heard in server.heard] == ["/v1/chat/completions"]


async def test_a_cookie_is_not_kept(upstream: Upstream, server: ModelServer) -> None:
    server.default = answers(chat("x"), headers={"Set-Cookie": "session=1; Path=/"})
    await upstream.send(post(server.endpoint))
    await upstream.send(post(server.endpoint))
    assert "cookie" not in server.heard[1].headers


async def test_a_connection_is_kept_for_the_next_request(upstream: Upstream, server: ModelServer) -> None:
    await upstream.send(post(server.endpoint))
    await upstream.send(post(server.endpoint))
    assert [heard.connection for heard in server.heard] == [1, 1]


@pytest.mark.parametrize("dies", [model_server.closes, model_server.resets], ids=["closed", "reset"])
async def test_a_kept_connection_that_dies_at_once_is_tried_once_more_on_a_new_one(
    upstream: Upstream, server: ModelServer, dies: Behaviour
) -> None:
    await upstream.send(post(server.endpoint))
    server.then(dies)
    answer = await upstream.send(post(server.endpoint))
    assert answer.status == 200
    assert [heard.connection for heard in server.heard] == [1, 1, 2]


@pytest.mark.parametrize("dies", [model_server.closes, model_server.resets], ids=["closed", "reset"])
async def test_the_second_connection_is_the_last(upstream: Upstream, server: ModelServer, dies: Behaviour) -> None:
    await upstream.send(post(server.endpoint))
    server.then(dies, dies)
    assert (await failure(upstream, server.endpoint)).outcome == "connection_lost"
    assert len(server.heard) == 3


async def test_a_second_try_takes_a_really_new_connection_though_others_are_kept(
    upstream: Upstream, server: ModelServer
) -> None:
    event = asyncio.Event()
    server.then(*[model_server.waits_for(event, answers(chat("x")))] * 3)
    first = [asyncio.create_task(upstream.send(post(server.endpoint))) for _ in range(3)]
    await server.hears(3)
    event.set()
    await asyncio.gather(*first)
    server.then(model_server.closes)
    await upstream.send(post(server.endpoint))
    assert server.connections == 4
    assert server.heard[-1].connection == 4


@pytest.mark.parametrize("dies", [model_server.closes, model_server.resets], ids=["closed", "reset"])
async def test_a_fresh_connection_that_dies_is_not_tried_again(
    upstream: Upstream, server: ModelServer, dies: Behaviour
) -> None:
    server.default = dies
    assert (await failure(upstream, server.endpoint)).outcome == "connection_lost"
    assert len(server.heard) == 1


async def test_a_kept_connection_that_dies_later_is_not_tried_again(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upstream.send(post(server.endpoint))
    monkeypatch.setattr(client, "STALE_WITHIN_S", 0.0)
    server.then(model_server.closes)
    assert (await failure(upstream, server.endpoint)).outcome == "connection_lost"
    assert len(server.heard) == 2


@pytest.mark.parametrize("dies", [model_server.closes_mid_head, model_server.closes_mid_body], ids=["head", "body"])
async def test_a_kept_connection_that_dies_after_a_first_byte_is_not_tried_again(
    upstream: Upstream, server: ModelServer, dies: Behaviour
) -> None:
    await upstream.send(post(server.endpoint))
    server.then(dies)
    assert (await failure(upstream, server.endpoint)).outcome == "connection_lost"
    assert len(server.heard) == 2


async def test_no_http_is_a_protocol_error(upstream: Upstream, server: ModelServer) -> None:
    server.default = model_server.speaks_no_http
    assert (await failure(upstream, server.endpoint)).outcome == "protocol_error"


async def test_a_refused_connection_is_unreachable(upstream: Upstream) -> None:
    error = await failure(upstream, model_server.refusing_endpoint())
    assert (error.outcome, error.why) == ("unreachable", "connection refused")


@pytest.mark.parametrize(
    "url",
    ["http://a..b/v1/x", f"http://{'a' * 70}.example/v1/x", "http://127.0.0.1:99999/v1/x", "http://[::1/v1/x"],
)
async def test_an_address_that_no_name_can_be_is_misconfigured(upstream: Upstream, url: str) -> None:
    assert (await failure(upstream, url)).outcome == "misconfigured"


async def test_a_credential_that_no_header_can_carry_is_misconfigured(upstream: Upstream, server: ModelServer) -> None:
    with pytest.raises(Unusable) as caught:
        await upstream.send(post(server.endpoint, Authorization="Bearer two\nlines"))
    assert caught.value.outcome == "misconfigured"
    assert "two" not in caught.value.why


async def test_no_failure_says_the_servers_address(upstream: Upstream, server: ModelServer) -> None:
    said = [(await failure(upstream, model_server.refusing_endpoint())).why]
    for broken in (model_server.closes, model_server.resets, model_server.speaks_no_http, model_server.closes_mid_body):
        server.default = broken
        said.append((await failure(upstream, server.endpoint)).why)
    said.append((await failure(upstream, "http://nowhere.invalid:1/v1/x")).why)
    assert not [why for why in said if "127.0.0.1" in why or str(server.port) in why or "nowhere" in why]


async def test_an_answer_over_the_limit_is_refused_however_it_is_sent(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1000)
    for behaviour in (answers(b"x" * 1001), model_server.pours(b"x" * 500, 3)):
        server.default = behaviour
        assert (await failure(upstream, server.endpoint)).outcome == "protocol_error"
    for behaviour in (answers(b"x" * 1000), model_server.pours(b"x" * 500, 2)):
        server.default = behaviour
        assert (await upstream.send(post(server.endpoint))).body == b"x" * 1000


async def test_a_compressed_answer_counts_as_what_it_unpacks_to(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1000)
    server.default = answers(gzip.compress(b"x" * 100_000), headers={"Content-Encoding": "gzip"})
    assert (await failure(upstream, server.endpoint)).outcome == "protocol_error"


async def test_who_leaves_is_seen_by_the_server_at_once(upstream: Upstream, server: ModelServer) -> None:
    server.default = model_server.hangs
    sending = asyncio.create_task(upstream.send(post(server.endpoint)))
    await server.hears()
    sending.cancel()
    async with asyncio.timeout(10):
        await server.aborted.wait()


async def test_there_is_no_limit_to_connections_of_one_server(upstream: Upstream, server: ModelServer) -> None:
    event = asyncio.Event()
    server.default = model_server.waits_for(event, answers(chat("x")))
    sending = [asyncio.create_task(upstream.send(post(server.endpoint))) for _ in range(120)]
    await server.hears(120)
    event.set()
    assert {answer.status for answer in await asyncio.gather(*sending)} == {200}
