"""Calls that are answered as a stream: what is held, what is recorded and when, and what ends one."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from oneai.core.breaker import State
from oneai.core.dialect import Dialect, Unusable
from oneai.core.journey import Done
from oneai.core.outcome import Outcome
from oneai.core.pass_dialect import PassDialect
from oneai.core.stream import HELD_BYTES, Stream
from oneai.errors import ChainExhausted, ModelsTimedOut, NoRoute, Rejected, StreamBroken
from oneai.types import Passage, Span, Surface
from tests.core.walks import Trickle, World, answers, chain_of, trail, unusable
from tests.fakes.virtual_time import in_virtual_time

DIALECTS: Mapping[Surface, Dialect] = {Surface.CHAT: PassDialect(Surface.CHAT, {})}
BODY = b'{"model":"lp1","stream":true,"messages":[]}'
PASSAGE = Passage(body=BODY, path="/v1/chat/completions", model=Span(9, 14))


def chunk(delta: Any = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": fields.pop("finish", None)}
    return event({"object": "chat.completion.chunk", "model": "served", "choices": [choice]} | fields)


def event(payload: Any) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(payload)


def words(text: str) -> bytes:
    return chunk({"content": text})


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk(finish="stop")
USAGE = event({"object": "chat.completion.chunk", "model": "served", "choices": [], "usage": {
    "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}})  # fmt: skip
DONE = b"data: [DONE]\n\n"
WHOLE = (ROLE, words("Hel"), words("lo"), STOP, USAGE, DONE)


def world(*codes: str, **changes: Any) -> World:
    return World(*chain_of(*codes, **changes), dialects=DIALECTS)


async def begun(world: World, **fields: Any) -> Done:
    defaults: dict[str, Any] = {"surface": Surface.CHAT, "passage": PASSAGE, "streams": True, "requested": "lp1"}
    return await world.ask(**defaults | fields)


def stream_of(done: Done) -> Stream:
    assert isinstance(done.reply, Stream)
    return done.reply


async def rest(stream: Stream) -> bytes:
    """All of it, closed at the end."""
    found = stream.held
    try:
        while frames := await stream.next():
            found += frames
        await stream.finish()
    finally:
        stream.close()
    return found


def text_of(frames: bytes) -> str:
    parts = [orjson.loads(part[6:]) for part in frames.split(b"\n\n") if part.startswith(b"data: {")]
    return "".join(c["delta"].get("content") or "" for part in parts for c in part.get("choices", []))


async def test_a_stream_goes_through_with_our_code_as_its_model() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(*WHOLE)
    frames = await rest(stream_of(await begun(here)))
    assert text_of(frames) == "Hello"
    assert b'"model":"lp1"' in frames
    assert b"served" not in frames
    assert frames.endswith(DONE)


async def test_the_usage_is_asked_for_always_and_kept_from_who_did_not_ask() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(*WHOLE)
    frames = await rest(stream_of(await begun(here)))
    assert here.heard[0][1]["stream_options"] == {"include_usage": True}
    assert b"usage" not in frames
    attempt, _ = here.memory.attempted_[0]
    assert (attempt.usage.tokens_in, attempt.usage.tokens_out) == (7, 2)


async def test_a_server_that_must_not_be_asked_for_usage_is_not() -> None:
    here = world("lp1", meta={"stream_usage": False})
    here.servers["lp1"] = Trickle(ROLE, words("Hel"), words("lo"), STOP, DONE)
    await rest(stream_of(await begun(here)))
    assert "stream_options" not in here.heard[0][1]
    assert here.memory.attempted_[0][0].usage.tokens_out == 2


async def test_the_usage_goes_to_who_asked_for_it() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(*WHOLE)
    passage = Passage(body=BODY, path="/v1/chat/completions", model=Span(9, 14), asks_usage=True)
    assert b'"completion_tokens":2' in await rest(stream_of(await begun(here, passage=passage)))


BEFORE_CONTENT = [
    (Trickle(event({"error": {"message": "engine died", "code": 500}}), DONE), "error_event"),
    (Trickle(ROLE, event({"error": {"message": "engine died"}})), "error_event"),
    (Trickle(ROLE, chunk(finish="abort"), DONE), "abort"),
    (Trickle(ROLE, DONE), "protocol_error"),
    (Trickle(), "protocol_error"),
    (Trickle(ROLE, Unusable("connection_lost", "it broke")), "connection_lost"),
    (answers({"error": "no"}, 500), "upstream_error"),
    (answers({"error": {"message": "The engine is currently busy"}}, 503), "busy"),
    (answers({"detail": "Not Found"}, 404), "no_route"),
    (answers(b""), "protocol_error"),
    (unusable("unreachable"), "unreachable"),
]


@pytest.mark.parametrize(("first", "outcome"), BEFORE_CONTENT)
async def test_a_failure_before_content_falls_back_unseen(first: Any, outcome: str) -> None:
    here = world("lp1", "lp2")
    here.servers = {"lp1": first, "lp2": Trickle(*WHOLE)}
    done = await begun(here)
    assert trail(done.attempts) == [f"lp1={outcome}", "lp2=streaming"]
    frames = await rest(stream_of(done))
    assert text_of(frames) == "Hello"
    assert b"error" not in frames
    assert here.memory.outcomes == [f"lp1={outcome}", "lp2=ok"]


async def test_a_content_that_breaks_off_within_the_first_bytes_falls_back_too() -> None:
    here = world("lp1", "lp2")
    here.servers = {"lp1": Trickle(words("Hel") + event({"error": "died"})), "lp2": Trickle(*WHOLE)}
    assert text_of(await rest(stream_of(await begun(here)))) == "Hello"


async def test_a_chain_whose_streams_all_fail_ends_as_any_other() -> None:
    here = world("lp1", "lp2")
    here.servers = {"lp1": Trickle(ROLE), "lp2": Trickle(event({"error": "died"}))}
    with pytest.raises(ChainExhausted) as caught:
        await begun(here)
    assert trail(caught.value.attempts) == ["lp1=protocol_error", "lp2=error_event"]


async def test_a_rejection_is_not_tried_elsewhere() -> None:
    here = world("lp1", "lp2")
    here.servers = {"lp1": answers({"error": {"message": "bad temperature"}}, 400)}
    with pytest.raises(Rejected, match="bad temperature"):
        await begun(here)


async def test_a_row_that_has_begun_is_written_before_content_and_the_rest_before_the_last_frame() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(*WHOLE)
    stream = stream_of(await begun(here))
    begun_, number = here.memory.begun_[0]
    assert (begun_.outcome, number, here.memory.attempted_) == ("streaming", 1, [])
    while (frames := await stream.next()) and DONE not in frames:
        assert here.memory.attempted_ == []
    assert [(attempt.id, attempt.outcome, n) for attempt, n in here.memory.attempted_] == [(begun_.id, "ok", 1)]
    stream.close()
    assert len(here.memory.attempted_) == 1


async def test_a_stream_that_came_at_once_has_its_row_before_any_of_it_goes_out() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(b"".join(WHOLE))
    done = await begun(here)
    assert here.memory.outcomes == ["lp1=ok"]
    assert here.memory.begun_ == []
    assert trail(done.attempts) == ["lp1=ok"]
    assert await stream_of(done).next() == b""
    stream_of(done).close()


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (event({"error": {"message": "engine died"}}), "error_event"),
        (chunk(finish="abort"), "abort"),
        (Unusable("connection_lost", "it broke"), "connection_lost"),
        (b"", "connection_lost"),
    ],
)
async def test_after_content_a_failure_ends_the_stream_with_an_error(last: Any, outcome: str) -> None:
    here = world("lp1", "lp2")
    here.servers = {"lp1": Trickle(ROLE, words("Hel"), last)}
    stream = stream_of(await begun(here))
    with pytest.raises(StreamBroken) as caught:
        await rest(stream)
    assert here.asked == ["lp1"]
    assert here.memory.outcomes == [f"lp1={outcome}"]
    assert trail(caught.value.attempts) == [f"lp1={outcome}"]
    assert here.pipeline.availability.circuit("lp1").failures_in_a_row == 1


async def test_a_stream_that_ends_with_a_reason_and_without_done_is_whole() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(words("Hi"), STOP)
    assert text_of(await rest(stream_of(await begun(here)))) == "Hi"
    assert here.memory.outcomes == ["lp1=ok"]


async def test_a_server_that_does_not_stream_is_answered_as_it_came() -> None:
    here = world("lp1")
    here.servers["lp1"] = answers({"model": "served", "choices": [{"message": {"content": "Hi"}}]})
    done = await begun(here)
    assert not isinstance(done.reply, Stream)
    assert done.reply.answer is not None
    assert orjson.loads(done.reply.answer.body)["model"] == "lp1"


async def test_only_so_much_is_held_before_content() -> None:
    here = world("lp1")
    empty = chunk({"content": ""})
    here.servers["lp1"] = Trickle(*[empty] * (HELD_BYTES // len(empty) + 100), words("Hi"), STOP, DONE)
    stream = stream_of(await begun(here))
    assert HELD_BYTES < len(stream.held) <= HELD_BYTES + len(empty)
    assert text_of(await rest(stream)) == "Hi"


@in_virtual_time
async def test_the_deadline_of_a_stream_ends_with_its_first_content() -> None:
    here = world("lp1", timeout_ms=10_000)
    here.servers["lp1"] = Trickle(ROLE, 9.0, words("Hel"), 50.0, words("lo"), 50.0, STOP, DONE)
    stream = stream_of(await begun(here, timeout_s=12.0))
    assert text_of(await rest(stream)) == "Hello"
    assert here.memory.attempted_[0][0].ttft_ms == 9_000
    assert here.memory.attempted_[0][0].latency_ms == 109_000


@in_virtual_time
async def test_no_content_in_time_is_the_models_time_out() -> None:
    here = world("lp1", timeout_ms=10_000)
    slow = here.servers["lp1"] = Trickle(ROLE, 11.0, words("Hello"))
    with pytest.raises(ModelsTimedOut):
        await begun(here)
    assert slow.closed == 1


@in_virtual_time
@pytest.mark.parametrize(("meta", "seconds"), [({}, 60), ({"idle_ms": 5_000}, 5)])
async def test_silence_after_content_is_the_models_time_out(meta: dict[str, Any], seconds: int) -> None:
    here = world("lp1", meta=meta)
    slow = here.servers["lp1"] = Trickle(words("Hel"), seconds + 1.0, words("lo"), STOP, DONE)
    started = here.now()
    with pytest.raises(StreamBroken, match=f"nothing for {seconds} s"):
        await rest(stream_of(await begun(here)))
    assert here.now() - started == seconds
    assert here.memory.outcomes == ["lp1=timeout"]
    assert slow.closed


@in_virtual_time
async def test_the_idle_clock_stands_while_the_client_is_slow() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(words("Hel"), 40.0, words("lo"), 40.0, STOP, DONE)
    stream = stream_of(await begun(here))
    frames = stream.held
    while piece := await stream.next():
        frames += piece
        await asyncio.sleep(100)  # the client reads
    stream.close()
    assert here.memory.outcomes == ["lp1=ok"]


@in_virtual_time
async def test_a_stream_ends_after_thirty_minutes_in_all() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(*[piece for n in range(100) for piece in (words(str(n)), 50.0)])
    started = here.now()
    with pytest.raises(StreamBroken, match="1800 s"):
        await rest(stream_of(await begun(here)))
    assert here.now() - started == 1800
    assert here.memory.outcomes == ["lp1=deadline"]
    assert here.pipeline.availability.circuit("lp1").failures_in_a_row == 0


async def test_a_client_that_leaves_frees_the_server_and_the_place_and_blames_nobody() -> None:
    here = world("lp1")
    server = here.servers["lp1"] = Trickle(ROLE, words("a"), words("b"), words("c"), words("d"))
    stream = stream_of(await begun(here))
    assert here.pipeline.availability.room(here.registry.models["lp1"]).in_flight == 1
    await stream.next()
    await stream.next()
    stream.close()
    assert server.closed
    assert here.pipeline.availability.room(here.registry.models["lp1"]).in_flight == 0
    assert here.memory.outcomes == ["lp1=client_gone"]
    assert here.memory.attempted_[0][0].usage.tokens_out == 3
    assert here.pipeline.availability.circuit("lp1").failures_in_a_row == 0


async def test_a_client_that_stalls_is_no_failure_of_the_model() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(words("a"), words("b"), STOP)
    stream = stream_of(await begun(here))
    stream.abandon(Outcome.CLIENT_STALLED)
    stream.close()
    assert here.memory.outcomes == ["lp1=client_stalled"]
    assert here.pipeline.availability.circuit("lp1").failures_in_a_row == 0


async def test_the_first_content_closes_a_half_open_circuit() -> None:
    here = world("lp1")
    await here.fail("lp1", 0)
    circuit = here.pipeline.availability.circuit("lp1")
    for _ in range(5):
        here.servers["lp1"] = Trickle()
        await asyncio.gather(begun(here), return_exceptions=True)
    assert circuit.state.value == State.OPEN
    here.skew += 20
    here.servers["lp1"] = Trickle(ROLE, words("Hi"), words("!"), STOP, DONE)
    stream = stream_of(await begun(here))
    assert circuit.state is State.CLOSED
    await rest(stream)


@in_virtual_time
async def test_a_cancelled_call_closes_what_it_opened() -> None:
    here = world("lp1")
    server = here.servers["lp1"] = Trickle(ROLE, 30.0, words("Hi"))
    calling = asyncio.create_task(begun(here))
    await asyncio.sleep(1)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert server.closed
    assert here.memory.outcomes == ["lp1=client_gone"]


@in_virtual_time
async def test_a_cancelled_stream_closes_what_it_opened() -> None:
    here = world("lp1")
    server = here.servers["lp1"] = Trickle(words("Hi"), 30.0, STOP)
    calling = asyncio.create_task(_all_of(here))
    await asyncio.sleep(1)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert server.closed
    assert here.memory.outcomes == ["lp1=client_gone"]


async def _all_of(here: World) -> bytes:
    return await rest(stream_of(await begun(here)))


@in_virtual_time
async def test_a_server_that_never_ends_its_answer_is_not_waited_for() -> None:
    here = world("lp1")
    server = here.servers["lp1"] = Trickle(*WHOLE, 3600.0)
    started = here.now()
    await rest(stream_of(await begun(here)))
    assert here.now() - started <= 1
    assert server.closed


async def test_a_stream_is_one_in_whatever_case_its_server_says_so() -> None:
    here = world("lp1")
    here.servers["lp1"] = Trickle(*WHOLE, kind="Text/Event-Stream;charset=UTF-8")
    assert text_of(await rest(stream_of(await begun(here)))) == "Hello"


async def test_a_route_that_is_missing_is_remembered_for_ten_minutes() -> None:
    here = world("lp1", "lp2")
    here.servers = {"lp1": answers({"detail": "Not Found"}, 404), "lp2": Trickle(*WHOLE)}
    await rest(stream_of(await begun(here)))
    here.servers["lp2"] = Trickle(*WHOLE)
    done = await begun(here)
    await rest(stream_of(done))
    assert here.asked == ["lp1", "lp2", "lp2"]
    assert (done.attempts[0].outcome, done.attempts[0].id) == ("no_route", None)
    here.skew += 601
    here.servers["lp2"] = Trickle(*WHOLE)
    await rest(stream_of(await begun(here)))
    assert here.asked[3:] == ["lp1", "lp2"]


async def test_a_path_that_no_model_has_says_so_each_time() -> None:
    here = world("lp1", "lp2")
    here.servers = dict.fromkeys(("lp1", "lp2"), answers({"detail": "Not Found"}, 404))
    for _ in range(2):
        with pytest.raises(NoRoute):
            await begun(here)
    assert here.asked == ["lp1", "lp2"]


async def test_a_missing_route_is_asked_for_again_once_its_row_says_where_it_is() -> None:
    here = world("lp1", "lp2")
    here.servers = {"lp1": answers({"detail": "Not Found"}, 404), "lp2": Trickle(*WHOLE)}
    await rest(stream_of(await begun(here)))
    mended = replace(here.registry.models["lp1"], paths={Surface.CHAT: "/api/chat/completions"})
    here.registry = replace(here.registry, models={**here.registry.models, "lp1": mended}, plans={})
    here.servers["lp1"] = Trickle(*WHOLE)
    await rest(stream_of(await begun(here)))
    assert here.asked == ["lp1", "lp2", "lp1"]
