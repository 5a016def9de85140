"""A call's way through its chain: who is asked, in which order, what is recorded, and what the client is told."""

from typing import Any

import pytest

from oneai.core.breaker import State
from oneai.core.outcome import TABLE, Next, Outcome
from oneai.errors import (
    BadField,
    ChainExhausted,
    DeadlinePassed,
    Forbidden,
    ImageTooLarge,
    InactiveModel,
    ModelsBusy,
    ModelsTimedOut,
    NothingCanAnswer,
    OneAIError,
    Rejected,
    UnknownModel,
)
from oneai.types import Answer, Ask, Domain, Key, Request, Surface
from tests.core import walks
from tests.core.walks import Trickle, World, answers, chain_of, hangs, link, replied, says, takes, trail, unusable
from tests.fakes.virtual_time import in_virtual_time


def key(*allowed: str) -> Key:
    return Key(hash="0" * 64, name="narrow", allow=frozenset(allowed))


async def ends(world: World, **fields: Any) -> OneAIError:
    with pytest.raises(OneAIError) as caught:
        await world.ask(**fields)
    return caught.value


async def test_the_first_model_that_answers_is_the_answer() -> None:
    world = World(*chain_of("lp1", "lp2", "lp3"))
    world.servers = {"lp1": unusable("unreachable"), "lp2": says("two"), "lp3": says("three")}
    done = await world.ask()
    assert (done.model.code, replied(done).output["text"]) == ("lp2", "two")
    assert trail(done.attempts) == ["lp1=unreachable", "lp2=ok"]
    assert world.asked == ["lp1", "lp2"]


async def test_attempts_are_recorded_in_order_before_the_caller_hears() -> None:
    world = World(*chain_of("lp1", "lp2"))
    world.servers = {"lp1": answers({"error": "broken"}, 500), "lp2": says()}
    seen: list[str] = []

    async def second(request: Request) -> Answer | Trickle:
        seen.extend(world.memory.outcomes)
        return await says()(request)

    world.servers["lp2"] = second
    done = await world.ask()
    assert seen == ["lp1=upstream_error"]
    assert [(a.id, number) for a, number in world.memory.attempted_] == [("id-1", 1), ("id-2", 2)]
    assert tuple(attempt for attempt, _ in world.memory.attempted_) == done.attempts
    assert (done.attempts[0].status, done.attempts[0].message) == (500, "broken")
    assert (done.attempts[1].usage.tokens_in, done.attempts[1].usage.tokens_out) == (12, 3)


OUTCOMES = [
    (unusable("unreachable"), "unreachable", ChainExhausted, 502),
    (unusable("connection_lost"), "connection_lost", ChainExhausted, 502),
    (unusable("protocol_error"), "protocol_error", ChainExhausted, 502),
    (unusable("misconfigured"), "misconfigured", ChainExhausted, 502),
    (answers(b"<html>"), "protocol_error", ChainExhausted, 502),
    (says(finish_reason="abort"), "abort", ChainExhausted, 502),
    (answers({"error": {"message": "engine died"}}), "error_event", ChainExhausted, 502),
    (answers({"error": "x"}, 500), "upstream_error", ChainExhausted, 502),
    (answers({"error": "x"}, 408), "upstream_error", ChainExhausted, 502),
    (answers({"error": "x"}, 503), "upstream_error", ChainExhausted, 502),
    (answers({"error": "The request queue is full."}, 503), "busy", ModelsBusy, 429),
    (answers({"error": "x"}, 429), "busy", ModelsBusy, 429),
    (answers({"error": "Unauthorized"}, 401), "misconfigured", ChainExhausted, 502),
    (answers({"error": "x"}, 403), "misconfigured", ChainExhausted, 502),
    (answers({"detail": "Not Found"}, 404), "misconfigured", ChainExhausted, 502),
    (answers({"detail": "x"}, 405), "misconfigured", ChainExhausted, 502),
    (answers(b"", 302), "misconfigured", ChainExhausted, 502),
    (answers({"error": "x"}, 413), "input_too_large", ImageTooLarge, 413),
    (answers({"error": "x"}, 501), "unsupported", ChainExhausted, 502),
    (answers({"error": "x"}, 499), "unsupported", ChainExhausted, 502),
    (answers({"error": "bad temperature"}, 400), "run_rejected", Rejected, 400),
    (answers({"error": "bad temperature"}, 422), "run_rejected", Rejected, 422),
]


@pytest.mark.parametrize(("server", "outcome", "error", "status"), OUTCOMES)
async def test_an_outcome_means_for_the_chain_what_the_table_says(
    server: walks.Server, outcome: str, error: type[OneAIError], status: int
) -> None:
    world = World(*chain_of("lp1", "lp2"))
    world.servers = {"lp1": server, "lp2": says("two")}
    assert TABLE[Outcome(outcome)].next is Next.YES
    assert trail((await world.ask()).attempts) == [f"lp1={outcome}", "lp2=ok"]
    world.servers["lp2"] = server
    told = await ends(world)
    assert (type(told), told.status) == (error, status)
    assert trail(told.attempts) == [f"lp1={outcome}", f"lp2={outcome}"]


