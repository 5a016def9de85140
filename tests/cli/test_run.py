"""`oneai run` against a real gateway, and what it builds and refuses before it sends anything."""

import shlex
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import orjson
import pytest
from PIL import Image

from oneai.cli.run import body, curl
from oneai.cli.run.body import Wish
from oneai.store import local_key
from tests.cli import living
from tests.cli.conftest import Answering, Cli
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer, answers, chat


def page() -> bytes:
    file = BytesIO()
    Image.new("L", (64, 64), 255).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "in voice.png"
    path.write_bytes(page())
    return path


@pytest.fixture
def served() -> Iterator[Sequence[ModelServer]]:
    """A model server for ocr, one for language."""
    with living.opened(living.models(answers(chat("Total 42")), answers(chat("Hello\x1b[2J")))) as servers:
        yield servers


@pytest.fixture
def wired(cli: Cli, home: Path, served: Sequence[ModelServer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """op1 is dead and falls back to os1; lp1 answers; a gateway serves them."""
    with living.opened(living.gateway(home)) as url:
        living.pointed(monkeypatch, ONEAI_URL=url)
        living.add(cli, "os1", served[0].endpoint)
        living.add(cli, "op1", model_server.refusing_endpoint(), "--fallback", "os1")
        living.add(cli, "lp1", served[1].endpoint)
        yield cli


def test_a_page_is_read_and_the_way_told_beside_it(wired: Cli, scan: Path, served: Sequence[ModelServer]) -> None:
    ended = wired("run", str(scan))
    assert (ended.code, ended.out) == (0, "Total 42\n")
    assert "op1=unreachable → os1=ok" in ended.err
    assert "oneai why run_" in ended.err
    sent = served[0].heard[0].json()["messages"][0]["content"]
    assert any(b64encode(page()).decode() in str(part) for part in sent)


def test_json_is_the_gateways_whole_answer(wired: Cli, scan: Path) -> None:
    document = wired("run", str(scan), "--json").json
    assert (document["model"], document["output"]["text"], document["task"]) == ("os1", "Total 42", "ocr")
    assert [attempt["model"] for attempt in document["attempts"]] == ["op1", "os1"]


def test_without_fallback_the_trail_the_cause_and_the_mending_are_told(wired: Cli, scan: Path) -> None:
    ended = wired("run", str(scan), "--no-fallback")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[0] == "op1=unreachable"
    assert "oneai models test op1 --direct" in ended.err
    assert "oneai why run_" in ended.err


def test_a_failure_in_json_has_its_attempts(wired: Cli, scan: Path) -> None:
    error = wired("run", str(scan), "--no-fallback", "--json").json["error"]
    assert error["code"] == "chain_exhausted"
    assert [attempt["error"] for attempt in error["attempts"]] == ["unreachable"]


def test_params_messages_and_origin_travel(wired: Cli, served: Sequence[ModelServer]) -> None:
    messages = '[{"role": "user", "content": "Hi"}]'
    words = ("--model", "lp1", "--messages", "-", "--param", "temperature=0", "--tenant", "t1", "--json")
    assert wired("run", *words, stdin=messages).code == 0
    sent = served[1].heard[0].json()
    assert sent["messages"] == [{"role": "user", "content": "Hi"}]
    assert sent["temperature"] == 0


def test_an_unknown_model_and_a_bad_param_have_their_codes(wired: Cli) -> None:
    assert wired("run", "--text", "x", "--model", "op9").code == 3
    assert wired("run", "--text", "x", "--profile", "nonsense").code == 2


def test_a_refused_key_is_said_so(wired: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEAI_API_KEY", "wrong")
    assert wired("run", "--text", "x").code == 5


def test_without_a_gateway_it_is_unreachable(cli: Cli) -> None:
    ended = cli("run", "--text", "x", "--json")
    assert ended.code == 6
    assert ended.json["error"]["code"] == "gateway_unreachable"


def test_a_missing_file_a_folder_and_an_empty_one_are_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    found = {name: cli("run", str(tmp_path / name)) for name in ("none.png", "", "empty.png")}
    assert [ended.code for ended in found.values()] == [3, 2, 2]
    assert ["no file" in found["none.png"].err, "folder" in found[""].err, "empty" in found["empty.png"].err] == [
        True
    ] * 3
    assert cli("run", "-").code == 2


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
    cli: Cli, gateway: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEAI_MAX_BODY_MB", "1")
    (tmp_path / "large.png").write_bytes(bytes(1 << 20))
    ended = cli("run", str(tmp_path / "large.png"))
    assert ended.code == 2
    assert "ONEAI_MAX_BODY_MB" in ended.err
    assert gateway.asked == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--task", "poetry", "--text", "x"),
        ("--text", "x", "--param", "temperature"),
        ("--text", "x", "--param", "effort=high"),
        ("--text", "x", "--param", "=1"),
        ("--text", "x", "--timeout", "0"),
        ("--messages", "-"),
        ("-", "--messages", "-"),
    ],
)
def test_nonsense_is_refused_without_asking_anybody(cli: Cli, gateway: Answering, words: tuple[str, ...]) -> None:
    assert cli("run", *words).code == 2
    assert gateway.asked == []


@pytest.mark.parametrize(
    ("wish", "task"),
    [
        (Wish(has_image=True, origin={}), "ocr"),
        (Wish(has_image=True, texts=("What is the total?",), origin={}), "vision"),
        (Wish(texts=("Hello",), origin={}), "llm"),
        (Wish(texts=("a", "b"), origin={}), "embed"),
        (Wish(query="q", documents=("d",), origin={}), "rerank"),
        (Wish(texts=("Hello",), model="lp1", origin={}), None),
        (Wish(has_image=True, texts=("x",), task="ocr", origin={}), "ocr"),
    ],
)
def test_the_task_is_what_the_input_is_for(wish: Wish, task: str | None) -> None:
    assert body.build(wish).get("task") == task


def test_the_body_holds_what_was_asked_and_nothing_else() -> None:
    wish = Wish(texts=("x",), profile="p", params=("a=1",), falls_back=False, origin={"doc_id": "d"})
    expected = {"task": "llm", "profile": "p", "input": {"text": "x"}, "params": {"a": 1}}
    assert body.build(wish) == expected | {"meta": {"doc_id": "d"}, "fallback": False}


def test_the_time_asked_for_goes_out_as_a_header(cli: Cli, gateway: Answering) -> None:
    gateway.answers["POST /v1/run"] = (200, {"id": "run_1", "model": "lp1", "output": {"text": "x"}, "attempts": []})
    assert cli("run", "--text", "x", "--timeout", "1.5").code == 0
    assert gateway.asked[0][1]["X-OneAI-Timeout-Ms"] == "1500"


def test_tool_calls_and_results_are_shown_as_json(cli: Cli, gateway: Answering) -> None:
    output = {"results": [{"index": 1, "score": 0.5}]}
    gateway.answers["POST /v1/run"] = (200, {"id": "run_1", "model": "rp1", "output": output, "attempts": []})
    assert orjson.loads(cli("run", "--query", "q", "--document", "d").out) == output["results"]


def test_an_empty_answer_is_said_so(cli: Cli, gateway: Answering) -> None:
    gateway.answers["POST /v1/run"] = (200, {"id": "run_1", "model": "op1", "output": {"text": ""}, "attempts": []})
    ended = cli("run", "--text", "x")
    assert (ended.code, ended.out) == (0, "")
    assert "empty" in ended.err


def test_the_curl_line_sends_nothing_and_holds_no_key(cli: Cli, gateway: Answering, home: Path, scan: Path) -> None:
    home.mkdir()
    local_key.keep(home, "oo-" + "1" * 8)
    ended = cli("run", str(scan), "--curl", width=40)
    line = ended.out
    assert gateway.asked == []
    assert f"export ONEAI_API_KEY=$(cat {home / 'local.key'})" in ended.err
    assert "oo-" not in line
    assert "$ONEAI_API_KEY" in line
    assert len(line.splitlines()) == 1


def test_the_curl_lines_pipe_makes_the_very_body(scan: Path) -> None:
    asked = body.build(Wish(has_image=True, texts=('What\'s "this"?\n',), origin={}))
    line = curl.line("http://gateway.example", asked, {}, scan)
    made = subprocess.run(["sh", "-c", line.split(" | curl ")[0]], capture_output=True, check=True).stdout
    sent = orjson.loads(made)
    assert b64decode(sent["input"]["image"]) == page()
    assert sent["input"]["text"] == 'What\'s "this"?\n'


def test_a_curl_line_without_an_image_has_its_body_in_one_word() -> None:
    line = curl.line("http://gateway.example", {"task": "ocr", "input": {"text": "it's"}}, {"X-Doc-Id": "a b"}, None)
    words = shlex.split(line)
    assert orjson.loads(words[words.index("-d") + 1]) == {"task": "ocr", "input": {"text": "it's"}}
    assert "X-Doc-Id: a b" in words
