"""Errors in the words of each surface, whole and as the end of a stream."""

from typing import Any

import orjson
import pytest

from oneai.errors import BadKey, ModelsBusy, StreamBroken
from oneai.gateway import faults
from oneai.types import Attempt, Surface

BROKEN = StreamBroken(model="lp1", why="it broke", call="run_1")
BROKEN.attempts = (Attempt(model="lp1", outcome="connection_lost", id="a1", latency_ms=7),)
ATTEMPTS = [{"model": "lp1", "error": "connection_lost", "latency_ms": 7}]


def parsed(event: bytes) -> tuple[str | None, Any]:
    *name, data, empty, _ = event.decode().split("\n")
    assert empty == ""
    return name[0].removeprefix("event: ") if name else None, orjson.loads(data.removeprefix("data: "))


@pytest.mark.parametrize("surface", [Surface.CHAT, Surface.COMPLETIONS])
def test_openais_streams_end_in_a_chunk_with_an_error(surface: Surface) -> None:
    name, told = parsed(faults.event(BROKEN, "r1", surface))
    assert name is None
    assert told.keys() == {"error"}
    assert (told["error"]["code"], told["error"]["request_id"], told["error"]["attempts"]) == (
        "stream_broken", "r1", ATTEMPTS)  # fmt: skip


def test_a_runs_stream_ends_in_an_error_event() -> None:
    name, told = parsed(faults.event(BROKEN, "r1", Surface.RUN))
    assert (name, told["error"]["code"]) == ("error", "stream_broken")


def test_anthropics_streams_end_in_their_error_event() -> None:
    name, told = parsed(faults.event(BROKEN, "r1", Surface.MESSAGES))
    assert (name, told["type"], told["request_id"]) == ("error", "error", "r1")
    assert told["error"]["type"] == "api_error"
    assert "broke off" in told["error"]["message"]


def test_responses_streams_end_in_the_next_event_of_their_count() -> None:
    name, told = parsed(faults.event(BROKEN, "r1", Surface.RESPONSES, 12))
    assert (name, told["type"], told["code"], told["sequence_number"]) == ("error", "error", "stream_broken", 12)
    assert told["error"]["message"] == told["message"]


@pytest.mark.parametrize(
    ("error", "type"), [(BadKey(), "authentication_error"), (ModelsBusy(trail="lp1=busy"), "rate_limit_error")]
)
def test_anthropic_has_words_of_its_own_for_each_status(error: Any, type: str) -> None:
    assert orjson.loads(faults.body(error, "r1", Surface.MESSAGES))["error"]["type"] == type


def test_what_is_no_call_is_told_in_our_envelope() -> None:
    told = orjson.loads(faults.body(BROKEN, "r1"))
    assert told["error"].keys() == {"message", "type", "param", "code", "request_id", "attempts"}
