"""One attempt on the wire: what comes back, what is tried again, and what is said of a failure."""

import asyncio

import pytest

from oneai.core.dialect import Unusable
from oneai.core.seams import Open, Opened
from oneai.upstream import client
from oneai.upstream.client import Upstream
from tests.fakes import model_server
from tests.fakes.model_server import Behaviour, ModelServer, answers, chat
from tests.fakes.waiting import until
from tests.upstream.raw import LATE, failure, members, post, says, says_and_waits


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
    assert (await failure(upstream, post(server.endpoint))).outcome == "connection_lost"
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
    assert (await failure(upstream, post(server.endpoint))).outcome == "connection_lost"
    assert len(server.heard) == 1


async def test_a_kept_connection_that_dies_later_is_not_tried_again(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upstream.send(post(server.endpoint))
    monkeypatch.setattr(client, "STALE_WITHIN_S", 0.0)
    server.then(model_server.closes)
    assert (await failure(upstream, post(server.endpoint))).outcome == "connection_lost"
    assert len(server.heard) == 2


@pytest.mark.parametrize("dies", [model_server.closes_mid_head, model_server.closes_mid_body], ids=["head", "body"])
async def test_a_kept_connection_that_dies_after_a_first_byte_is_not_tried_again(
    upstream: Upstream, server: ModelServer, dies: Behaviour
) -> None:
    await upstream.send(post(server.endpoint))
    server.then(dies)
    assert (await failure(upstream, post(server.endpoint))).outcome == "connection_lost"
    assert len(server.heard) == 2


@pytest.mark.parametrize(
    "url",
    ["http://a..b/v1/x", "http://127.0.0.1:99999/v1/x", "http://[::1/v1/x", "http://127.1/v1/x", "box.example"],
)
async def test_an_address_that_no_name_can_be_is_misconfigured(upstream: Upstream, url: str) -> None:
    assert (await failure(upstream, post(url))).outcome == "misconfigured"


async def test_a_credential_that_no_header_can_carry_is_misconfigured(upstream: Upstream, server: ModelServer) -> None:
    with pytest.raises(Unusable) as caught:
        await upstream.send(post(server.endpoint, Authorization="Bearer two\nlines"))
    assert caught.value.outcome == "misconfigured"
    assert "two" not in caught.value.why


async def test_no_failure_says_the_servers_address(upstream: Upstream, server: ModelServer) -> None:
    said = [(await failure(upstream, post(model_server.refusing_endpoint()))).why]
    for broken in (model_server.closes, model_server.resets, model_server.speaks_no_http, model_server.closes_mid_body):
        server.default = broken
        said.append((await failure(upstream, post(server.endpoint))).why)
    said.append((await failure(upstream, post("http://nowhere.invalid:1/v1/x"))).why)
    assert not [why for why in said if "127.0.0.1" in why or str(server.port) in why or "nowhere" in why]


async def test_an_answer_over_the_limit_is_refused_however_it_is_sent(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1000)
    for behaviour in (answers(b"x" * 1001), model_server.pours(b"x" * 500, 3)):
        server.default = behaviour
        assert (await failure(upstream, post(server.endpoint))).outcome == "protocol_error"
    for behaviour in (answers(b"x" * 1000), model_server.pours(b"x" * 500, 2)):
        server.default = behaviour
        assert (await upstream.send(post(server.endpoint))).body == b"x" * 1000


async def test_an_answer_over_the_limit_is_not_waited_for(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1000)
    announced = b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001
    for begun in (announced, chunks):
        server.default = says_and_waits(begun)
        error = await failure(upstream, post(server.endpoint))
        assert (error.outcome, error.why) == ("protocol_error", "the answer is longer than 0 MB")
        async with asyncio.timeout(LATE):
            await server.aborted.wait()
        server.aborted.clear()


async def test_a_compressed_answer_counts_as_what_it_unpacks_to(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1000)
    server.default = answers(gzip.compress(b"x" * 100_000), headers={"Content-Encoding": "gzip"})
    assert (await failure(upstream, post(server.endpoint))).outcome == "protocol_error"


async def test_an_open_answer_has_its_head_before_its_body(upstream: Upstream, server: ModelServer) -> None:
    event = asyncio.Event()

    async def act(line: model_server.Line) -> bool:
        await line.send(b"HTTP/1.1 201 Created\r\nX-Of-Theirs: yes\r\nTransfer-Encoding: chunked\r\n\r\n")
        await event.wait()
        await line.send(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        return True

    server.default = act
    opening: Open = upstream.open
    opened: Opened = await opening(post(server.endpoint))
    assert (opened.status, opened.headers["X-OF-THEIRS"]) == (201, "yes")
    event.set()
    assert await opened.whole() == b"onetwo"
    assert (await opened.whole(), await opened.block()) == (b"", b"")
    opened.close()


async def test_a_block_is_what_has_come(upstream: Upstream, server: ModelServer) -> None:
    turns = [asyncio.Event() for _ in range(3)]

    async def act(line: model_server.Line) -> bool:
        await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for turn, piece in zip(turns, (b"3\r\none\r\n", b"3\r\ntwo\r\n5\r\nthree\r\n", b"0\r\n\r\n"), strict=True):
            await turn.wait()
            await line.send(piece)
        return True

    server.default = act
    opened = await upstream.open(post(server.endpoint))
    blocks = []
    for turn in turns:
        turn.set()
        blocks.append(await opened.block())
    assert blocks == [b"one", b"twothree", b""]
    opened.close()
    await upstream.send(post(server.endpoint))
    assert server.connections == 1


async def test_an_open_answer_that_breaks_off_gives_what_had_come_and_then_says_so(
    upstream: Upstream, server: ModelServer
) -> None:
    event = asyncio.Event()

    async def act(line: model_server.Line) -> bool:
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await event.wait()
        return False

    server.default = act
    opened = await upstream.open(post(server.endpoint))
    assert await opened.block() == b"half"
    event.set()
    with pytest.raises(Unusable) as caught:
        await opened.block()
    assert caught.value.outcome == "connection_lost"


async def test_an_open_answer_that_is_closed_frees_the_server_and_wakes_its_reader(
    upstream: Upstream, server: ModelServer
) -> None:
    server.default = says_and_waits(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    opened = await upstream.open(post(server.endpoint))
    reading = asyncio.create_task(opened.block())
    await asyncio.sleep(0)
    opened.close()
    async with asyncio.timeout(LATE):
        await server.aborted.wait()
        with pytest.raises(Unusable):
            await reading


async def test_an_answer_that_is_closed_twice_gives_its_connection_back_once(
    upstream: Upstream, server: ModelServer
) -> None:
    opened = await upstream.open(post(server.endpoint))
    await opened.whole()
    opened.close()
    opened.close()
    await asyncio.gather(*(upstream.send(post(server.endpoint)) for _ in range(2)))
    assert sorted(heard.connection for heard in server.heard) == [1, 1, 2]


@pytest.mark.parametrize("dies", [model_server.closes, model_server.resets], ids=["closed", "reset"])
async def test_a_stale_connection_is_seen_by_who_opens_too(
    upstream: Upstream, server: ModelServer, dies: Behaviour
) -> None:
    await upstream.send(post(server.endpoint))
    server.then(dies)
    opened = await upstream.open(post(server.endpoint, (b"{", bytearray(b"}"))))
    assert await opened.whole()
    opened.close()
    assert [heard.body for heard in server.heard[1:]] == [b"{}", b"{}"]


async def test_a_reset_in_mid_head_is_not_tried_again(upstream: Upstream, server: ModelServer) -> None:
    await upstream.send(post(server.endpoint))
    [connection] = await members(upstream)

    async def act(line: model_server.Line) -> bool:
        await says(b"HTTP/1.1 200")(line)
        await until(lambda: connection.heard)  # a reset takes away what was not yet read
        return await model_server.resets(line)

    server.then(act)
    assert (await failure(upstream, post(server.endpoint))).outcome == "connection_lost"
    assert len(server.heard) == 2


async def test_a_hint_and_nothing_more_is_not_tried_again(upstream: Upstream, server: ModelServer) -> None:
    await upstream.send(post(server.endpoint))
    server.then(says(b"HTTP/1.1 100 Continue\r\n\r\n", stays=False))
    assert (await failure(upstream, post(server.endpoint))).outcome == "connection_lost"
    assert len(server.heard) == 2


async def test_what_the_resent_request_meets_is_what_is_said(upstream: Upstream, server: ModelServer) -> None:
    await upstream.send(post(server.endpoint))
    server.then(model_server.closes, model_server.speaks_no_http)
    assert (await failure(upstream, post(server.endpoint))).outcome == "protocol_error"


async def test_userinfo_of_an_endpoint_is_sent_as_basic_credentials(upstream: Upstream, server: ModelServer) -> None:
    await upstream.send(post(server.endpoint.replace("//", "//me:pass@")))
    assert server.heard[0].headers["authorization"] == "Basic bWU6cGFzcw=="


async def test_two_credentials_are_misconfigured(upstream: Upstream, server: ModelServer) -> None:
    error = await failure(upstream, post(server.endpoint.replace("//", "//me:pass@"), Authorization="Bearer secret"))
    assert error.outcome == "misconfigured"
    assert server.heard == []
