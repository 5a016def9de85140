"""A request's head, byte by byte."""

import array
from base64 import b64encode

import pytest

from oneai.types import Buffer, Request
from oneai.upstream.head import Origin, written


def head(url: str = "http://box.example/v1/x", method: str = "GET", body: bytes = b"", **headers: str) -> list[str]:
    """Its lines, without the empty ones at the end."""
    request = Request(method=method, url=url, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    text = written(request)[1].decode()
    assert text.endswith("\r\n\r\n")
    return text.removesuffix("\r\n\r\n").split("\r\n")


def named(lines: list[str], name: str) -> list[str]:
    return [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name}:")]


@pytest.mark.parametrize(
    ("url", "line", "host", "origin"),
    [
        ("http://box.example", "/", "box.example", Origin(False, "box.example", 80)),
        ("http://box.example:8000/v1/x", "/v1/x", "box.example:8000", Origin(False, "box.example", 8000)),
        ("https://box.example/v1/x", "/v1/x", "box.example", Origin(True, "box.example", 443)),
        ("https://box.example:443/v1/x#part", "/v1/x", "box.example", Origin(True, "box.example", 443)),
        ("http://127.0.0.1:1/x", "/x", "127.0.0.1:1", Origin(False, "127.0.0.1", 1)),
        ("http://[::1]:8000/x", "/x", "[::1]:8000", Origin(False, "::1", 8000)),
        ("http://BÜX.example/x", "/x", "xn--bx-xka.example", Origin(False, "xn--bx-xka.example", 80)),
        ("http://a.example/a b/é?q=ü&r=a+b%2Fc", "/a%20b/%C3%A9?q=%C3%BC&r=a+b/c", "a.example", None),
        ("http://a.example/a%20b?q=%26", "/a%20b?q=%26", "a.example", None),
        ("http://a.example/a?q=%2F&r=a+b%2fc&=&#part", "/a?q=%2F&r=a+b%2fc&=&", "a.example", None),
        ("http://a.example/a?q=a b", "/a?q=a+b", "a.example", None),
        ("http://a.example/a?", "/a", "a.example", None),
    ],
)
def test_a_url_becomes_a_path_a_host_and_an_origin(url: str, line: str, host: str, origin: Origin | None) -> None:
    found, text = written(Request(method="GET", url=url, body=b"", headers={}))
    assert text.decode().startswith(f"GET {line} HTTP/1.1\r\nHost: {host}\r\n")
    assert origin is None or found == origin


@pytest.mark.parametrize(
    "url",
    ["ftp://box.example/x", "//box.example/x", "/v1/x", "", "box.example", "http://box.example:99999/", "http://[::1/"],
)
def test_what_is_no_address_of_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them, and its message is not shown
        head(url)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "017700000001", "127.0.0.256"])
def test_a_number_that_the_resolver_would_take_for_an_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        head(f"http://{host}/")


def test_our_own_headers_are_there() -> None:
    assert head()[2:] == ["Accept: */*", "Accept-Encoding: identity", "User-Agent: oneai"]


def test_a_request_says_otherwise_in_any_case_of_a_name() -> None:
    lines = head(USER_AGENT="theirs", accept="text/event-stream", X_Other="a")
    assert (named(lines, "user-agent"), named(lines, "accept"), named(lines, "x-other")) == (
        ["theirs"],
        ["text/event-stream"],
        ["a"],
    )
    assert named(lines, "accept-encoding") == ["identity"]


def test_where_a_message_ends_is_not_for_a_header_of_the_request_to_say() -> None:
    lines = head(
        method="POST", body=b"four", Content_Length="40", transfer_encoding="chunked", HOST="other", connection="close"
    )
    assert named(lines, "content-length") == ["4"]
    assert named(lines, "host") == ["box.example"]
    assert named(lines, "transfer-encoding") == named(lines, "connection") == []


def test_userinfo_of_an_endpoint_becomes_basic_credentials() -> None:
    lines = head("http://me:p%40ss@box.example/x")
    assert named(lines, "authorization") == [f"Basic {b64encode(b'me:p@ss').decode()}"]
    assert named(lines, "host") == ["box.example"]


@pytest.mark.parametrize("userinfo", ["a%3Ab:c", "%E2%82%AC:c"])
def test_userinfo_that_no_basic_credentials_can_hold_is_refused(userinfo: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        head(f"http://{userinfo}@box.example/x")


def test_userinfo_beside_another_credential_is_refused() -> None:
    with pytest.raises(ValueError, match="two"):
        head("http://me:pass@box.example/x", AUTHORIZATION="Bearer secret")


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\nb", "a\rb", "a\0b", "a\n", "\r"])
def test_a_header_that_is_more_than_a_line_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="line"):
        head(X_Mine=value)
    with pytest.raises(ValueError, match="line"):
        written(Request(method="GET", url="http://box.example/", body=b"", headers={f"X-{value}": "a"}))


def test_a_break_in_one_header_is_not_made_up_for_by_another() -> None:
    with pytest.raises(ValueError, match="line"):
        head(X_Mine="a\r", X_Other="b\n")


def test_bytes_of_a_header_that_are_no_utf8_go_through_as_they_came() -> None:
    value = b"caf\xe9 \xc3\xa9".decode("utf-8", "surrogateescape")
    text = written(Request(method="GET", url="http://box.example/", body=b"", headers={"X-Mine": value}))[1]
    assert b"X-Mine: caf\xe9 \xc3\xa9\r\n" in text


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("GET", b"", []),
        ("HEAD", b"", []),
        ("POST", b"", ["0"]),
        ("POST", b"four", ["4"]),
        ("GET", b"four", ["4"]),
        ("POST", (b"four", bytearray(3), memoryview(b"xx")), ["9"]),
        ("POST", (memoryview(array.array("I", [1, 2])),), ["8"]),
        ("POST", (), ["0"]),
    ],
)
def test_a_body_is_announced_in_bytes(method: str, body: bytes | tuple[Buffer, ...], length: list[str]) -> None:
    request = Request(method=method, url="http://box.example/", body=body, headers={})
    assert named(written(request)[1].decode().split("\r\n"), "content-length") == length
