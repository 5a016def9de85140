import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from oneai.errors import BadSetting, PortTaken
from oneai.ocr import worker
from oneai.ocr.server import Options, serve
from tests.ocr import pages
from tests.ocr.serving import Client, post, refused, serving, until_health

in_module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[Client]:
    async with serving(workers=1, max_body_mb=1) as client:
        yield client


@in_module
async def test_a_page_is_answered_as_a_chat_completion(client: Client) -> None:
    answer = await post(client, pages.chat(pages.uri(), "OCR: "))
    assert answer["id"].startswith("chatcmpl-")
    assert (answer["object"], answer["model"]) == ("chat.completion", "tesseract")
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello 4711"},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert answer["usage"] == {"prompt_tokens": 2 + 73, "completion_tokens": 3, "total_tokens": 78}


@in_module
async def test_the_connectivity_test_gets_a_friendly_text(client: Client) -> None:
    answer = await post(client, {"messages": [{"role": "user", "content": "test"}]})
    assert "OCR model (Tesseract, eng)" in answer["choices"][0]["message"]["content"]


@in_module
async def test_a_stream_has_role_content_finish_usage_and_end(client: Client) -> None:
    body = pages.chat(pages.uri(), stream=True, stream_options={"include_usage": True})
    async with client.post("/v1/chat/completions", json=body) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        frames = (await response.text()).split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    role, content, finish, usage = (json.loads(frame.removeprefix("data: ")) for frame in frames[:-2])
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert content["choices"][0]["delta"] == {"content": "Hello 4711"}
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 3)


@in_module
async def test_models_lists_the_one_model_without_a_context_length(client: Client) -> None:
    async with client.get("/v1/models") as response:
        listed = await response.json()
    assert [(model["id"], model["root"]) for model in listed["data"]] == [("tesseract", "tesseract")]
    assert "max_model_len" not in listed["data"][0]


@in_module
async def test_health_says_what_goes_on(client: Client) -> None:
    async with client.get("/health") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok", "running": 0, "waiting": 0})


@in_module
@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        (pages.chat("data:image/png;base64,%%%%"), 400, "not valid base64"),
        (pages.chat("data:image/png;base64,JVBERi0xLjc="), 400, "no image that can be read"),
        (pages.chat(pages.uri()[: 22 + 800]), 400, "damaged or cut off"),
        (pages.chat("https://files.example/a.png"), 400, "addresses are not fetched"),
        ({}, 400, "messages is missing"),
        (pages.chat(pages.uri()) | {"model": "op1"}, 404, "The model `op1` does not exist"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_openais_shape(
    client: Client, body: Any, status: int, what: str
) -> None:
    found, error = await refused(client, body)
    assert (found, what in error["message"]) == (status, True), error


@in_module
async def test_a_page_of_another_language_than_served_is_still_read(client: Client) -> None:
    answer = await post(client, pages.chat(pages.uri(), "lang: deu"))
    assert answer["choices"][0]["message"]["content"] == "Hello 4711"


@in_module
async def test_a_body_that_is_too_large_is_a_413(client: Client) -> None:
    status, error = await refused(client, pages.chat("x" * 1_100_000))
    assert (status, error["message"]) == (413, "The body is larger than the 1 MB that this OCR server takes.")


async def test_a_full_queue_is_a_503_with_a_time_to_come_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(worker, "read", pages.wait_for_file)
    gate = tmp_path / "a"
    body = pages.chat("data:image/png;base64," + pages.behind(gate))
    async with serving(workers=1, max_queue=1) as client, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(post(client, body)) for _ in range(2)]
        await until_health(client, running=1, waiting=1)
        async with client.post("/v1/chat/completions", json=body) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "2")
            assert "queue is full" in (await response.json())["error"]["message"]
        pages.open_gate(gate)
        assert [(await call)["choices"][0]["message"]["content"] for call in calls] == ["a", "a"]


async def test_a_client_that_hangs_up_before_its_turn_frees_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(worker, "read", pages.wait_for_file)
    gate = tmp_path / "a"
    body = pages.chat("data:image/png;base64," + pages.behind(gate))
    async with serving(workers=1, max_queue=1) as client:
        first = asyncio.create_task(post(client, body))
        await until_health(client, running=1)
        second = asyncio.create_task(post(client, body))
        await until_health(client, running=1, waiting=1)
        second.cancel()
        await until_health(client, running=1, waiting=0)
        pages.open_gate(gate)
        assert (await first)["choices"][0]["message"]["content"] == "a"


async def test_a_page_that_takes_too_long_is_a_500_and_its_neighbour_is_not_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(worker, "read", pages.wait_for_file)
    pages.open_gate(tmp_path / "open")
    slow, quick = (pages.chat("data:image/png;base64," + pages.behind(tmp_path / name)) for name in ("shut", "open"))
    async with serving(workers=2, page_timeout_s=2.0) as client:
        (status, error), answer = await asyncio.gather(refused(client, slow), post(client, quick))
    assert (status, "not read within 2 s" in error["message"]) == (500, True)
    assert answer["choices"][0]["message"]["content"] == "open"


def test_a_taken_port_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port} is taken"):
            serve(Options(port=port, workers=1))


def test_an_address_of_another_machine_is_said_so() -> None:
    with pytest.raises(BadSetting, match=r"192\.0\.2\.1:"):
        serve(Options(host="192.0.2.1", port=0, workers=1))


def test_a_language_without_data_is_said_before_anything_starts() -> None:
    with pytest.raises(BadSetting, match="found 'tlh'"):
        serve(Options(lang="eng+tlh", workers=1))


@pytest.fixture
def server() -> Any:
    """`serve` in a process of its own, and the address that it printed."""
    code = "from oneai.ocr.server import Options, serve; raise SystemExit(serve(Options(port=0, workers=1)))"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if line.startswith("OCR server on "))
        assert line.endswith(" (lang eng, 1 worker)\n")
        yield process, line.split()[3]
        process.kill()


async def test_a_sigterm_lets_the_running_page_finish_and_ends_with_0(server: Any) -> None:
    process, url = server
    async with aiohttp.ClientSession(url) as session:
        invoice = pages.uri_of(pages.EXAMPLES / "invoice.png")
        call = asyncio.create_task(session.post("/v1/chat/completions", json=pages.chat(invoice)))
        running = 0
        while not running:
            async with session.get("/health") as response:
                running = (await response.json())["running"]
        process.send_signal(signal.SIGTERM)
        async with await call as response:
            assert "HM-2026-004187" in await response.text()
    assert await asyncio.to_thread(process.wait, 30) == 0


async def test_a_server_that_is_killed_takes_its_workers_along(server: Any) -> None:
    process, _ = server
    workers = children(process.pid)
    process.kill()
    await asyncio.to_thread(process.wait, 30)
    async with asyncio.timeout(30):
        while any(is_running(pid) for pid in workers):  # noqa: ASYNC110 - nobody tells of another's children
            await asyncio.sleep(0.01)
    assert workers


def children(parent: int) -> list[int]:
    return [int(pid) for pid, owner in (line.split() for line in ps("pid=,ppid=")) if int(owner) == parent]


def is_running(pid: int) -> bool:
    return any(not state.startswith("Z") for state in ps("stat=,pid=") if state.split()[1] == str(pid))


def ps(columns: str) -> list[str]:
    listed = subprocess.run(["ps", "-A", "-o", columns], capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()
