"""Bad input to `/v1/run`: what is said of it, and that no model server hears of it."""

import struct
import zlib
from base64 import b64encode
from typing import Any

import pytest

from tests.fakes.model_server import ModelServer
from tests.gateway.conftest import Gate, page

TEXT = {"text": "Hi"}
SECRET = "my salary is a private matter"


def huge_png() -> str:
    """The head and the end of a PNG of 20,000 x 20,000 px."""
    head = struct.pack(">II5B", 20_000, 20_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def ocr(image: Any) -> dict[str, Any]:
    return {"task": "ocr", "input": {"image": image}}


def cut_png() -> str:
    whole = page(200, 200)
    return whole[: len(whole) // 2 // 4 * 4]


BAD: list[tuple[str, Any, int, str, str | None, list[str]]] = [
    ("not json", b"{nope", 400, "invalid_json", None, ["JSON"]),
    ("empty", b"", 400, "invalid_json", None, ["empty"]),
    ("a list", [1], 400, "invalid_json", None, ["an array"]),
    ("no utf-8", b'{"task":"\xff"}', 400, "invalid_json", None, []),
    ("no input", {"task": "llm"}, 400, "missing_field", "input", []),
    ("task of a wrong type", {"task": 5, "input": TEXT}, 400, "invalid_value", "task", ["a number (5)", "string"]),
    ("input of a wrong type", {"task": "llm", "input": "x"}, 400, "invalid_value", "input", []),
    ("text of a wrong type", {"task": "llm", "input": {"text": 1}}, 400, "invalid_value", "input.text", []),
    ("messages of a wrong type", {"task": "llm", "input": {"messages": "x"}}, 400, "invalid_value", None, []),
    ("params of a wrong type", {"task": "llm", "input": TEXT, "params": []}, 400, "invalid_value", "params", []),
    ("fallback of a wrong type", {"task": "llm", "input": TEXT, "fallback": "no"}, 400, "invalid_value", None, []),
    ("a misspelt field", {"task": "llm", "input": TEXT, "fallbak": False}, 400, "invalid_value", "fallbak", ["fallba"]),
    ("a misspelt input", {"task": "ocr", "input": {"img": "x"}}, 400, "invalid_value", "input.img", ["images"]),
    ("neither model nor task", {"input": TEXT}, 400, "missing_field", "task", ["ocr, llm, vision, tools"]),
    (
        "an unknown task",
        {"task": "translate", "input": TEXT},
        400,
        "unknown_task",
        "task",
        ["'translate'", "ocr", "llm", "vision", "tools", "embed", "rerank"],
    ),
    (
        "an unknown profile",
        {"task": "ocr", "profile": "poem", "input": TEXT},
        400,
        "unknown_profile",
        "profile",
        ["'poem'", "default", "transcript"],
    ),
    ("an unknown model", {"model": "op9", "input": TEXT}, 404, "model_not_found", "model", ["op9"]),
    ("an unknown model of a task", {"task": "ocr", "model": "x", "input": TEXT}, 404, "model_not_found", "model", []),
    ("an inactive model", {"model": "lp3", "input": TEXT}, 404, "model_inactive", "model", ["oneai models enable lp3"]),
    ("a domain that does not fit", {"task": "embed", "model": "lp1", "input": TEXT}, 400, "wrong_domain", "model", []),
    ("no text to embed", {"task": "embed", "input": {}}, 400, "missing_field", "input", ["input.texts"]),
    ("no documents", {"task": "rerank", "input": {"query": "q"}}, 400, "missing_field", "input", ["documents"]),
    ("no image", {"task": "ocr", "input": {}}, 400, "missing_field", "input", ["input.image"]),
    ("no base64", ocr("!!!!"), 400, "invalid_image", "input.image", ["character 1"]),
    ("cut base64", ocr(page()[:-3]), 400, "invalid_image", "input.image", ["padding"]),
    ("a PDF", ocr(b64encode(b"%PDF-1.7 etc").decode()), 400, "invalid_image", "input.image", ["a PDF"]),
    ("a cut PNG", ocr(cut_png()), 400, "invalid_image", "input.image", ["truncated PNG"]),
    ("a huge image", ocr(huge_png()), 400, "invalid_image", "input.image", ["20000 × 20000"]),
    ("a tiny image", ocr(page(5, 64)), 400, "invalid_image", "input.image", ["28 px"]),
    (
        "the second image",
        {"task": "ocr", "input": {"images": [page(), "!"]}},
        400,
        "invalid_image",
        "input.images.1",
        [],
    ),
    (
        "an image's URL",
        ocr("http://intranet.example/a.png"),
        400,
        "image_url_refused",
        "input.image",
        ["intranet.example", "ALLOW_IMAGE_URLS"],
    ),
    ("no URL", ocr("http://[::1/a.png"), 400, "invalid_image", "input.image", []),
    (
        "an image's URL in a message",
        {
            "task": "vision",
            "input": {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "What?"},
                            {"type": "image_url", "image_url": {"url": "http://intranet.example/a.png"}},
                        ],
                    }
                ]
            },
        },
        400,
        "image_url_refused",
        "input.messages.0.content.1",
        ["intranet.example"],
    ),
    (
        "a file's URL in a message",
        {
            "model": "lp1",
            "input": {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}
                ]
            },
        },
        400,
        "invalid_image",
        "input.messages.0.content.0",
        [],
    ),
    ("a stream of numbers", {"task": "embed", "input": TEXT, "stream": True}, 400, "invalid_value", "stream", []),
    (
        "max_tokens of a wrong type",
        {"task": "llm", "input": TEXT, "params": {"max_tokens": "x"}},
        400,
        "invalid_value",
        "params.max_tokens",
        [],
    ),
]


