"""The head of a request as it goes over the wire, and where that wire ends."""

from base64 import b64encode
from functools import lru_cache
from ipaddress import IPv4Address
from typing import NamedTuple

from yarl import URL

from oneai.types import Buffer, Request

_DEFAULTS = {"accept": "Accept: */*", "accept-encoding": "Accept-Encoding: identity", "user-agent": "User-Agent: oneai"}
_FRAMING = frozenset({"host", "connection", "content-length", "transfer-encoding"})
"""What says where a message begins and ends is ours alone to say."""


class Origin(NamedTuple):
    """What a connection leads to."""

    tls: bool
    host: str
    port: int


class _Target(NamedTuple):
    origin: Origin
    lines: str
    """From behind the method to the end of what the URL alone says."""
    authorizes: bool


class _Beside(NamedTuple):
    defaults: str
    frames: bool
    authorizes: bool


def written(request: Request) -> tuple[Origin, bytes]:
    """Where a request goes, and its head with the empty line. Raises ValueError: no address, or no header.

    The messages of these errors are not to be shown: they may hold the address or the credential.
    """
    origin, lines = _lines(request.method, request.url, tuple(request.headers.items()))
    length = size(request.body)
    # A POST without a body says so, or a server may wait for one.
    frame = b"Content-Length: %d\r\n\r\n" % length if length or request.method not in ("GET", "HEAD") else b"\r\n"
    return origin, lines + frame


@lru_cache(maxsize=512)
def _lines(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Origin, bytes]:
    """All but the length of the body: the same in one call after the other, but where a trace goes along."""
    target, beside = _target(url), _beside(tuple(name for name, _ in headers))
    if target.authorizes and beside.authorizes:
        raise ValueError("two credentials")
    if beside.frames:
        headers = tuple((name, value) for name, value in headers if name.lower() not in _FRAMING)
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    given = "".join(lines)
    if given.count("\n") != len(lines) or given.count("\r") != len(lines) or "\0" in given:
        raise ValueError("a header of more than a line")
    text = f"{method}{target.lines}{beside.defaults}{given}"
    return target.origin, text.encode("utf-8", "surrogateescape")


def size(body: bytes | tuple[Buffer, ...]) -> int:
    """In bytes."""
    return len(body) if isinstance(body, bytes) else sum(memoryview(part).nbytes for part in body)


@lru_cache(maxsize=512)
def _target(url: str) -> _Target:
    """Remembered, for it is in every attempt's way and the same until a row changes."""
    parsed = URL(url)
    host, port, named = parsed.raw_host, parsed.port, parsed.host_port_subcomponent
    if parsed.scheme not in ("http", "https") or not host or port is None or named is None:
        raise ValueError("no address of HTTP")
    if host.replace(".", "").isdigit():
        IPv4Address(host)  # 127.1 and 2130706433 are refused, which the resolver would take for addresses
    credential = _basic(parsed.user or "", parsed.password or "")
    return _Target(
        origin=Origin(parsed.scheme == "https", host, port),
        lines=f" {parsed.raw_path}{_query(url, parsed)} HTTP/1.1\r\nHost: {named}\r\n{credential}",
        authorizes=bool(credential),
    )


def _basic(user: str, password: str) -> str:
    """Userinfo of a URL as the header that it stands for (RFC 7617)."""
    if ":" in user:
        raise ValueError("a colon in the name of a user")
    given = f"{user}:{password}".encode("latin-1")
    return f"Authorization: Basic {b64encode(given).decode()}\r\n" if len(given) > 1 else ""


def _query(url: str, parsed: URL) -> str:
    """As it was written, which yarl would not leave it, where it can stand in a line as it is."""
    written = url.partition("#")[0].partition("?")[2]
    sound = written.isascii() and written.isprintable() and " " not in written
    query = written if sound else parsed.raw_query_string
    return f"?{query}" if query else ""


@lru_cache(maxsize=512)
def _beside(names: tuple[str, ...]) -> _Beside:
    """What headers of these names leave for us to add, or to leave out."""
    given = {name.lower() for name in names}
    return _Beside(
        defaults="".join(f"{line}\r\n" for name, line in _DEFAULTS.items() if name not in given),
        frames=not _FRAMING.isdisjoint(given),
        authorizes="authorization" in given,
    )
