"""`oneai run --stream` against a real gateway."""

import asyncio
import io
import shlex
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli import living
from tests.cli.conftest import Answering, Cli
from tests.fakes import model_server
from tests.fakes.model_server import Behaviour, Line, ModelServer, answers, streams


def event(payload: Any) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(payload)


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    return event({"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


USAGE = event({"id": "c1", "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}})
END = (chunk("stop"), USAGE, b"data: [DONE]\n\n")
ASKED = ("run", "--stream", "--text", "Hi")


class Reader(io.StringIO):
    """A stdout that notices when a piece of text was flushed to it."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self._awaited = awaited
        self._seen = threading.Event()

    def flush(self) -> None:
        super().flush()
        if self._awaited in self.getvalue():
            self._seen.set()

    def then(self, *events: bytes) -> Behaviour:
        """What a model server says only when that has been read."""

        async def act(line: Line) -> bool:
            assert await asyncio.to_thread(self._seen.wait, 20)
            body = b"".join(events)
            await line.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
            return False

        return act


@pytest.fixture
def speaker() -> Iterator[ModelServer]:
    with living.opened(living.models(streams(chunk(content="Hel"), chunk(content="lo"), *END))) as (one,):
        yield one


@pytest.fixture
def wired(cli: Cli, home: Path, speaker: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """lp1 is dead and falls back to lb1, which streams."""
    with living.opened(living.gateway(home)) as url:
        living.pointed(monkeypatch, ONEAI_URL=url)
        living.add(cli, "lb1", speaker.endpoint)
        living.add(cli, "lp1", model_server.refusing_endpoint(), "--fallback", "lb1")
        yield cli


def test_the_text_is_on_stdout_and_the_way_beside_it(wired: Cli, speaker: ModelServer) -> None:
    ended = wired(*ASKED)
    assert (ended.code, ended.out) == (0, "Hello\n")
    assert "lp1=unreachable → lb1=ok" in ended.err
    assert "12 tokens in, 3 out" in ended.err
    assert speaker.heard[0].json()["stream"] is True


def test_each_piece_goes_out_before_the_next_has_come(wired: Cli, speaker: ModelServer) -> None:
    with redirect_stdout(Reader("Hel")) as read:
        speaker.default = streams(chunk(content="Hel"), read.then(chunk(content="lo"), *END))
        assert wired(*ASKED).code == 0
    assert read.getvalue() == "Hello\n"


def test_json_is_the_whole_answer_and_nothing_before_it(wired: Cli) -> None:
    ended = wired(*ASKED, "--json")
    assert ended.code == 0
    assert ended.json["output"] == {"text": "Hello", "finish_reason": "stop"}
    assert [attempt["model"] for attempt in ended.json["attempts"]] == ["lp1", "lb1"]


def test_tool_calls_follow_the_text_as_json(wired: Cli, speaker: ModelServer) -> None:
    call = {"index": 0, "id": "t1", "function": {"name": "f", "arguments": "{}"}}
    speaker.default = streams(chunk(content="So:"), chunk(tool_calls=[call]), *END)
    text, _, rest = wired(*ASKED).out.partition("\n")
    assert text == "So:"
    assert orjson.loads(rest)[0]["function"] == {"name": "f", "arguments": "{}"}


def test_an_answer_without_a_word_is_said_to_be_empty(wired: Cli, speaker: ModelServer) -> None:
    speaker.default = streams(*END)
    ended = wired(*ASKED)
    assert (ended.code, ended.out) == (0, "")
    assert "empty" in ended.err


def test_a_stream_that_breaks_off_keeps_its_text_and_says_what_happened(wired: Cli, speaker: ModelServer) -> None:
    with redirect_stdout(Reader("Hel")) as read:
        failure = event({"error": {"message": "out of memory"}})
        speaker.default = streams(chunk(content="Hel"), read.then(failure))
        ended = wired(*ASKED)
    assert (ended.code, read.getvalue()) == (1, "Hel\n")
    assert ended.err.splitlines()[0] == "lp1=unreachable → lb1=error_event"
    assert "No other model can take over by then." in ended.err
    assert "out of memory" in ended.err


def test_a_model_that_fell_silent_midway_is_not_given_a_longer_timeout(wired: Cli, speaker: ModelServer) -> None:
    assert wired("models", "set", "lb1", "idle_ms=50").code == 0
    speaker.default = streams(chunk(content="Hel"), model_server.hangs)
    ended = wired(*ASKED)
    assert (ended.code, ended.out) == (1, "Hel\n")
    assert "lb1: It fell silent in the middle of its answer" in ended.err
    broken = wired(*ASKED, "--json")
    assert (broken.code, broken.json["error"]["code"]) == (1, "stream_broken")
    assert [attempt["error"] for attempt in broken.json["error"]["attempts"]] == ["unreachable", "timeout"]


def test_a_failure_before_content_is_told_as_of_any_call(wired: Cli, speaker: ModelServer) -> None:
    speaker.default = answers({"error": "no"}, 500)
    ended = wired(*ASKED)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[0] == "lp1=unreachable → lb1=upstream_error"
    assert "502: No model of the chain could answer" in ended.err


def test_a_task_that_does_not_stream_is_refused_in_the_gateways_words(wired: Cli) -> None:
    ended = wired("run", "--stream", "--text", "a", "--text", "b", "--json")
    assert (ended.code, ended.json["error"]["param"]) == (2, "stream")
    assert "answers whole" in ended.json["error"]["message"]


def test_its_time_goes_out_as_a_header(cli: Cli, gateway: Answering) -> None:
    assert cli(*ASKED, "--timeout", "1.5").code == 3
    _what, headers, body = gateway.asked[0]
    assert (headers["X-OneAI-Timeout-Ms"], body["stream"]) == ("1500", True)


def test_an_answer_that_is_no_stream_is_no_gateways(cli: Cli, gateway: Answering) -> None:
    gateway.answers["POST /v1/run"] = (200, {"id": "run_1"})
    ended = cli(*ASKED, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (6, "not_a_gateway")


def test_its_curl_line_gathers_nothing(cli: Cli) -> None:
    words = shlex.split(cli(*ASKED, "--curl").out)
    assert "-N" in words
    assert orjson.loads(words[words.index("-d") + 1])["stream"] is True