@pytest.mark.parametrize(
    ("body", "status", "code", "param", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
async def test_bad_input_is_a_clear_error(
    gate: Gate, server: ModelServer, body: Any, status: int, code: str, param: str | None, said: list[str]
) -> None:
    answer = await gate.run(body)
    error = answer.error
    assert (answer.status, error["code"]) == (status, code), error
    assert param is None or error["param"] == param
    assert not [part for part in said if part not in error["message"]], error["message"]
    assert error.keys() == {"message", "type", "param", "code", "request_id"}
    assert error["type"] in ("invalid_request_error", "not_found_error")
    assert error["request_id"] == answer.headers["X-Request-Id"]
    assert "Traceback" not in error["message"]
    assert server.heard == []


@pytest.mark.parametrize("name", ["tenant_id", "doc_id", "wf_run_id"])
async def test_an_id_that_no_usage_row_should_hold_is_a_clear_error(gate: Gate, name: str) -> None:
    answer = await gate.run({"task": "llm", "input": TEXT, "meta": {name: "x" * 1025}})
    assert (answer.status, answer.error["param"]) == (400, f"meta.{name}")
    assert "accepted is at most 1024 characters" in answer.error["message"]
    assert (await gate.run({"task": "llm", "input": TEXT, "meta": {name: "x" * 1024}})).status == 200


async def test_of_a_long_name_that_is_no_models_little_is_kept(gate: Gate) -> None:
    answer = await gate.run({"task": "llm", "model": "x" * 100_000, "input": TEXT})
    story = await gate.get(f"/admin/calls/{answer.headers['X-OneAI-Call']}", "admin")
    assert (answer.status, story.json()["requested"]) == (404, "x" * 80)


@pytest.mark.parametrize("found", ["999", "3600001", "soon", "-5", "1e4", "\N{SUPERSCRIPT TWO}000", "9" * 5000])
async def test_a_bad_timeout_is_a_clear_error(gate: Gate, found: str) -> None:
    answer = await gate.run({"task": "llm", "input": TEXT}, headers={"X-OneAI-Timeout-Ms": found})
    assert (answer.status, answer.error["param"]) == (400, "X-OneAI-Timeout-Ms")
    assert len(answer.error["message"]) < 300


@pytest.mark.parametrize(
    "body",
    [
        {"task": "llm", "input": SECRET},
        {"task": "llm", "input": {"messages": SECRET}},
        {"task": "llm", "input": {"texts": SECRET}},
        {"task": "llm", "input": {"text": TEXT, "query": [SECRET]}},
        {"task": "ocr", "input": {"images": SECRET}},
    ],
)
async def test_an_error_never_repeats_what_was_to_be_worked_on(gate: Gate, body: Any) -> None:
    answer = await gate.run(body)
    assert answer.status == 400
    assert "salary" not in answer.body.decode()


@pytest.mark.parametrize(
    "body",
    [
        {"task": "x" * 100_000, "input": TEXT},
        {"model": "x" * 100_000, "input": TEXT},
        {"task": "ocr", "profile": "x" * 100_000, "input": TEXT},
        {"task": "llm", "input": TEXT, "x" * 100_000: 1},
        ocr("http://" + "x" * 100_000),
    ],
)
async def test_an_error_stays_short_whatever_was_sent(gate: Gate, body: Any) -> None:
    answer = await gate.run(body)
    assert answer.status in (400, 404)
    assert len(answer.body) < 1500


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://images.example/a.png", 200),
        ("HTTPS://Images.Example:8443/a.png", 200),
        ("http://other.example/a.png", 400),
        ("http://images.example@other.example/a.png", 400),
        ("http://other.example\\@images.example/a.png", 400),
        ("http://images.example.other.example/a.png", 400),
    ],
)
async def test_an_images_url_is_passed_on_where_its_host_is_allowed(house: Any, url: str, status: int) -> None:
    async with house.opened(ALLOW_IMAGE_URLS="images.example") as gate:
        assert (await gate.run(ocr(url))).status == status


async def test_images_in_messages_go_through(gate: Gate, server: ModelServer) -> None:
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{page()}"}}
    message = {"role": "user", "content": [shown, {"type": "text", "text": "What?"}]}
    assert (await gate.run({"task": "vision", "input": {"messages": [message]}})).status == 200
    assert server.heard[0].json()["messages"][-1] == message