@in_virtual_time
async def test_a_models_own_time_out_goes_on_and_is_504_if_it_is_the_last() -> None:
    world = World(*chain_of("lp1", "lp2", timeout_ms=60_000))
    world.servers = {"lp1": hangs, "lp2": says()}
    assert trail((await world.ask()).attempts) == ["lp1=timeout", "lp2=ok"]
    world.servers["lp2"] = hangs
    told = await ends(world)
    assert isinstance(told, ModelsTimedOut)
    assert [attempt.latency_ms for attempt in told.attempts] == [60_000, 60_000]
    assert "60" in str(told.attempts[0].message)


@in_virtual_time
async def test_what_the_deadline_cuts_is_the_end_and_teaches_the_circuit_nothing() -> None:
    world = World(link("lp1", timeout_ms=60_000))
    world.servers = {"lp1": hangs}
    for _ in range(6):
        told = await ends(world, timeout_s=10.0)
        assert isinstance(told, DeadlinePassed)
        assert trail(told.attempts) == ["lp1=deadline"]
    assert world.pipeline.availability.circuit("lp1").state is State.CLOSED


@in_virtual_time
async def test_five_hung_models_do_not_keep_the_last_from_answering_within_the_deadline() -> None:
    hung = [f"op{number}" for number in range(1, 6)]
    world = World(*chain_of(*hung, "os1", timeout_ms=120_000))
    world.servers = dict.fromkeys(hung, hangs) | {"os1": takes(5.0, says("a page"))}
    done = await world.ask(Domain.OCR, ask=Ask(text="test"))
    assert done.model.code == "os1"
    assert world.now() <= 290.0
    assert len(done.attempts) == 6


async def test_the_first_refusals_status_is_the_clients_where_the_last_refuses_too() -> None:
    world = World(*chain_of("lp1", "lp2", "lp3"))
    world.servers = {
        "lp1": answers({"error": {"message": "first", "param": "temperature"}}, 422),
        "lp2": unusable("unreachable"),
        "lp3": answers({"error": {"message": "second"}}, 400),
    }
    told = await ends(world)
    assert (told.status, told.param) == (422, "temperature")
    assert "first" in told.message


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_what_a_caller_wrote_wrongly_is_tried_nowhere_else_and_proves_the_model_alive(status: int) -> None:
    world = World(*chain_of("lp1", "lp2"))
    await world.fail("lp1", 4)
    world.servers = {"lp1": answers({"error": "bad temperature"}, status), "lp2": says()}
    told = await ends(world, surface=Surface.CHAT)
    assert (type(told), told.status) == (Rejected, status)
    assert world.asked == ["lp1"]
    assert world.pipeline.availability.circuit("lp1").failures_in_a_row == 0


async def test_models_that_the_key_may_not_call_are_passed_over() -> None:
    world = World(*chain_of("lp1", "lp2"))
    world.servers = {"lp1": says("one"), "lp2": says("two")}
    done = await world.ask(key=key("lp2"))
    assert trail(done.attempts) == ["lp1=forbidden", "lp2=ok"]
    assert [attempt.id for attempt in done.attempts] == [None, "id-1"]
    assert trail(world.memory.passed) == ["lp1=forbidden"]
    assert world.asked == ["lp2"]


async def test_the_asked_model_is_forbidden_whatever_is_behind_it() -> None:
    world = World(*chain_of("lp1", "lp2"))
    told = await ends(world, requested="lp1", key=key("lp2"))
    assert isinstance(told, Forbidden)
    assert "lp1" in told.message


async def test_a_chain_without_a_model_for_the_key_is_forbidden() -> None:
    assert isinstance(await ends(World(*chain_of("lp1", "lp2")), key=key("op1")), Forbidden)


async def test_one_model_only_that_the_key_may_not_call_is_forbidden() -> None:
    world = World(*chain_of("lp1", "lp2"))
    assert isinstance(await ends(world, key=key("lp2"), falls_back=False), Forbidden)


async def test_inactive_models_are_passed_over_to_their_own_fallback() -> None:
    world = World(link("lp1", "lp2"), link("lp2", "lp3", active=False), link("lp3"))
    world.servers = {"lp1": unusable("unreachable"), "lp3": says("three")}
    assert trail((await world.ask()).attempts) == ["lp1=unreachable", "lp3=ok"]
    assert (await world.ask(requested="lp2")).model.code == "lp3"


async def test_unknown_and_inactive_models_are_said_before_any_attempt() -> None:
    world = World(link("lp1", active=False))
    assert isinstance(await ends(world, requested="lp9"), UnknownModel)
    assert isinstance(await ends(world, requested="lp1"), InactiveModel)
    assert isinstance(await ends(world), NothingCanAnswer)
    assert world.memory.attempted_ == []


async def test_without_fallback_only_one_model_is_asked() -> None:
    world = World(*chain_of("lp1", "lp2"))
    world.servers = {"lp1": unusable("unreachable"), "lp2": says()}
    assert trail((await ends(world, falls_back=False)).attempts) == ["lp1=unreachable"]
    assert world.asked == ["lp1"]


