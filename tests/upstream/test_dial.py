"""Making connections: names, addresses, TLS, and what is said where there is none."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohappyeyeballs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oneai.upstream import dial
from oneai.upstream.client import Upstream
from oneai.upstream.head import Origin
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer
from tests.upstream.raw import LATE, cut, failure, get, post, talking


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 and box.invalid with its key, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "box.invalid")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("box.invalid")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, private, serialization.NoEncryption()))
    return path


@pytest.fixture
async def tls_server(certificate: Path) -> AsyncIterator[ModelServer]:
    """Behind TLS; its `origin` still says http."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ModelServer(0, model_server.answers(model_server.chat("Hello")))
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()
    await server.stop()
    await listening.wait_closed()


def secure(server: ModelServer, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{server.port}/v1/chat/completions"


@contextmanager
def answering_nobody(host: str, port: int = 0) -> Iterator[int]:
    """A port that takes no connection and refuses none: its queue is full."""
    with ExitStack() as held, socket.socket() as listening:
        listening.bind((host, port))
        listening.listen(0)
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


async def test_a_certificate_that_ssl_cert_file_names_is_trusted(
    tls_server: ModelServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with Upstream() as upstream:
        for _ in range(2):
            assert (await upstream.send(post(secure(tls_server)))).status == 200
        assert [heard.connection for heard in tls_server.heard] == [1, 1]


@pytest.mark.parametrize("trusted", [False, True], ids=["unknown issuer", "another name"])
async def test_a_certificate_that_does_not_hold_is_unreachable(
    tls_server: ModelServer, certificate: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with Upstream() as upstream:
        error = await failure(upstream, post(secure(tls_server, "localhost" if trusted else "127.0.0.1")))
    assert (error.outcome, error.why) == ("unreachable", "its TLS certificate or handshake failed")
    assert tls_server.heard == []


async def test_a_server_without_tls_is_unreachable_by_it(upstream: Upstream) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with talking(talk) as url:
        error = await failure(upstream, post(url.replace("http:", "https:")))
    assert (error.outcome, error.why) == ("unreachable", "its TLS certificate or handshake failed")


async def test_who_leaves_a_tls_server_is_seen_at_once(
    tls_server: ModelServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_server.default = model_server.hangs
    async with Upstream() as upstream:
        sending = asyncio.create_task(upstream.send(post(secure(tls_server))))
        await tls_server.hears()
        await cut(sending)
        async with asyncio.timeout(LATE):
            await tls_server.aborted.wait()


async def test_a_handshake_counts_as_connecting(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "CONNECT_S", 0.25)
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()

    async with talking(talk) as url:
        error = await failure(upstream, post(url.replace("http:", "https:")))
        async with asyncio.timeout(LATE):
            await gone.wait()
    assert (error.outcome, error.why) == ("unreachable", "no connection within 0.25 s")


async def test_a_connection_that_does_not_come_about_is_unreachable(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "CONNECT_S", 0.25)
    with answering_nobody("127.0.0.1") as port:
        error = await failure(upstream, post(f"http://127.0.0.1:{port}/v1/x"))
    assert (error.outcome, error.why) == ("unreachable", "no connection within 0.25 s")


async def test_the_name_counts_as_connecting(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(origin: Origin) -> list[object]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(dial, "CONNECT_S", 0.05)
    monkeypatch.setattr(dial, "addresses", slow)
    error = await failure(upstream, post("http://box.invalid/v1/x"))
    assert (error.outcome, error.why) == ("unreachable", "no connection within 0.05 s")


async def test_who_is_cancelled_while_connecting_ends_at_once(upstream: Upstream) -> None:
    shaking = asyncio.Event()
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        shaking.set()
        await reader.read()
        gone.set()

    async with talking(talk) as url:
        sending = asyncio.create_task(upstream.send(post(url.replace("http:", "https:"))))
        async with asyncio.timeout(LATE):
            await shaking.wait()
            await cut(sending)
            await gone.wait()


async def test_a_refused_connection_is_unreachable(upstream: Upstream) -> None:
    error = await failure(upstream, post(model_server.refusing_endpoint()))
    assert (error.outcome, error.why) == ("unreachable", "connection refused")


async def test_an_unknown_name_is_unreachable(upstream: Upstream) -> None:
    error = await failure(upstream, post("http://nowhere.invalid:1/v1/x"))
    assert (error.outcome, error.why) == ("unreachable", "its host name is not known")


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 70}.example"])
async def test_a_name_that_cannot_be_one_is_misconfigured(upstream: Upstream, host: str) -> None:
    assert (await failure(upstream, post(f"http://{host}/v1/x"))).outcome == "misconfigured"


@pytest.mark.parametrize(
    ("raised", "why"),
    [
        (RuntimeError("a file descriptor is in use"), "no connection"),
        (OSError("several"), "no connection"),
        (OSError(errno.EMFILE, "x"), os.strerror(errno.EMFILE).lower()),
        (TimeoutError(errno.ETIMEDOUT, "x"), "connection timed out"),
    ],
    ids=repr,
)
async def test_what_the_system_says_is_said_without_its_words(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, raised: Exception, why: str
) -> None:
    async def fails(*_: object, **__: object) -> socket.socket:
        raise raised

    monkeypatch.setattr(aiohappyeyeballs, "start_connection", fails)
    error = await failure(upstream, post("http://127.0.0.1:1/v1/x"))
    assert (error.outcome, error.why) == ("unreachable", why)


async def test_an_address_that_does_not_answer_does_not_keep_from_the_next(
    upstream: Upstream, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two(origin: Origin) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, server.port)) for host in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(dial, "addresses", two)
    monkeypatch.setattr(dial, "CONNECT_S", LATE)
    with answering_nobody("127.0.0.2", server.port):
        assert (await upstream.send(post(f"http://box.invalid:{server.port}/v1/x"))).status == 200


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_an_ipv6_address_is_reached(upstream: Upstream) -> None:
    server = ModelServer(0, model_server.answers(b"{}"))
    try:
        listening = await asyncio.start_server(server.connected, "::1", 0)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    port = listening.sockets[0].getsockname()[1]
    assert (await upstream.send(get(f"http://[::1]:{port}/x"))).status == 200
    assert server.heard[0].headers["host"] == f"[::1]:{port}"
    listening.close()
    await server.stop()
    await listening.wait_closed()
