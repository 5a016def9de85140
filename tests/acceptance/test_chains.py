"""Chains as operators get them wrong and machines break them: a cycle, and five dead models before a live one."""

import asyncio

from tests.acceptance.processes import House, model, trail
from tests.fakes import model_server
from tests.fakes.model_server import answers, chat, closes_mid_body, hangs, refusing_endpoint, resets
from tests.gateway.conftest import page

FAILING = answers({"error": {"message": "CUDA error: device-side assert triggered"}}, 500)


async def test_five_dead_models_do_not_keep_the_sixth_from_reading_the_page(house: House) -> None:
    async with (
        model_server.serving(resets) as reset,
        model_server.serving(hangs) as hung,
        model_server.serving(FAILING) as failing,
        model_server.serving(closes_mid_body) as cut,
        model_server.serving(answers(chat("Invoice"))) as live,
    ):
        await house.register(
            model("op1", refusing_endpoint(), "op2"),
            model("op2", reset.endpoint, "op3"),
            model("op3", hung.endpoint, "op4", timeout_ms=300),
            model("op4", failing.endpoint, "op5"),
            model("op5", cut.endpoint, "os1"),
            model("os1", live.endpoint),
        )
        async with house.serving() as gateway:
            said = await gateway.run({"task": "ocr", "input": {"image": page()}})
            call = said.headers["X-OneAI-Call"]
            why = (await house.cli("why", call, "--json")).json
            await asyncio.wait_for(hung.aborted.wait(), 10)
    assert said.status == 200, said.body
    answer = said.json()
    outcomes = ["unreachable", "connection_lost", "timeout", "upstream_error", "connection_lost"]
    assert trail(said) == [f"op{n}={outcome}" for n, outcome in enumerate(outcomes, start=1)] + ["os1=ok"]
    assert said.headers["X-OneAI-Model"] == answer["model"] == "os1"
    assert answer["output"]["text"] == "Invoice"
    assert [(one["model"], one.get("error")) for one in answer["attempts"]] == [
        *((f"op{n}", outcome) for n, outcome in enumerate(outcomes, start=1)),
        ("os1", None),
    ]
    assert [one["outcome"] for one in why["attempts"]] == [*outcomes, "ok"]
    stored = house.sql("select model_code, error_class from model_usage_log where call_id = ? order by attempt", call)
    assert [error for _, error in stored] == [*outcomes, None]


async def test_a_cycle_is_refused_when_it_is_wired(house: House) -> None:
    await house.register(model("lp1", refusing_endpoint(), "lp2"), model("lp2", refusing_endpoint()))
    ended = await house.cli("models", "fallback", "lp2", "lp1")
    assert ended.code == 4
    assert "lp1" in ended.error
    assert house.sql("select model_code, fallback_model_code from models") == [("lp1", "lp2"), ("lp2", None)]


async def test_a_cycle_that_somebody_wrote_into_the_table_is_walked_once(house: House) -> None:
    await house.register(model("lp1", refusing_endpoint(), "lp2"), model("lp2", refusing_endpoint()))
    house.sql("update models set fallback_model_code = 'lp1' where model_code = 'lp2'")
    async with house.serving() as gateway:
        said = await gateway.run({"model": "lp2", "input": {"text": "Hello"}})
        doctor = await house.cli("doctor", "--json")
    assert (said.status, said.error["code"], said.headers["x-should-retry"]) == (502, "chain_exhausted", "false")
    assert trail(said) == ["lp2=unreachable", "lp1=unreachable"]
    assert [one["model"] for one in said.error["attempts"]] == ["lp2", "lp1"]
    assert "127.0.0.1" not in said.body.decode()
    assert "cycle" in doctor.out
