import secrets
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core.upstream_error import LONGEST, Said, ours, said
from oneai.types import Request
from tests.core.run_calls import answer


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"error": {"message": "no such model", "type": "NotFoundError", "param": "model", "code": 404}},
            Said(message="no such model", type="NotFoundError", param="model", code="404"),
            id="nested",
        ),
        pytest.param(
            {"error": {"message": "busy", "type": "api_error", "param": None, "code": None}},
            Said(message="busy", type="api_error"),
            id="nested with nulls",
        ),
        pytest.param(
            {"object": "error", "message": "too long", "type": "BadRequestError", "param": "prompt", "code": 400},
            Said(message="too long", type="BadRequestError", param="prompt", code="400"),
            id="flat, sglang",
        ),
        pytest.param(
            {"message": "overloaded", "code": 429, "type": "overloaded"},
            Said(message="overloaded", type="overloaded", code="429"),
            id="flat, tei",
        ),
        pytest.param(
            {"error": "unhealthy", "error_type": "backend"}, Said(message="unhealthy", type="backend"), id="tei's own"
        ),
        pytest.param({"error": "Unauthorized"}, Said(message="Unauthorized"), id="string"),
        pytest.param({"detail": "Not Found"}, Said(message="Not Found"), id="detail"),
        pytest.param(
            {
                "detail": [
                    {"loc": ["body", "messages", 0], "msg": "Field required", "input": "my document"},
                    "also this",
                ]
            },
            Said(message="body.messages.0: Field required; also this"),
            id="detail list",
        ),
        pytest.param({"detail": {"error": "no"}}, Said(message="no"), id="detail object"),
        pytest.param(
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            Said(message="Overloaded", type="overloaded_error"),
            id="anthropic",
        ),
        pytest.param(
            [{"error": {"message": "in a list", "code": 400}}], Said(message="in a list", code="400"), id="list"
        ),
        pytest.param("just text", Said(message="just text"), id="json string"),
        pytest.param(b"Ollama  is\n not running", Said(message="Ollama is not running"), id="plain text"),
        pytest.param(
            b"<html><head><title>502 Bad &amp; Gateway</title></head><body>x</body></html>",
            Said(message="502 Bad & Gateway"),
            id="html with a title",
        ),
        pytest.param(
            b"<!doctype html><style>p {}</style><h1>Oh</h1><p>no</p>", Said(message="Oh no"), id="html without a title"
        ),
        pytest.param(b"", Said(message="HTTP 500 without a message"), id="empty"),
        pytest.param({}, Said(message="HTTP 500 without a message"), id="empty object"),
        pytest.param({"error": {}}, Said(message="HTTP 500 without a message"), id="empty error"),
        pytest.param(
            {"error": {"message": ["x"], "code": True}}, Said(message="HTTP 500 without a message"), id="junk"
        ),
        pytest.param(b"\xff\xfe", Said(message="\ufffd\ufffd"), id="no utf-8"),
    ],
)
def test_every_shape_of_an_error_is_understood(body: Any, expected: Said) -> None:
    assert said(answer(body, status=500)) == expected


def test_a_long_message_is_cut() -> None:
    message = said(answer({"error": "word " * 1000})).message
    assert len(message) == LONGEST
    assert message.endswith("…")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fetching https://me:pw@gpu.example:8000/v1/x?k=1 failed", "fetching … failed"),
        ("Cannot connect to host gpu.example:8000 ssl:default", "Cannot connect to host … ssl:default"),
        ("Connect call failed ('192.0.2.7', 8000)", "Connect call failed ('…', 8000)"),
        ("no route to 192.0.2.7:8000.", "no route to …."),
        ("no route to [2001:db8::7]:8000", "no route to …"),
        ("HTTPConnectionPool(host='gpu.example', port=8000)", "HTTPConnectionPool(…, port=8000)"),
        ("dial vllm:8000: refused", "dial …: refused"),
        ("dial my_vllm-1:8000: refused", "dial …: refused"),
        ("see file:///tmp/x at 12:30:45, 3:1", "see file:///tmp/x at 12:30:45, 3:1"),
        ("nul\0 and\ttab", "nul and tab"),
    ],
)
def test_addresses_of_nodes_are_hidden_and_the_rest_is_not(text: str, shown: str) -> None:
    assert said(answer({"error": text})).message == shown


def test_addresses_are_hidden_in_the_other_fields_too() -> None:
    error = {"message": "no", "type": "t", "param": "http://gpu.example:8000/v1", "code": "gpu.example:8000"}
    assert said(answer({"error": error})) == Said(message="no", type="t", param="…", code="…")


def test_a_key_is_not_shown() -> None:
    key = f"oo-{secrets.token_hex(32)}"
    assert key not in said(answer({"error": f"wrong key {key}"})).message


def asked(credential: str, node: str = "gpu.example") -> Request:
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    return Request(method="POST", url=f"http://{node}:8000/v1/chat/completions", body=b"", headers=headers)


def test_a_credential_and_a_node_that_a_server_repeats_are_not_shown() -> None:
    credential = f"sk+{secrets.token_hex(8)}"
    error = {"message": f"wrong key {credential} at GPU.example", "param": f"key {credential}"}
    told = said(replace(answer({"error": error}), ours=ours(asked(credential))))
    assert told == Said(message="wrong key … at …", param="key …")


@pytest.mark.parametrize("credential", ["", "EMPTY"])
def test_what_is_no_secret_is_not_hidden(credential: str) -> None:
    assert ours(asked(credential, node="vllm")) == ()


@given(st.binary() | st.text().map(str.encode))
def test_no_body_raises_and_every_one_has_a_message(body: bytes) -> None:
    found = said(answer(body, status=502))
    assert 0 < len(found.message) <= LONGEST