async def test_what_the_caller_asked_wrongly_is_no_attempt_and_holds_nothing() -> None:
    world = World(link("lp1"))
    await world.fail("lp1", 5)
    world.skew += 20.0
    told = await ends(world, ask=Ask(text="x", params={"max_tokens": "many"}))
    assert isinstance(told, BadField)
    assert (world.memory.attempted_, world.heard) == ([], [])
    assert world.pipeline.availability.room(world.registry.models["lp1"]).in_flight == 0
    assert not world.pipeline.availability.circuit("lp1").is_shut(world.now())


WRONG_NAME = answers({"error": {"message": "The model `old` does not exist.", "type": "NotFoundError"}}, 404)


async def test_a_wrong_name_is_asked_for_again_and_the_model_tried_once_more() -> None:
    world = World(link("lp1"))
    world.names.now, world.names.next = {"lp1": "old"}, {"lp1": "new"}

    async def knows_new(request: Request) -> Answer | Trickle:
        right = world.heard[-1][1].get("model") == "new"
        return await (says() if right else WRONG_NAME)(request)

    world.servers = {"lp1": knows_new}
    done = await world.ask()
    assert [body.get("model") for _, body in world.heard] == ["old", "new"]
    assert world.names.asked == ["lp1"]
    assert trail(done.attempts) == ["lp1=ok"]


async def test_a_name_that_stays_wrong_is_tried_twice_and_no_more() -> None:
    world = World(*chain_of("lp1", "lp2"))
    world.servers = {"lp1": WRONG_NAME, "lp2": says()}
    assert trail((await world.ask()).attempts) == ["lp1=misconfigured", "lp2=ok"]
    assert world.asked == ["lp1", "lp1", "lp2"]


async def test_a_route_that_is_absent_is_no_wrong_name() -> None:
    world = World(link("lp1"))
    world.servers = {"lp1": answers({"detail": "Not Found"}, 404)}
    await ends(world)
    assert (world.asked, world.names.asked) == (["lp1"], [])


async def test_until_a_name_is_known_none_is_sent() -> None:
    world = World(link("lp1"))
    world.servers = {"lp1": says()}
    await world.ask()
    assert "model" not in world.heard[0][1]


async def test_an_empty_page_falls_back_and_its_tokens_are_counted() -> None:
    world = World(*chain_of("op1", "op2"))
    world.servers = {"op1": says(""), "op2": says("a page")}
    page = Ask(messages=({"role": "user", "content": "read"},))
    done = await world.ask(Domain.OCR, ask=page)
    assert trail(done.attempts) == ["op1=quality", "op2=ok"]
    assert done.attempts[0].usage.tokens_out == 3


async def test_two_refused_connections_open_the_circuit() -> None:
    world = World(*chain_of("lp1", "lp2"))
    world.servers = {"lp1": unusable("unreachable"), "lp2": says()}
    for _ in range(3):
        await world.ask()
    assert world.asked == ["lp1", "lp2", "lp1", "lp2", "lp2"]


async def test_a_busy_servers_retry_after_is_the_clients() -> None:
    world = World(link("lp1"))
    world.servers = {"lp1": answers({"error": "x"}, 429, **{"retry-after": "7"})}
    assert (await ends(world)).retry_after_s == 7.0


async def test_a_fault_of_ours_leaves_no_place_taken_and_no_success_behind() -> None:
    world = World(link("lp1"))

    async def breaks(request: Request) -> Answer:
        raise ZeroDivisionError

    world.servers = {"lp1": breaks}
    with pytest.raises(ZeroDivisionError):
        await world.ask()
    assert world.memory.outcomes == ["lp1=protocol_error"]
    assert world.pipeline.availability.room(world.registry.models["lp1"]).in_flight == 0


async def test_a_cycle_is_walked_once() -> None:
    world = World(link("lp1", "lp2"), link("lp2", "lp1"))
    world.servers = dict.fromkeys(("lp1", "lp2"), unusable("connection_lost"))
    assert trail((await ends(world)).attempts) == ["lp1=connection_lost", "lp2=connection_lost"]


TOO_LONG = answers({"error": {"message": "This model's maximum context length is 1024 tokens."}}, 400)


@pytest.mark.parametrize(
    ("windows", "asked"),
    [
        ({"lp1": 1024, "lp2": 1024, "lp3": 8192}, ["lp1", "lp3"]),
        ({"lp1": 1024, "lp2": 512}, ["lp1"]),
        ({"lp2": 8192, "lp3": 8192}, ["lp1"]),
        ({"lp1": 1024}, ["lp1"]),
    ],
)
async def test_a_prompt_that_is_too_long_goes_only_to_models_known_to_be_wider(
    windows: dict[str, int], asked: list[str]
) -> None:
    world = World(*chain_of("lp1", "lp2", "lp3"))
    world.names.windows = windows
    world.servers = {"lp1": TOO_LONG, "lp2": says("two"), "lp3": says("three")}
    if asked[-1] == "lp1":
        assert isinstance(await ends(world, surface=Surface.CHAT), Rejected)
    else:
        assert replied(await world.ask(surface=Surface.CHAT)).output["text"] == "three"
    assert world.asked == asked
