"""The events of a run's stream, however its bytes were cut."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai import errors
from oneai.cli.run import events
from oneai.cli.run.events import Event
from oneai.errors import GatewayGone, NotAGateway, OneAIError, Refused

URL = "http://gateway.example"
HEAD = 'event: delta\ndata: {"text":"Straße "}\n\n: ping\n\nevent: delta\r\ndata: {"text":"日本"}\r\n\r\n'.encode()
WHOLE = HEAD + b'event: done\ndata: {"id":"run_1"}\n\n'


async def blocks(parts: Sequence[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(*parts: bytes) -> list[Event]:
    return [event async for event in events.of(blocks(parts), URL)]


def failure(**error: Any) -> bytes:
    return b"event: error\ndata: %b\n\n" % orjson.dumps({"error": {"message": "it died", "param": None} | error})


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
async def test_blocks_may_be_cut_anywhere(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WHOLE)]
    parts = [WHOLE[start:end] for start, end in pairwise(places)]
    assert await read(*parts) == [
        ("delta", {"text": "Straße "}),
        ("delta", {"text": "日本"}),
        ("done", {"id": "run_1"}),
    ]


async def test_nothing_is_waited_for_after_the_last_event() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield WHOLE
        raise AssertionError("asked for more")

    assert [event.name async for event in events.of(endless(), URL)] == ["delta", "delta", "done"]


@pytest.mark.parametrize("parts", [(), (HEAD,), (WHOLE[:-1],)])
async def test_a_stream_without_its_last_event_was_cut(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(GatewayGone):
        await read(*parts)


@pytest.mark.parametrize("data", [b"data: {", b"data: []", b"data: [DONE]"])
async def test_what_is_no_event_of_ours_is_no_gateway(data: bytes) -> None:
    with pytest.raises(NotAGateway, match="event"):
        await read(b"event: delta\n" + data + b"\n\n")


@pytest.mark.parametrize(
    ("kind", "status", "exit_code"),
    [
        (errors.StreamBroken, 502, 1),
        (errors.ChainExhausted, 502, 1),
        (errors.DeadlinePassed, 504, 1),
        (errors.ModelsBusy, 429, 1),
        (errors.NothingCanAnswer, 503, 1),
        (errors.ImageTooLarge, 413, 2),
        (errors.Rejected, 400, 2),
    ],
)
async def test_an_error_is_refused_with_the_status_it_would_have_had(
    kind: type[OneAIError], status: int, exit_code: int
) -> None:
    tried = {"model": "lp1", "error": "timeout", "latency_ms": 3}
    with pytest.raises(Refused, match="it died") as caught:
        await read(HEAD, failure(code=kind.code, type=kind.type, attempts=[tried]))
    refused = caught.value
    assert (refused.code, refused.status, refused.exit_code) == (kind.code, status, exit_code)
    assert refused.trail == (tried,)


@pytest.mark.parametrize("event", [failure(code="of_a_later_version"), b'event: error\ndata: {"error": "no"}\n\n'])
async def test_an_error_that_is_new_here_is_refused_all_the_same(event: bytes) -> None:
    with pytest.raises(Refused) as caught:
        await read(event)
    assert (caught.value.status, caught.value.exit_code) == (502, 1)
