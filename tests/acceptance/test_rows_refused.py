"""A usage row that the store refuses, of a model that was deleted behind our back: set aside, and the rest goes on."""

import json
import sqlite3
from contextlib import closing

from tests.acceptance.processes import House, model
from tests.fakes.model_server import ModelServer
from tests.fakes.waiting import until


async def test_it_is_set_aside_counted_and_said_and_all_others_are_stored(house: House, server: ModelServer) -> None:
    await house.register(*(model(code, server.endpoint) for code in ("lp1", "lp2", "lp3")))
    refused = house.home / "journal" / "refused.jsonl"
    async with house.serving() as gateway:
        with closing(sqlite3.connect(house.home / "oneai.db", timeout=10, isolation_level=None)) as db:
            db.execute("begin immediate")  # nothing is stored until the model is gone
            said = [await gateway.run({"model": f"lp{1 + n % 3}", "input": {"text": "Hello"}}) for n in range(9)]
            db.execute("delete from models where model_code = 'lp3'")
            db.execute("commit")
        await until(lambda: refused.exists() and refused.read_bytes().count(b"\n") == 3)
        await until(gateway.shipped)
        health = await gateway.health()
        checked = await house.cli("db", "check", "--json")
    lines = [json.loads(line) for line in refused.read_text().splitlines()]
    ids = [one.headers["X-OneAI-Call"] for one in said]
    assert {one.status for one in said} == {200}
    assert [line["row"]["call_id"] for line in lines] == ids[2::3]
    assert all("lp3" in line["reason"] for line in lines)
    stored = {call for (call,) in house.sql("select call_id from model_usage_log")}
    assert stored == set(ids) - set(ids[2::3])
    assert (health["status"], health["journal"]["refused"], health["journal"]["rows"]) == ("degraded", 3, 0)
    assert checked.code == 7
    assert "3 set aside" in checked.out
